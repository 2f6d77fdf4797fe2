// Weights as integers, so that adding them up depends on no order: multiples of 2^-95 of the largest one's power of
// two.
#pragma once

#include "scatter/window.h"

namespace within {
inline namespace WITHIN_ISA {

constexpr int kWeightBits = 95;
constexpr int kUnitWords = 3;            // of 32 bits each, that kernels cut such a multiple into
constexpr double kMostWeight = 0x1p960;  // no product of a sum of such and of a loss is infinite

// A finite weight, 0 or more, in units of 2^(largest_exponent - 95); what is below a unit is left out.
WITHIN_HOST_DEVICE __int128 whole_weight(double weight, int largest_exponent) {
    const uint64_t bits = bits_of(weight);
    const int exponent = static_cast<int>(bits >> 52 & 0x7ff);
    const uint64_t mantissa = (bits & 0xfffffffffffffull) | (exponent != 0 ? uint64_t{1} << 52 : 0);
    const int shift = (exponent != 0 ? exponent : 1) - 1075 + kWeightBits - largest_exponent;
    if (shift >= 0) return static_cast<__int128>(mantissa) << shift;
    return shift > -64 ? mantissa >> -shift : 0;
}

// Rounded to nearest, ties to even, as every compiler's conversion is.
inline double to_double(__int128 whole) { return static_cast<double>(whole); }

}  // namespace WITHIN_ISA
}  // namespace within
