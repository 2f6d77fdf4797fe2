// The exponential function, of IEEE operations alone: the same bits on every processor and device.
#pragma once

#include <cmath>
#include <cstdint>

#include "core/exact_accumulator.h"

namespace within {
inline namespace WITHIN_ISA {

// The terms k to kDegree of the series of exp(r) / r^k, by recursion: a loop would keep compilers from vectors.
template <int kDegree, int k = 0>
WITHIN_HOST_DEVICE double exponential_series(double r) {
    constexpr double kInverseFactorial[14] = {
        1.0,        1.0,         1.0 / 2,      1.0 / 6,       1.0 / 24,       1.0 / 120,       1.0 / 720,
        1.0 / 5040, 1.0 / 40320, 1.0 / 362880, 1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800.0};
    if constexpr (k == kDegree) {
        return kInverseFactorial[k];
    } else {
        return fma(exponential_series<kDegree, k + 1>(r), r, kInverseFactorial[k]);
    }
}

// exp(x) by its Taylor polynomial of degree kDegree about the nearest multiple of log 2 (Cody and Waite, "Software
// Manual for the Elementary Functions", 1980). Degree 13 is within 1 ulp of a double, degree 8 of a float by far.
template <int kDegree>
WITHIN_HOST_DEVICE double exponential(double x) {
    double bounded = x < -746.0 ? -746.0 : x;
    bounded = bounded > 710.0 ? 710.0 : bounded;
    // The nearest integer, in the lowest bits of a number with 2^52 of them.
    const double shifted = fma(bounded, 1.4426950408889634, 0x1.8p52);
    const double n = shifted - 0x1.8p52;
    double r = fma(n, -6.93147180369123816490e-01, bounded);
    r = fma(n, -1.90821492927058770002e-10, r);
    const double p = exponential_series<kDegree>(r);
    // Two powers of two, so that a subnormal result is rounded once.
    const int64_t whole = static_cast<int64_t>(bits_of(shifted) - bits_of(0x1.8p52));
    const int64_t half = whole >> 1;
    const double result = p * double_of(static_cast<uint64_t>(half + 1023) << 52) *
                          double_of(static_cast<uint64_t>(whole - half + 1023) << 52);
    return x == x ? result : double_of(0x7ff8000000000000ull);
}

}  // namespace WITHIN_ISA
}  // namespace within
