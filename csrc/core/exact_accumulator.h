// Sums of floating-point numbers that are exact until they are rounded once, so that they depend on no order.
//
// A fixed-point number wide enough for every sum of doubles (Kulisch, "Computer Arithmetic and Validity", 2008), kept
// in limbs of 32 bits with the carries left in the upper half of an int64 (Neal, arXiv:1505.05571). Adding a number
// touches three limbs; only integers are added, so any order, grouping or parallel merge gives the same limbs.
#pragma once

#include <cstdint>
#include <cstring>

#include "core/host_device.h"

namespace within {
inline namespace WITHIN_ISA {

// Bit 0 of limb 0 stands for 2^-1074; 2^1023 and its mantissa end in limb 65; the rest holds what carries make of 2^31
// numbers.
constexpr int kLimbs = 68;
constexpr int kLimbBits = 32;
constexpr int kLowestExponent = -1074;
// So many numbers can be added before the carries must be passed on.
constexpr int64_t kAddsBeforeCarry = int64_t{1} << 30;

// Which values that are no numbers were added.
enum Special : int { kNan = 1, kPlusInfinity = 2, kMinusInfinity = 4 };

// A double as sign, integer mantissa and the position of the mantissa's lowest bit above 2^-1074.
struct Term {
    int64_t parts[3];
    int limb;
    int special;
};

WITHIN_HOST_DEVICE Term split(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    const int exponent = static_cast<int>((bits >> 52) & 0x7ff);
    uint64_t mantissa = bits & 0xfffffffffffffull;
    const bool negative = (bits >> 63) != 0;
    Term term = {{0, 0, 0}, 0, 0};
    if (exponent == 0x7ff) {
        term.special = mantissa != 0 ? kNan : (negative ? kMinusInfinity : kPlusInfinity);
        return term;
    }
    int position = 0;
    if (exponent != 0) {
        mantissa |= uint64_t{1} << 52;
        position = exponent - 1;
    }
    const int offset = position % kLimbBits;
    const uint64_t low = mantissa << offset;
    const uint64_t high = offset == 0 ? 0 : mantissa >> (64 - offset);
    const int64_t sign = negative ? -1 : 1;
    term.limb = position / kLimbBits;
    term.parts[0] = sign * static_cast<int64_t>(low & 0xffffffffull);
    term.parts[1] = sign * static_cast<int64_t>(low >> 32);
    term.parts[2] = sign * static_cast<int64_t>(high);
    return term;
}

// Makes every limb but the last lie in [0, 2^32); the last one holds the sign.
WITHIN_HOST_DEVICE void pass_carries(int64_t* limbs) {
    int64_t carry = 0;
    for (int i = 0; i < kLimbs - 1; ++i) {
        const int64_t sum = limbs[i] + carry;
        limbs[i] = sum & 0xffffffffll;
        carry = (sum - limbs[i]) / (int64_t{1} << kLimbBits);
    }
    limbs[kLimbs - 1] += carry;
}

// The format a sum is rounded to: bits of its mantissa with the hidden one, exponents of its lowest bit and of its
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

// Rounds to nearest, ties to even; too large gives infinity. The result is exact in a double. An empty sum and a sum of
// zeros are +0.
WITHIN_HOST_DEVICE double round_sum(int64_t* limbs, int special, Format format) {
    const uint64_t infinity_bits = 0x7ff0000000000000ull;
    const bool both = (special & kPlusInfinity) && (special & kMinusInfinity);
    uint64_t bits = 0;
    double result;
    if ((special & kNan) || both) {
        bits = 0x7ff8000000000000ull;
    } else if (special & kPlusInfinity) {
        bits = infinity_bits;
    } else if (special & kMinusInfinity) {
        bits = infinity_bits | (uint64_t{1} << 63);
    } else {
        pass_carries(limbs);
        const bool negative = limbs[kLimbs - 1] < 0;
        if (negative) {
            for (int i = 0; i < kLimbs; ++i) limbs[i] = -limbs[i];
            pass_carries(limbs);
        }
        int top = kLimbs - 1;
        while (top >= 0 && limbs[top] == 0) --top;
        if (top >= 0) {
            int high_bit = 63;
            while (((static_cast<uint64_t>(limbs[top]) >> high_bit) & 1) == 0) --high_bit;
            const int highest = top * kLimbBits + high_bit;
            // The position of the last bit that is kept.
            int lowest = highest - format.mantissa_bits + 1;
            const int floor = format.lowest_exponent - kLowestExponent;
            if (lowest < floor) lowest = floor;
            uint64_t mantissa = 0;
            for (int i = highest; i >= lowest; --i) {
                mantissa = mantissa * 2 + ((static_cast<uint64_t>(limbs[i / kLimbBits]) >> (i % kLimbBits)) & 1);
            }
            if (lowest > 0) {
                const int half = lowest - 1;
                const bool half_set = half <= highest && ((limbs[half / kLimbBits] >> (half % kLimbBits)) & 1) != 0;
                bool below = false;
                if (half_set) {
                    below = (limbs[half / kLimbBits] & ((int64_t{1} << (half % kLimbBits)) - 1)) != 0;
                    for (int i = half / kLimbBits - 1; i >= 0 && !below; --i) below = limbs[i] != 0;
                }
                if (half_set && (below || (mantissa & 1))) ++mantissa;
            }
            // mantissa * 2^(lowest - 1074), built as the bits of a double.
            int exponent = lowest + kLowestExponent;
            if (mantissa != 0) {
                int width = 64;
                while (((mantissa >> (width - 1)) & 1) == 0) --width;
                const int magnitude = exponent + width - 1;
                if (magnitude > format.highest_exponent) {
                    bits = infinity_bits;
                } else if (magnitude < -1022) {
                    bits = mantissa << (exponent - kLowestExponent);
                } else {
                    const uint64_t shifted = width > 53 ? mantissa >> (width - 53) : mantissa << (53 - width);
                    bits = (static_cast<uint64_t>(magnitude + 1023) << 52) | (shifted & 0xfffffffffffffull);
                }
            }
            if (negative) bits |= uint64_t{1} << 63;
        }
    }
    memcpy(&result, &bits, sizeof result);
    return result;
}

}  // namespace WITHIN_ISA
}  // namespace within
