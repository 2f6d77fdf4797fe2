// Metrics of scores in [0, 1] for two classes: what an element contributes, and what becomes of the sums.
#pragma once

#include "core/elementary.h"
#include "metrics/exact_sum.h"
#include "metrics/nearest.h"

namespace within {

// The columns of the result, in this order.
enum Metric : int {
    kRocAuc,
    kAveragePrecision,
    kLogLoss,
    kBrier,
    kEce,
    kKs,
    kTruePositives,
    kFalsePositives,
    kTrueNegatives,
    kFalseNegatives,
    kAccuracy,
    kPrecision,
    kRecall,
    kF1,
    kMetrics
};

// What the ranking of a slice gives.
struct Ranking {
    double roc_auc;
    double average_precision;
    double ks;
};

// Weights, each summed exactly and rounded once: of each class, of both, and of what is predicted positive.
struct Masses {
    double positives;
    double negatives;
    double total;
    double true_positives;
    double false_positives;
    double false_negatives;
    double true_negatives;
};

// Sums over the rows of a slice, exact and rounded once.
struct PointSums {
    double loss;
    double brier;
    double gap;  // |sum of scores - labels| of each bin, added in the order of the bins
};

inline namespace WITHIN_ISA {

// A score and its label as an unsigned number, lower for higher scores: 31 bits of float32, 63 of float64. Bit 0 is the
// label.
template <typename Key>
struct Coded;

template <>
struct Coded<uint32_t> {
    static constexpr int kFirstBit = 1;
    static constexpr int kLastBit = 31;
    static constexpr uint32_t kOne = 0x3f800000u;
    static constexpr double kClip = 0x1p-23;  // as scikit-learn clips float32
    WITHIN_HOST_DEVICE static uint32_t code(float score, bool label) {
        return (kOne - bits_of_float(score + 0.0f)) << 1 | static_cast<uint32_t>(label);
    }
    WITHIN_HOST_DEVICE static double score(uint32_t key) { return float_of_bits(kOne - (key >> 1)); }
};

template <>
struct Coded<uint64_t> {
    static constexpr int kFirstBit = 1;
    static constexpr int kLastBit = 63;
    static constexpr uint64_t kOne = 0x3ff0000000000000ull;
    static constexpr double kClip = 0x1p-52;
    WITHIN_HOST_DEVICE static uint64_t code(double score, bool label) {
        return (kOne - bits_of(score + 0.0)) << 1 | static_cast<uint64_t>(label);
    }
    WITHIN_HOST_DEVICE static double score(uint64_t key) { return double_of(kOne - (key >> 1)); }
};

// What one row adds to the log loss and to the Brier score. F is double, U uint64_t, Label bool; or they are vectors of
// these and of masks.
template <typename Key, typename U, typename F, typename Label>
WITHIN_HOST_DEVICE void points_of(F score, Label label, F* loss, F* brier) {
    constexpr double kLow = Coded<Key>::kClip, kHigh = 1.0 - Coded<Key>::kClip;
    const F low = F{} + kLow, high = F{} + kHigh;
    const F rest = 1.0 - score;
    const F hit = label ? score : rest;
    const F miss = label ? rest : score;
    const F raised = hit < low ? low : hit;
    *loss = -log_normal<F, U>(raised > high ? high : raised);
    *brier = miss * miss;
}

// The bits of the value of a positive number's lowest bit; of 0 those of infinity. Positive numbers are ordered as
// their bits are.
WITHIN_HOST_DEVICE uint64_t lowest_bit(double value) {
    const uint64_t bits = bits_of(value);
    const uint64_t has_fraction = (bits & 0xfffffffffffffull) != 0 ? ~uint64_t{0} : 0;
    const uint64_t lowest = bits_of(value - double_of(bits & (bits - 1) & has_fraction));
    return lowest != 0 ? lowest : 0x7ff0000000000000ull;
}

// A weight as a multiple of 2^base, which it is.
WITHIN_HOST_DEVICE __int128 units_of(double weight, int base) {
    const uint64_t bits = bits_of(weight);
    const int exponent = static_cast<int>(bits >> 52 & 0x7ff);
    const uint64_t mantissa = (bits & 0xfffffffffffffull) | uint64_t{1} << 52;
    const int shift = exponent - 1075 - base;
    if (exponent == 0) return 0;  // no subnormal is counted in words
    return shift >= 0 ? static_cast<__int128>(mantissa) << shift : static_cast<__int128>(mantissa >> -shift);
}

// Bin b of `bins` holds scores in (b / bins, (b + 1) / bins], the first 0 too; the bounds are numpy.linspace's.
WITHIN_HOST_DEVICE double bound_of_bin(int64_t bin, double step) { return static_cast<double>(bin) * step; }

WITHIN_HOST_DEVICE int64_t bin_of(double score, int64_t bins, double step) {
    int64_t bin = static_cast<int64_t>(score * static_cast<double>(bins));
    bin = bin < bins ? bin : bins - 1;
    if (bin > 0 && score <= bound_of_bin(bin, step)) --bin;
    if (bin + 1 < bins && score > bound_of_bin(bin + 1, step)) ++bin;
    return bin;
}

// What a threshold contributes to the curves: the weights above it and what they were above the threshold before.
struct CurveTerms {
    double area;
    double precision;
    double distance;
};

WITHIN_HOST_DEVICE CurveTerms curve_terms(double tp, double fp, double tp_before, double gained_tp, double gained_fp,
                                          double positives, double negatives) {
    const double tpr = tp / positives;
    const double fpr = fp / negatives;
    const double height = (tpr + tp_before / positives) * 0.5;
    const double distance = tpr > fpr ? tpr - fpr : fpr - tpr;
    // Nothing is gained where rows have no weight, whatever a quotient of zeros is.
    const double area = gained_fp / negatives * height, precision = gained_tp * (tp / (tp + fp));
    return {gained_fp > 0 ? area : 0.0, gained_tp > 0 ? precision : 0.0, distance};
}

WITHIN_HOST_DEVICE double not_a_number() { return double_of(0x7ff8000000000000ull); }

WITHIN_HOST_DEVICE double quotient_or_zero(double a, double b) { return b > 0 ? a / b : 0.0; }

// Of counts: twice the pairs in right order, the largest distance of the rates times both counts, and the sum of what
// is gained at each threshold times its precision.
WITHIN_HOST_DEVICE Ranking ranking_of_counts(uint64_t twice_pairs, uint64_t distance, double precision,
                                             const Masses& masses) {
    const double pairs = masses.positives * masses.negatives;
    return {static_cast<double>(twice_pairs) / (2 * pairs), precision / masses.positives,
            static_cast<double>(distance) / pairs};
}

// What a threshold adds to the sum of precisions, of counts.
WITHIN_HOST_DEVICE double precision_of_counts(int64_t gained_tp, int64_t tp, int64_t count) {
    return static_cast<double>(gained_tp) * (static_cast<double>(tp) / static_cast<double>(count));
}

// The row of the result: NaN for what one class or no weight leaves undefined, 0 for ratios of counts without any.
WITHIN_HOST_DEVICE void write_metrics(const Ranking& ranking, const Masses& masses, const PointSums& sums,
                                      double* out) {
    const bool is_empty = !(masses.total > 0);
    const bool is_one_class = !(masses.positives > 0 && masses.negatives > 0);
    const double nan = not_a_number();
    out[kRocAuc] = is_one_class ? nan : ranking.roc_auc;
    out[kKs] = is_one_class ? nan : ranking.ks;
    out[kAveragePrecision] = is_empty ? nan : masses.positives > 0 ? ranking.average_precision : 0.0;
    out[kLogLoss] = is_empty ? nan : sums.loss / masses.total;
    out[kBrier] = is_empty ? nan : sums.brier / masses.total;
    out[kEce] = is_empty ? nan : sums.gap / masses.total;
    const double tp = masses.true_positives, fp = masses.false_positives;
    const double tn = masses.true_negatives, fn = masses.false_negatives;
    out[kTruePositives] = tp;
    out[kFalsePositives] = fp;
    out[kTrueNegatives] = tn;
    out[kFalseNegatives] = fn;
    out[kAccuracy] = is_empty ? nan : (tp + tn) / masses.total;
    out[kPrecision] = quotient_or_zero(tp, tp + fp);
    out[kRecall] = quotient_or_zero(tp, tp + fn);
    out[kF1] = quotient_or_zero(2 * tp, 2 * tp + fp + fn);
}

}  // namespace WITHIN_ISA
}  // namespace within
