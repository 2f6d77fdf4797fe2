// The arithmetic of drift: steps of both distribution functions, quantiles, and p-values of the two-sample
// Kolmogorov-Smirnov statistic.
#pragma once

#include <cmath>

#include "core/elementary.h"
#include "core/exponential.h"
#include "metrics/ordered_bits.h"

namespace within {

constexpr int kDriftMetrics = 5;           // psi, kl, ks, ks_pvalue, wasserstein
constexpr double kSmallestShare = 1e-6;    // of a bin, in psi and kl
constexpr int64_t kMostExactRows = 10000;  // as scipy's method "auto" has it

inline namespace WITHIN_ISA {

// ---- both distribution functions ----

// 1 / (n m), and how far apart they are where counts, times each other's rows, differ by `by`.
WITHIN_HOST_DEVICE double per_row_of(int64_t rows, int64_t others) {
    return 1 / (static_cast<double>(rows) * static_cast<double>(others));
}
WITHIN_HOST_DEVICE double apart_of(int64_t by, double per_row) { return static_cast<double>(by) * per_row; }

// The area between them from x to the next number.
WITHIN_HOST_DEVICE double area_of(double apart, double x, double next) {
    const double gap = next - x;
    return apart > 0 ? apart * gap : 0;
}

// A range beyond the largest number leaves no distance but infinity.
WITHIN_HOST_DEVICE double distance_within(double range, double distance) {
    return (bits_of(range) >> 52 & 0x7ff) != 0x7ff ? distance : double_of(0x7ff0000000000000ull);
}

// Kish's number of rows, from exact sums of weights and of their squares, as shares of the largest.
WITHIN_HOST_DEVICE double effective_rows(double sum, double squares) { return sum * sum / squares; }

// ---- a sample in order ----

template <typename Key>
struct OrderedSample {
    const Key* keys;
    const double* shares;  // with weights: of the rows up to each, [count]; else null
    int64_t count;

    WITHIN_HOST_DEVICE double share_of(int64_t rows) const { return rows > 0 ? shares[rows - 1] : 0; }

    WITHIN_HOST_DEVICE int64_t rows_up_to(double number) const {
        int64_t low = 0, high = count;
        while (low < high) {
            const int64_t middle = low + (high - low) / 2;
            if (number < number_of(keys[middle])) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        return low;
    }

    // Rows up to a number, with weights their share.
    WITHIN_HOST_DEVICE double part_up_to(double number) const {
        const int64_t rows = rows_up_to(number);
        return shares != nullptr ? share_of(rows) : static_cast<double>(rows);
    }

    // numpy's quantile: "linear" without weights, "inverted_cdf" with them.
    WITHIN_HOST_DEVICE double quantile(double share) const {
        if (shares != nullptr) {
            int64_t low = 0, high = count - 1;
            while (low < high) {
                const int64_t middle = low + (high - low) / 2;
                if (shares[middle] < share) {
                    low = middle + 1;
                } else {
                    high = middle;
                }
            }
            return number_of(keys[low]);
        }
        const double place = share * static_cast<double>(count - 1);
        const int64_t below = static_cast<int64_t>(place);
        const double part = place - static_cast<double>(below);
        const double lower = number_of(keys[below]);
        const double upper = number_of(keys[below + 1 < count ? below + 1 : count - 1]);
        const double step = upper - lower;
        return part >= 0.5 ? upper - step * (1 - part) : lower + step * part;
    }
};

// Where bin `bin` of the reference's ends.
template <typename Key>
WITHIN_HOST_DEVICE double end_of_bin(const OrderedSample<Key>& reference, int64_t bin, int64_t bins) {
    if (bin + 1 == bins) return double_of(0x7ff0000000000000ull);
    return reference.quantile(static_cast<double>(bin + 1) / static_cast<double>(bins));
}

// ---- p-values ----

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
