// Weights as integers of one power of two, so that sums over ranks depend on no order, and prefixes on no tree.
//
// The largest of `count` weights gets as many bits of 125 as the sum leaves room for; what of a smaller one lies below
// the lowest bit is cut off: less than 2^-93 of the largest for up to 2^31 weights.
#pragma once

#include "core/bits.h"

namespace within {

using Fixed = unsigned __int128;

constexpr int kFixedBits = 125;

inline namespace WITHIN_ISA {

WITHIN_HOST_DEVICE int bits_of_count(int64_t count) {
    int bits = 0;
    while (count >> bits != 0) ++bits;
    return bits;
}

// The exponent of the lowest bit, for weights up to `largest`, which is finite.
WITHIN_HOST_DEVICE int fixed_base(double largest, int64_t count) {
    return exponent_of(largest) + 1 - (kFixedBits - bits_of_count(count));
}

// A weight from 0 to `largest` in units of 2^base, cut off.
WITHIN_HOST_DEVICE Fixed fixed_of(double weight, int base) {
    const uint64_t bits = bits_of(weight);
    const int exponent = static_cast<int>(bits >> 52);
    const uint64_t fraction = bits & 0xfffffffffffffull;
    const uint64_t mantissa = exponent == 0 ? fraction : fraction | uint64_t{1} << 52;
    const int position = (exponent == 0 ? 1 : exponent) - 1075 - base;
    if (position >= 0) return static_cast<Fixed>(mantissa) << position;
    return position > -64 ? mantissa >> -position : 0;
}

// The number, within 1 ulp.
WITHIN_HOST_DEVICE double double_of_fixed(Fixed value) {
    return static_cast<double>(static_cast<uint64_t>(value >> 64)) * 0x1p64 +
           static_cast<double>(static_cast<uint64_t>(value));
}

}  // namespace WITHIN_ISA
}  // namespace within
