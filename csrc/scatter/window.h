// Where the words of an exact sum lie.
//
// Nearly all values of a sum lie within a few dozen powers of two of the largest. Those are added as integer multiples
// of one power of two, 2^base: a double is shifted there by adding 3/2 * 2^(base + 52), and what the addition would
// round is seen by subtracting it again. The base comes from a sample of the values; it decides the speed, never the
// sum. What does not fit is added to limbs of 32 bits that reach over every exponent.
#pragma once

#include "core/double_double.h"
#include "core/exact_accumulator.h"

namespace within {

// Terms are below 2^48, so that 2^15 of the largest fit into a word.
constexpr int kTermBits = 48;
// By how many powers of two later values may be larger than those of the sample.
constexpr int kMargin = 2;

// The limbs that a sum can reach: of float32 (and of what is narrower), of squares of float32, of float64.
struct Reach {
    int first;
    int count;
};
constexpr Reach kReachFloat = {27, 15};
constexpr Reach kReachSquare = {22, 24};
constexpr Reach kReachDouble = {0, kLimbs};

inline namespace WITHIN_ISA {

// The shift of values by one word (float32) or two (float64, squares): the upper word counts 2^(base + 32).
struct Shift {
    double magic;
    double magic_high;
    double limit;
    double limit_high;

    WITHIN_HOST_DEVICE Shift(double magic, double magic_high, double limit, double limit_high)
        : magic(magic), magic_high(magic_high), limit(limit), limit_high(limit_high) {}
    WITHIN_HOST_DEVICE explicit Shift(int base, int term_bits = kTermBits)
        : magic(1.5 * power_of_two(base + 52)),
          magic_high(1.5 * power_of_two(base + 84)),
          limit(power_of_two(base + term_bits)),
          limit_high(power_of_two(base + 32 + term_bits)) {}
};

// The base of a sum's words, from the largest exponent of a sample: of values, or of their squares.
WITHIN_HOST_DEVICE int base_of_words(int exponent, bool is_double, bool is_squared, int term_bits = kTermBits) {
    int base, lowest, highest;
    if (is_squared) {
        base = 2 * exponent + 2 + kMargin - 32 - term_bits;
        lowest = -298;
        highest = 300;
    } else if (is_double) {
        base = exponent + 1 + kMargin - 32 - term_bits;
        lowest = kLowestExponent;
        highest = 939;
    } else {
        base = exponent + 1 + kMargin - term_bits;
        lowest = -149;
        highest = 127;
    }
    return base < lowest ? lowest : base > highest ? highest : base;
}

WITHIN_HOST_DEVICE double magnitude(double value) { return double_of(bits_of(value) & ~(uint64_t{1} << 63)); }

// value = *word * 2^base, or false.
WITHIN_HOST_DEVICE bool shift_to_word(double value, const Shift& shift, int64_t* word) {
    const double moved = value + shift.magic;
    const bool fits = (magnitude(value) < shift.limit) & (moved - shift.magic == value);
    const uint64_t difference = bits_of(moved) - bits_of(shift.magic);
    *word = static_cast<int64_t>(fits ? difference : 0);
    return fits;
}

// value = *high * 2^(base + 32) + *low * 2^base, or false.
WITHIN_HOST_DEVICE bool shift_to_words(double value, const Shift& shift, int64_t* low, int64_t* high) {
    const double moved_high = value + shift.magic_high;
    const double rest = value - (moved_high - shift.magic_high);
    const double moved = rest + shift.magic;
    const bool fits = (magnitude(value) < shift.limit_high) & (moved - shift.magic == rest);
    const uint64_t difference_high = bits_of(moved_high) - bits_of(shift.magic_high);
    const uint64_t difference = bits_of(moved) - bits_of(shift.magic);
    *high = static_cast<int64_t>(fits ? difference_high : 0);
    *low = static_cast<int64_t>(fits ? difference : 0);
    return fits;
}

// A finite double as two words: low < 2^32 in `limb`, high < 2^53 in the next.
struct Placed {
    int limb;
    int64_t low;
    int64_t high;
};

WITHIN_HOST_DEVICE Placed place(double value) {
    const uint64_t bits = bits_of(value);
    const int exponent = static_cast<int>(bits >> 52 & 0x7ff);
    const uint64_t mantissa = (bits & 0xfffffffffffffull) | (exponent != 0 ? uint64_t{1} << 52 : 0);
    const int position = exponent != 0 ? exponent - 1 : 0;
    const int offset = position % kLimbBits;
    const uint64_t low = (mantissa << offset) & 0xffffffffull;
    const uint64_t high = mantissa >> (kLimbBits - offset);
    const int64_t sign = bits >> 63 ? -1 : 1;
    return {position / kLimbBits, sign * static_cast<int64_t>(low), sign * static_cast<int64_t>(high)};
}

// A word that counts 2^base as words for three limbs, each below 2^32 in magnitude, from limb (base + 1074) / 32.
WITHIN_HOST_DEVICE void split_word(int64_t word, int base, int* limb, int64_t parts[3]) {
    const int position = base - kLowestExponent;
    const int offset = position % kLimbBits;
    const bool negative = word < 0;
    const uint64_t size = negative ? 0 - static_cast<uint64_t>(word) : static_cast<uint64_t>(word);
    const uint64_t low = size << offset;
    const uint64_t high = offset == 0 ? 0 : size >> (64 - offset);
    const int64_t sign = negative ? -1 : 1;
    *limb = position / kLimbBits;
    parts[0] = sign * static_cast<int64_t>(low & 0xffffffffull);
    parts[1] = sign * static_cast<int64_t>(low >> 32);
    parts[2] = sign * static_cast<int64_t>(high);
}

// words * 2^base, rounded once.
WITHIN_HOST_DEVICE double round_words(__int128 words, int base, Format format) {
    if (words == static_cast<int64_t>(words) && base >= -126 && format.mantissa_bits >= 24) {
        // An int64 becomes a float or a double rounded once, and the power of two then makes nothing subnormal.
        const int64_t word = static_cast<int64_t>(words);
        const double rounded = format.mantissa_bits == 53 ? static_cast<double>(word) : static_cast<float>(word);
        return narrow(rounded * power_of_two(base), format);
    }
    const bool negative = words < 0;
    const unsigned __int128 size =
        negative ? -static_cast<unsigned __int128>(words) : static_cast<unsigned __int128>(words);
    const uint64_t top = static_cast<uint64_t>(size >> 64), rest = static_cast<uint64_t>(size);
    if (top == 0) return round_scaled(negative, rest, false, base, format);
    const int zeros = leading_zeros(top);
    const uint64_t mantissa = zeros == 0 ? top : top << zeros | rest >> (64 - zeros);
    return round_scaled(negative, mantissa, (rest << zeros) != 0, base + 64 - zeros, format);
}

// The same to about 106 bits.
WITHIN_HOST_DEVICE DoubleDouble round_words_twice(__int128 words, int base) {
    const double high = round_words(words, base, kFloat64);
    const __int128 of_high = static_cast<__int128>(high * power_of_two(-base));
    return {high, round_words(words - of_high, base, kFloat64)};
}

// The variance or standard deviation of a group from its exact sums.
WITHIN_HOST_DEVICE double finish_moments(DoubleDouble sum, DoubleDouble squares, double count, double ddof,
                                         bool is_std) {
    const double divisor = count - ddof;
    if (!(divisor > 0) || !is_finite(sum.high) || !is_finite(squares.high)) return double_of(0x7ff8000000000000ull);
    const double variance = squared_deviations(sum, squares, count) / divisor;
    return is_std ? sqrt(variance) : variance;
}

WITHIN_HOST_DEVICE constexpr Reach reach_of(bool is_double, bool is_squared) {
    if (is_squared) return kReachSquare;
    if (is_double) return kReachDouble;
    return kReachFloat;
}

}  // namespace WITHIN_ISA
}  // namespace within
