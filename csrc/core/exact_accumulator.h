// Sums of floating-point numbers that are exact until they are rounded once, so that they depend on no order.
//
// A fixed-point number wide enough for every sum of doubles (Kulisch, "Computer Arithmetic and Validity", 2008), kept
// in limbs of 32 bits with the carries left in the upper half of an int64 (Neal, arXiv:1505.05571). Only integers are
// added, so any order, grouping or parallel merge gives the same number.
#pragma once

#include <cstdint>

#include "core/bits.h"

namespace within {

// Bit 0 of limb 0 stands for 2^-1074; 2^1023 and its mantissa end in limb 65; the rest holds what carries make of 2^63
// numbers.
constexpr int kLimbs = 68;
constexpr int kLimbBits = 32;
constexpr int kLowestExponent = -1074;

// Which values that are no numbers were added.
enum Special : int { kNan = 1, kPlusInfinity = 2, kMinusInfinity = 4 };

// A format a sum is rounded to: bits of its mantissa with the hidden one, exponents of its lowest bit and of its
// largest number.
struct Format {
    int mantissa_bits;
    int lowest_exponent;
    int highest_exponent;
};

constexpr Format kFloat64 = {53, -1074, 1023};
constexpr Format kFloat32 = {24, -149, 127};
constexpr Format kFloat16 = {11, -24, 15};
constexpr Format kBFloat16 = {8, -133, 127};

inline namespace WITHIN_ISA {

WITHIN_HOST_DEVICE int leading_zeros(uint64_t value) {
#if defined(__CUDA_ARCH__)
    return __clzll(static_cast<long long>(value));
#else
    return __builtin_clzll(value);
#endif
}

// 2^exponent, exponent in [-1022, 1023].
WITHIN_HOST_DEVICE double power_of_two(int exponent) { return double_of(static_cast<uint64_t>(exponent + 1023) << 52); }

WITHIN_HOST_DEVICE int special_of(double value) {
    if (value != value) return kNan;
    return value > 0 ? kPlusInfinity : kMinusInfinity;
}

WITHIN_HOST_DEVICE bool is_finite(double value) { return (bits_of(value) >> 52 & 0x7ff) != 0x7ff; }

// What a sum with such values is: NaN beats all, infinities of both signs are NaN.
WITHIN_HOST_DEVICE double sum_of_specials(int special) {
    const bool both = (special & kPlusInfinity) && (special & kMinusInfinity);
    if ((special & kNan) || both) return double_of(0x7ff8000000000000ull);
    return double_of(special & kPlusInfinity ? 0x7ff0000000000000ull : 0xfff0000000000000ull);
}

// mantissa * 2^exponent, and a little more where `sticky`, rounded to nearest, ties to even; too large gives infinity.
// The result is exact in a double. `sticky` asks for a mantissa with its highest bit set.
WITHIN_HOST_DEVICE double round_scaled(bool negative, uint64_t mantissa, bool sticky, int exponent, Format format) {
    const uint64_t sign = negative ? uint64_t{1} << 63 : 0;
    if (mantissa == 0) return double_of(0);
    const int zeros = leading_zeros(mantissa);
    mantissa <<= zeros;
    exponent -= zeros;  // The value is mantissa * 2^exponent with bit 63 set.
    int drop = 64 - format.mantissa_bits;
    if (exponent + drop < format.lowest_exponent) drop = format.lowest_exponent - exponent;
    uint64_t kept = 0;
    if (drop < 64) {
        kept = mantissa >> drop;
        const uint64_t half = uint64_t{1} << (drop - 1);
        const uint64_t rest = mantissa & (half | (half - 1));
        if (rest > half || (rest == half && (sticky || (kept & 1)))) ++kept;
    } else if (drop == 64) {
        kept = mantissa > (uint64_t{1} << 63) || sticky ? 1 : 0;
    }
    if (kept == 0) return double_of(sign);
    exponent += drop;
    const int width = 64 - leading_zeros(kept);
    const int magnitude = exponent + width - 1;
    if (magnitude > format.highest_exponent) return double_of(sign | 0x7ff0000000000000ull);
    if (magnitude < -1022) return double_of(sign | kept << (exponent - kLowestExponent));
    // Rounded up to a power of two it has a bit more, and no fraction.
    const uint64_t fraction = width > 53 ? 0 : kept << (53 - width) & 0xfffffffffffffull;
    return double_of(sign | static_cast<uint64_t>(magnitude + 1023) << 52 | fraction);
}

// A double rounded once to a narrower format.
WITHIN_HOST_DEVICE double narrow(double value, Format format) {
    if (format.mantissa_bits == 53 || !is_finite(value) || value == 0) return value;
    const uint64_t bits = bits_of(value);
    const int exponent = static_cast<int>(bits >> 52 & 0x7ff);
    const uint64_t fraction = bits & 0xfffffffffffffull;
    const uint64_t mantissa = exponent == 0 ? fraction : fraction | uint64_t{1} << 52;
    return round_scaled(bits >> 63, mantissa, false, (exponent == 0 ? 1 : exponent) - 1075, format);
}

// Rounds the limbs, limb 0 being number `first` of the whole. Every |limb| must be below 2^62; they are used up. An
// empty sum and a sum of zeros are +0.
WITHIN_HOST_DEVICE double round_limbs(int64_t* limbs, int first, int count, Format format) {
    int64_t carry = 0;
    for (int i = 0; i < count; ++i) {
        const int64_t sum = limbs[i] + carry;
        limbs[i] = sum & 0xffffffffll;
        carry = sum >> kLimbBits;
    }
    const bool negative = carry < 0;
    if (negative) {
        int64_t borrow = 0;
        for (int i = 0; i < count; ++i) {
            const int64_t difference = borrow - limbs[i];
            limbs[i] = difference & 0xffffffffll;
            borrow = difference >> kLimbBits;
        }
        carry = borrow - carry;
    }
    int top = count - 1;
    uint64_t high = static_cast<uint64_t>(carry);
    if (high != 0) {
        top = count;
    } else {
        while (top >= 0 && limbs[top] == 0) --top;
        if (top < 0) return 0.0;
        high = static_cast<uint64_t>(limbs[top]);
    }
    // The highest 64 bits, from three limbs or from the carry and two; what is below is sticky.
    const uint64_t middle = top >= 1 ? static_cast<uint64_t>(limbs[top - 1]) : 0;
    const uint64_t low = top >= 2 ? static_cast<uint64_t>(limbs[top - 2]) : 0;
    const uint64_t below = middle << 32 | low;
    const int zeros = leading_zeros(high);
    const uint64_t mantissa = zeros == 0 ? high : high << zeros | below >> (64 - zeros);
    bool sticky = zeros == 0 ? below != 0 : (below << zeros) != 0;
    for (int i = top - 3; i >= 0 && !sticky; --i) sticky = limbs[i] != 0;
    const int exponent = kLowestExponent + kLimbBits * (first + top) - zeros;
    return round_scaled(negative, mantissa, sticky, exponent, format);
}

}  // namespace WITHIN_ISA
}  // namespace within
