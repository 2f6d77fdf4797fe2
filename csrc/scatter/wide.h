// Limbs that reach over every exponent, one set for each cell: where values go that do not fit into a cell's words.
#pragma once

#include "core/large_pages.h"
#include "scatter/rows.h"

namespace within {
inline namespace WITHIN_ISA {

// Most values will go to limbs: from here on no cell is asked whether some of them did.
inline void mark_wide(const Share& share) {
    const int64_t cells = share.groups * share.replicas;
    for (const Sums& sums : share.sums) {
        if (sums.flags == nullptr) continue;
        for (int64_t i = 0; i < cells; ++i) sums.flags[i] |= kIsWide;
        const size_t bytes = static_cast<size_t>(cells) * sums.reach.count * sizeof(int64_t);
        if (bytes > size_t{1} << 23) prefer_large_pages(sums.wide, bytes);
    }
}

// A finite float as one word of a limb, below 2^56; false for what is no number.
inline bool place_in_words(float value, int64_t* limb, int64_t* low, int64_t* high) {
    const uint32_t bits = bits_of_float(value);
    const int64_t exponent = bits >> 23 & 0xff;
    const int64_t mantissa = (bits & 0x7fffff) | (exponent != 0 ? 0x800000 : 0);
    const int64_t position = (exponent != 0 ? exponent : 1) + (-150 - kLowestExponent);
    const int64_t size = mantissa << (position & 31);
    *limb = position >> 5;
    *low = bits >> 31 ? -size : size;
    *high = 0;
    return exponent != 0xff;
}

// A finite double as two words, as `place` has them.
inline bool place_in_words(double value, int64_t* limb, int64_t* low, int64_t* high) {
    const uint64_t bits = bits_of(value);
    const int64_t exponent = bits >> 52 & 0x7ff;
    const uint64_t mantissa = (bits & 0xfffffffffffffull) | (exponent != 0 ? uint64_t{1} << 52 : 0);
    const int64_t position = exponent != 0 ? exponent - 1 : 0;
    const int64_t offset = position & 31;
    const int64_t low_size = static_cast<int64_t>((mantissa << offset) & 0xffffffffull);
    const int64_t high_size = static_cast<int64_t>(mantissa >> (32 - offset));
    *limb = position >> 5;
    *low = bits >> 63 ? -low_size : low_size;
    *high = bits >> 63 ? -high_size : high_size;
    return exponent != 0x7ff;
}

inline void add_to_limb(int64_t* limb, int64_t cells, int64_t word) {
    int64_t sum;
    if (!__builtin_add_overflow(*limb, word, &sum)) {
        *limb = sum;
        return;
    }
    add_to_limb(limb + cells, cells, *limb >> kLimbBits);
    *limb = (*limb & 0xffffffffll) + word;
}

// Notes which limbs are used. Carries reach two limbs beyond: a limb that takes nothing but carries, each below 2^31,
// has none of its own.
inline void reach_limbs(Sums& sums, int lowest, int highest) {
    sums.lowest_limb = std::min(sums.lowest_limb, lowest);
    sums.highest_limb = std::max(sums.highest_limb, std::min(highest + 2, sums.reach.first + sums.reach.count - 1));
}

// Where most cells will use them.
inline void reach_and_touch_limbs(Sums& sums, int64_t cells, int lowest, int highest) {
    const int before = sums.lowest_limb, last_before = sums.highest_limb;
    reach_limbs(sums, lowest, highest);
    auto touch = [&](int first, int last) {
        if (first > last) return;
        touch_pages(sums.wide + (first - sums.reach.first) * cells,
                    static_cast<size_t>((last - first + 1) * cells) * sizeof(int64_t));
    };
    if (last_before < 0) return touch(sums.lowest_limb, sums.highest_limb);
    touch(sums.lowest_limb, before - 1);
    touch(last_before + 1, sums.highest_limb);
}

inline void add_wide(Sums& sums, int64_t cells, int64_t cell, double value) {
    if (!is_finite(value)) {
        sums.flags[cell] |= static_cast<uint8_t>(special_of(value));
        return;
    }
    if (value == 0) return;
    sums.flags[cell] |= kIsWide;
    const Placed placed = place(value);
    reach_limbs(sums, placed.limb, placed.limb + 1);
    int64_t* limb = sums.wide + (placed.limb - sums.reach.first) * cells + cell;
    add_to_limb(limb, cells, placed.low);
    add_to_limb(limb + cells, cells, placed.high);
}

[[gnu::noinline]] inline void add_word_wide(Sums& sums, int64_t cells, int64_t cell, int64_t word, int base) {
    sums.flags[cell] |= kIsWide;
    int limb;
    int64_t parts[3];
    split_word(word, base, &limb, parts);
    reach_limbs(sums, limb, limb + 2);
    for (int i = 0; i < 3; ++i) add_to_limb(sums.wide + (limb + i - sums.reach.first) * cells + cell, cells, parts[i]);
}

}  // namespace WITHIN_ISA
}  // namespace within
