// Exact sums of finite doubles: integers that are added in any order and merged in any, and rounded once.
//
// A block of terms goes into one int64 or two as scatter/window.h has it, which are then added to the limbs of
// core/exact_accumulator.h; a term that does not fit goes there at once. Where the words lie decides the speed alone.
#pragma once

#include "core/standard.h"
//
#include "scatter/window.h"

namespace within {

// A sum in progress; `ExactSum{}` is 0. Every limb is below 2^32 * pending in magnitude.
struct ExactSum {
    int64_t limbs[kLimbs];
    int64_t pending;
};

// A sum of terms that nearly all are multiples of one 2^base: quick to clear, to merge and to round. `wide` is there
// where `is_wide`; a cleared one is 0.
struct WindowSum {
    __int128 words;
    bool is_wide;
    ExactSum wide;
};

constexpr int64_t kMostPending = int64_t{1} << 29;
constexpr int64_t kMostTerms = 1 << 14;  // below 2^48 each, that a word takes

inline namespace WITHIN_ISA {

// Where words of terms of up to `largest` in magnitude lie: the base that add_terms asks for. Terms that are multiples
// of 2^base go the fast way: those of 53 bits down to about largest / 2^25.
WITHIN_HOST_DEVICE int base_below(double largest) {
    const int exponent = static_cast<int>(bits_of(largest) >> 52 & 0x7ff) - 1023;
    return base_of_words(exponent - kMargin, true, false);
}

// Leaves what is below 2^32 in each limb and passes the rest on.
WITHIN_HOST_DEVICE void pass_carries(ExactSum& sum) {
    int64_t carry = 0;
    for (int i = 0; i + 1 < kLimbs; ++i) {
        const int64_t whole = sum.limbs[i] + carry;
        sum.limbs[i] = whole & 0xffffffffll;
        carry = whole >> kLimbBits;
    }
    sum.limbs[kLimbs - 1] += carry;
    sum.pending = 2;
}

WITHIN_HOST_DEVICE void add_pending(ExactSum& sum, int64_t more) {
    sum.pending += more;
    if (sum.pending > kMostPending) pass_carries(sum);
}

// Adds a finite double.
WITHIN_HOST_DEVICE void add_exactly(ExactSum& sum, double value) {
    const Placed placed = place(value);
    const int64_t sign = placed.high < 0 ? -1 : 1;
    const int64_t high = placed.high * sign;
    sum.limbs[placed.limb] += placed.low;
    sum.limbs[placed.limb + 1] += sign * (high & 0xffffffffll);
    sum.limbs[placed.limb + 2] += sign * (high >> kLimbBits);
    add_pending(sum, 1);
}

// Adds word * 2^base, base from -1074 on.
WITHIN_HOST_DEVICE void add_exactly(ExactSum& sum, int64_t word, int base) {
    int limb;
    int64_t parts[3];
    split_word(word, base, &limb, parts);
    for (int i = 0; i < 3; ++i) sum.limbs[limb + i] += parts[i];
    add_pending(sum, 1);
}

// Adds another sum.
WITHIN_HOST_DEVICE void add_exactly(ExactSum& sum, const ExactSum& other) {
    for (int i = 0; i < kLimbs; ++i) sum.limbs[i] += other.limbs[i];
    add_pending(sum, other.pending);
}

WITHIN_HOST_DEVICE double rounded(const ExactSum& sum) {
    int64_t limbs[kLimbs];
    for (int i = 0; i < kLimbs; ++i) limbs[i] = sum.limbs[i];
    return round_limbs(limbs, 0, kLimbs, kFloat64);
}

// Adds finite terms, `base` from base_below: to words of 2^base what fits, else to limbs, which `limbs` gives.
template <typename Limbs>
inline __int128 add_to_words(const double* terms, int64_t count, int base, const Limbs& limbs) {
    const Shift shift(base);
    __int128 words = 0;
    for (int64_t from = 0; from < count; from += kMostTerms) {
        const int64_t to = std::min(count, from + kMostTerms);
        int64_t low_sum = 0, high_sum = 0, misfits = 0;
        for (int64_t i = from; i < to; ++i) {
            int64_t low, high;
            misfits += !shift_to_words(terms[i], shift, &low, &high);
            low_sum += low;
            high_sum += high;
        }
        words += low_sum + (static_cast<__int128>(high_sum) << 32);
        if (misfits == 0) continue;
        for (int64_t i = from; i < to; ++i) {
            int64_t low, high;
            if (!shift_to_words(terms[i], shift, &low, &high)) add_exactly(limbs(), terms[i]);
        }
    }
    return words;
}

// Adds words * 2^base.
WITHIN_HOST_DEVICE void add_words(ExactSum& sum, __int128 words, int base) {
    add_exactly(sum, static_cast<int64_t>(words & 0xffffffffll), base);
    add_exactly(sum, static_cast<int64_t>(words >> 32 & 0xffffffffll), base + 32);
    add_exactly(sum, static_cast<int64_t>(words >> 64), base + 64);
}

// Adds finite terms; `base` from base_below.
inline void add_terms(ExactSum& sum, const double* terms, int64_t count, int base) {
    add_words(sum, add_to_words(terms, count, base, [&]() -> ExactSum& { return sum; }), base);
}

// The same for a sum whose base is one from beginning to end.
inline ExactSum& wide_of(WindowSum& sum) {
    if (!sum.is_wide) sum.wide = ExactSum{};
    sum.is_wide = true;
    return sum.wide;
}

inline void add_terms(WindowSum& sum, const double* terms, int64_t count, int base) {
    sum.words += add_to_words(terms, count, base, [&]() -> ExactSum& { return wide_of(sum); });
}

inline void add_exactly(WindowSum& sum, const WindowSum& other) {
    sum.words += other.words;
    if (other.is_wide) add_exactly(wide_of(sum), other.wide);
}

inline double rounded(const WindowSum& sum, int base) {
    if (!sum.is_wide) return round_words(sum.words, base, kFloat64);
    ExactSum whole = sum.wide;
    add_words(whole, sum.words, base);
    return rounded(whole);
}

inline void clear(WindowSum& sum) {
    sum.words = 0;
    sum.is_wide = false;
}

}  // namespace WITHIN_ISA
}  // namespace within
