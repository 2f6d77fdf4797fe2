// The arithmetic of drift: p-values of the two-sample Kolmogorov-Smirnov statistic, and divergences of shares in bins.
#pragma once

#include <cmath>

#include "core/elementary.h"
#include "core/exponential.h"

namespace within {

constexpr int kDriftMetrics = 5;           // psi, kl, ks, ks_pvalue, wasserstein
constexpr double kSmallestShare = 1e-6;    // of a bin, in psi and kl
constexpr int64_t kMostExactRows = 10000;  // as scipy's method "auto" has it

inline namespace WITHIN_ISA {

// P(sup |B| >= z) of a Brownian bridge: Kolmogorov's limit (scipy.stats.kstwobign.sf), by the series that is short at
// z.
WITHIN_HOST_DEVICE double kolmogorov_tail(double z) {
    if (!(z > 0.02)) return z != z ? z : 1;
    double sum = 0;
    if (z >= 0.8) {
        for (int k = 8; k >= 1; --k) {
            const double term = exponential<13>(-2.0 * k * k * z * z);
            sum += k % 2 == 1 ? term : -term;
        }
        return 2 * sum;
    }
    const double eighth = 1.2337005501361697 / (z * z);  // pi^2 / 8
    for (int k = 7; k >= 1; k -= 2) sum += exponential<13>(-eighth * k * k);
    return 1 - 2.5066282746310002 / z * sum;  // sqrt(2 pi)
}

// P(statistic >= h / n) of two samples of n (scipy.stats._stats_py._compute_prob_outside_square).
WITHIN_HOST_DEVICE double outside_square(int64_t n, int64_t h) {
    double outside = 0;
    for (int64_t k = n / h; k >= 0; --k) {
        double product = 1;
        for (int64_t j = 0; j < h; ++j)
            product = static_cast<double>(n - k * h - j) * product / static_cast<double>(n + k * h + j + 1);
        outside = product * (1 - outside);
    }
    return 2 * outside;
}

}  // namespace WITHIN_ISA
}  // namespace within
