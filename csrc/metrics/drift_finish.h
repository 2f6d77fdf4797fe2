// What is found of one column once both samples are in order: on the host, for every device.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

#include "metrics/drift.h"

namespace within {
inline namespace WITHIN_ISA {

// P(statistic >= h * gcd / (n * m)) of samples of unequal sizes: 1 less the share of the lattice paths that stay inside
// (scipy.stats._stats_py._compute_outer_prob_inside_method; Hodges, "The significance probability of the Smirnov
// two-sample test", 1958).
inline double outside_paths(int64_t m, int64_t n, int64_t divisor, int64_t h) {
    if (m < n) std::swap(m, n);
    const int64_t step = m / divisor, other_step = n / divisor;
    auto ceil_of = [](int64_t a, int64_t b) { return a > 0 ? (a + b - 1) / b : -(-a / b); };
    auto floor_of = [](int64_t a, int64_t b) { return a >= 0 ? a / b : -((-a + b - 1) / b); };
    int64_t low = 0, high = std::min(ceil_of(h, step), n + 1), length = high - low;
    std::vector<double> outside(std::min(2 * high + 2, n + 1) + 1, 1.0);
    std::fill(outside.begin(), outside.begin() + high, 0.0);
    for (int64_t i = 1; i <= m; ++i) {
        const int64_t last_low = low, last_length = length;
        low = std::min(std::max<int64_t>(floor_of(other_step * i - h, step) + 1, 0), n);
        high = std::min(ceil_of(other_step * i + h, step), n + 1);
        if (high <= low) return 1;
        double value = low == 0 ? 0.0 : 1.0;
        for (int64_t j = low; j < high; ++j) {
            value = (outside[j - last_low] * static_cast<double>(i) + value * static_cast<double>(j)) /
                    static_cast<double>(i + j);
            outside[j - low] = value;
        }
        length = high - low;
        for (int64_t j = length; j < last_length; ++j) outside[j] = 1;
    }
    return outside[length - 1];
}

// Kolmogorov's limit of two samples that are `apart`, corrected for few rows (Vrbik, "Small-sample corrections to
// Kolmogorov-Smirnov test statistic", 2018).
inline double limit_of_pvalue(double rows, double others, double apart) {
    const double both = rows * others / (rows + others);
    const double root = std::sqrt(both), z = apart * root;
    return z > 0 ? kolmogorov_tail(z + 1 / (6 * root) + (z - 1) / (4 * both)) : 1;
}

// Of n and m rows without weights that are `by` / (n m) apart: exact up to 10000 rows, the limit beyond.
inline double ks_pvalue(int64_t n, int64_t m, int64_t by) {
    if (by == 0) return 1;
    if (std::max(n, m) > kMostExactRows) {
        const double rows = static_cast<double>(n), others = static_cast<double>(m);
        return limit_of_pvalue(rows, others, static_cast<double>(by) / (rows * others));
    }
    const int64_t divisor = std::gcd(n, m);
    const int64_t h = by / divisor;
    const double found = n == m ? outside_square(n, h) : outside_paths(m, n, divisor, h);
    return std::min(1.0, std::max(0.0, found));
}

// What is found of one column, both samples being in order.
struct DriftFacts {
    int64_t rows;
    int64_t others;
    bool is_weighted;
    double effective;  // with weights: Kish's numbers of rows
    double other_effective;
    uint64_t farthest_by;  // without weights: the statistic times both counts
    double farthest;       // with weights: the statistic
    double distance;
    const double* up_to;  // [bins, 2]: rows of both samples up to the end of each bin, with weights their share
    int64_t bins;

    // Either of both, as kernels keep it.
    void take_farthest(uint64_t found) {
        farthest_by = is_weighted ? 0 : found;
        farthest = is_weighted ? double_of(found) : 0;
    }
};

inline bool has_both(const DriftFacts& facts) {
    if (facts.is_weighted) return facts.effective > 0 && facts.other_effective > 0;
    return facts.rows > 0 && facts.others > 0;
}

// out: psi and the divergence of the current shares from the reference's, natural logarithms; a share below
// kSmallestShare counts as that.
inline void finish_bins(const DriftFacts& facts, double* out) {
    const double whole = facts.is_weighted ? 1 : static_cast<double>(facts.rows);
    const double other_whole = facts.is_weighted ? 1 : static_cast<double>(facts.others);
    double stability = 0, divergence = 0, from = 0, other_from = 0;
    for (int64_t b = 0; b < facts.bins; ++b) {
        const double to = std::max(from, facts.up_to[2 * b]), other_to = std::max(other_from, facts.up_to[2 * b + 1]);
        const double r = std::max((to - from) / whole, kSmallestShare);
        const double c = std::max((other_to - other_from) / other_whole, kSmallestShare);
        const double logarithm = log(c / r);
        stability += (c - r) * logarithm;
        divergence += c * logarithm;
        from = to;
        other_from = other_to;
    }
    out[0] = stability;
    out[1] = divergence;
}

inline void finish_drift(const DriftFacts& facts, double out[kDriftMetrics]) {
    if (!has_both(facts)) {
        std::fill(out, out + kDriftMetrics, std::nan(""));
        return;
    }
    finish_bins(facts, out);
    if (facts.is_weighted) {
        out[2] = facts.farthest;
        out[3] = limit_of_pvalue(facts.effective, facts.other_effective, facts.farthest);
    } else {
        out[2] = static_cast<double>(facts.farthest_by) /
                 (static_cast<double>(facts.rows) * static_cast<double>(facts.others));
        out[3] = ks_pvalue(facts.rows, facts.others, static_cast<int64_t>(facts.farthest_by));
    }
    out[4] = facts.distance;
}

}  // namespace WITHIN_ISA
}  // namespace within
