// The arithmetic of regression metrics: the terms of a row, and the metrics from their sums.
#pragma once

#include <cmath>

#include "core/exact_accumulator.h"

namespace within {

// Sums of the first pass: weights, predictions, targets, errors, their squares, magnitudes, and magnitudes as a share
// of the target's. Of the second, which knows the means: deviations of predictions, targets and errors, their squares,
// and products of the first two.
constexpr int kRegressionSums = 7;
// rmse, mae, r2, mape, explained_variance, pearson, spearman
constexpr int kRegressionMetrics = 7;

struct RegressionMeans {
    double prediction;
    double target;
    double error;
};

// Sums of the terms and what else is known of the rows that have a weight.
struct RegressionFacts {
    double first[kRegressionSums];
    double second[kRegressionSums];
    double ranks[3];  // of squares of centred ranks of predictions, of targets, of their products
    double counted;   // rows
    bool predictions_differ;
    bool targets_differ;
    bool errors_differ;
};

struct RegressionTerms {
    double of[kRegressionSums];
};

inline namespace WITHIN_ISA {

WITHIN_HOST_DEVICE double no_number() { return double_of(0x7ff8000000000000ull); }
// A number, or the NaN that is the same on every device.
WITHIN_HOST_DEVICE double one_nan(double value) { return value != value ? no_number() : value; }
WITHIN_HOST_DEVICE double size_of(double value) { return double_of(bits_of(value) & ~(uint64_t{1} << 63)); }

WITHIN_HOST_DEVICE RegressionTerms first_terms(double prediction, double target, double weight) {
    const double error = prediction - target;
    const double weighed = weight * error;
    const double size = size_of(target);
    const double share = size_of(error) / (size > 0x1p-52 ? size : 0x1p-52);  // scikit-learn's bound
    return {{weight, weight * prediction, weight * target, weighed, weighed * error, size_of(weighed), weight * share}};
}

WITHIN_HOST_DEVICE RegressionTerms second_terms(double prediction, double target, double weight,
                                                const RegressionMeans& means) {
    const double p = prediction - means.prediction, t = target - means.target, e = prediction - target - means.error;
    const double wp = weight * p, wt = weight * t, we = weight * e;
    return {{wp, wt, we, wp * p, wt * t, we * e, wp * t}};
}

WITHIN_HOST_DEVICE RegressionMeans means_of(const double first[kRegressionSums]) {
    return {first[1] / first[0], first[2] / first[0], first[3] / first[0]};
}

WITHIN_HOST_DEVICE double correlation(double product, double square, double other_square) {
    const double value = product / (sqrt(square) * sqrt(other_square));
    return value > 1 ? 1 : value < -1 ? -1 : value;
}

// 1 less the share of the targets' squares that is left; where these are 0, 1 if nothing is left and 0 otherwise.
WITHIN_HOST_DEVICE double explained(double left, double squares) {
    if (left == 0) return 1;
    return squares == 0 ? 0 : 1 - left / squares;
}

// What deviations from a rounded mean leave of their squares about the true one (Chan, Golub and LeVeque, 1983).
WITHIN_HOST_DEVICE double corrected(double products, double sum, double other_sum, double weight) {
    return products - sum * other_sum / weight;
}

WITHIN_HOST_DEVICE void finish_regression(const RegressionFacts& facts, double out[kRegressionMetrics]) {
    const double weight = facts.first[0];
    if (!(weight > 0)) {
        for (int k = 0; k < kRegressionMetrics; ++k) out[k] = no_number();
        return;
    }
    const double* const s = facts.second;
    const double predictions = facts.predictions_differ ? corrected(s[3], s[0], s[0], weight) : 0;
    const double targets = facts.targets_differ ? corrected(s[4], s[1], s[1], weight) : 0;
    const double errors = facts.errors_differ ? corrected(s[5], s[2], s[2], weight) : 0;
    const double both = corrected(s[6], s[0], s[1], weight);
    const bool differ = facts.predictions_differ && facts.targets_differ;
    out[0] = sqrt(facts.first[4] / weight);
    out[1] = facts.first[5] / weight;
    out[2] = facts.counted < 2 ? no_number() : explained(facts.first[4], targets);
    out[3] = facts.first[6] / weight;
    out[4] = explained(errors, targets);
    out[5] = differ ? correlation(both, predictions, targets) : no_number();
    out[6] = differ ? correlation(facts.ranks[2], facts.ranks[0], facts.ranks[1]) : no_number();
    for (int k = 0; k < kRegressionMetrics; ++k) out[k] = one_nan(out[k]);
}

// The number at `share` of the way from one order statistic to the next, as numpy has it.
WITHIN_HOST_DEVICE double between_statistics(double lower, double upper, double share) {
    const double step = upper - lower;
    return one_nan(share >= 0.5 ? upper - step * (1 - share) : lower + step * share);
}

}  // namespace WITHIN_ISA
}  // namespace within
