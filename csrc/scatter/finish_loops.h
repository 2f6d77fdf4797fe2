// Merges the shares of exact sums and rounds each once.
#pragma once

#include "core/standard.h"
//
#include "scatter/wide.h"

namespace within {
inline namespace WITHIN_ISA {

// A cell's exact sum in the making: the words and limbs of all shares, from limb `reach.first` on.
struct Gathered {
    int64_t limbs[kLimbs + 2];
    int special;
    Reach reach;

    double round(Format format) {
        if (special) return sum_of_specials(special);
        return round_limbs(limbs, reach.first, reach.count + 2, format);
    }
};

// Which words of a record make a sum.
struct Words {
    int which;
    int at;
    int count;
};

inline bool is_counted(const Finish& finish) { return finish.work != Work::sum && finish.count < 0; }

// A word of a cell, without the rows that are counted in it.
inline int64_t word_of(const Finish& finish, const Share& share, int64_t cell, int at) {
    const int64_t word = share.records[cell * share.cell_step + at * share.word_step];
    return at == 0 && is_counted(finish) ? split_counted(word).word : word;
}

inline int base_of(const Sums& sums, int64_t cell) { return sums.bases == nullptr ? sums.base : sums.bases[cell]; }

[[gnu::noinline]] inline Gathered gather_sum(const Finish& finish, int64_t group, Words words) {
    Gathered sum{};
    sum.reach = finish.shares[0].sums[words.which].reach;
    for (int64_t s = 0; s < finish.share_count; ++s) {
        const Share& share = finish.shares[s];
        const Sums& sums = share.sums[words.which];
        const int64_t cells = share.groups * share.replicas;
        for (int64_t cell = group; cell < cells; cell += share.groups) {
            sum.special |= sums.flags[cell] & 7;
            for (int w = 0; w < words.count; ++w) {
                int limb;
                int64_t parts[3];
                split_word(word_of(finish, share, cell, words.at + w), base_of(sums, cell) + 32 * w, &limb, parts);
                for (int i = 0; i < 3; ++i) sum.limbs[limb + i - sum.reach.first] += parts[i];
            }
            if (!(sums.flags[cell] & kIsWide)) continue;
            for (int i = sums.lowest_limb - sum.reach.first; i <= sums.highest_limb - sum.reach.first; ++i) {
                const int64_t limb = sums.wide[i * cells + cell];
                sum.limbs[i] += limb & 0xffffffffll;
                sum.limbs[i + 1] += limb >> kLimbBits;
            }
        }
    }
    return sum;
}

// Whether the words of all shares add up without anything beside them: *sum * 2^base is then the cell's sum.
inline bool sum_of_words(const Finish& finish, int64_t group, Words words, __int128* sum) {
    int64_t low = 0, high = 0;
    bool is_plain = true;
    for (int64_t s = 0; s < finish.share_count; ++s) {
        const Share& share = finish.shares[s];
        const int64_t cells = share.groups * share.replicas;
        for (int64_t cell = group; cell < cells; cell += share.groups) {
            is_plain &= share.sums[words.which].flags[cell] == 0 &&
                        !__builtin_add_overflow(low, word_of(finish, share, cell, words.at), &low);
            if (words.count == 2)
                is_plain &= !__builtin_add_overflow(high, word_of(finish, share, cell, words.at + 1), &high);
        }
    }
    *sum = (static_cast<__int128>(high) << 32) + low;
    return is_plain;
}

inline double finish_sum(const Finish& finish, int64_t group, Words words, Format format) {
    __int128 sum;
    if (sum_of_words(finish, group, words, &sum))
        return round_words(sum, base_of(finish.shares[0].sums[words.which], group), format);
    return gather_sum(finish, group, words).round(format);
}

// The sum to about 106 bits.
inline DoubleDouble finish_sum_twice(const Finish& finish, int64_t group, Words words) {
    __int128 sum;
    const int base = base_of(finish.shares[0].sums[words.which], group);
    if (sum_of_words(finish, group, words, &sum)) return round_words_twice(sum, base);
    Gathered gathered = gather_sum(finish, group, words);
    Gathered rest = gathered;
    const double high = gathered.round(kFloat64);
    if (!is_finite(high) || high == 0) return {high, 0};
    const Placed placed = place(high);
    rest.limbs[placed.limb - rest.reach.first] -= placed.low;
    rest.limbs[placed.limb - rest.reach.first + 1] -= placed.high;
    return {high, rest.round(kFloat64)};
}

inline double count_of(const Finish& finish, int64_t group) {
    if (finish.count >= 0) return static_cast<double>(finish.count);
    int64_t count = 0;
    for (int64_t s = 0; s < finish.share_count; ++s) {
        const Share& share = finish.shares[s];
        for (int64_t cell = group; cell < share.groups * share.replicas; cell += share.groups)
            count += share.counts[cell] + split_counted(share.records[cell * share.cell_step]).rows;
    }
    return static_cast<double>(count);
}

constexpr Format format_of(Dtype dtype) {
    if (dtype == Dtype::float64) return kFloat64;
    if (dtype == Dtype::float32) return kFloat32;
    return dtype == Dtype::float16 ? kFloat16 : kBFloat16;
}

inline void write(double value, Dtype dtype, void* out, int64_t at) {
    switch (dtype) {
        case Dtype::float64:
            static_cast<double*>(out)[at] = value;
            return;
        case Dtype::float32:
            static_cast<float*>(out)[at] = static_cast<float>(value);
            return;
        case Dtype::float16:
            return store(static_cast<float>(narrow(value, kFloat16)), static_cast<Float16*>(out) + at);
        case Dtype::bfloat16:
            return store(static_cast<float>(narrow(value, kBFloat16)), static_cast<BFloat16*>(out) + at);
    }
}

inline void finish_one(const Finish& finish, int64_t group) {
    const Words words = {0, 0, finish.dtype == Dtype::float64 ? 2 : 1};
    double result;
    if (finish.work == Work::sum) {
        result = finish_sum(finish, group, words, format_of(finish.written));
    } else {
        const double count = count_of(finish, group);
        result = finish.work == Work::mean ? finish_sum(finish, group, words, kFloat64) / count
                                           : finish_moments(finish_sum_twice(finish, group, {0, 0, 1}),
                                                            finish_sum_twice(finish, group, {1, 1, 2}), count,
                                                            static_cast<double>(finish.ddof), finish.is_std);
    }
    write(result, finish.written, finish.out, group);
}

inline bool any_wide(const Finish& finish, int64_t begin, int64_t count) {
    const Share& share = finish.shares[0];
    uint8_t flags = 0;
    for (int64_t i = 0; i < count; ++i) flags |= share.sums[0].flags[begin + i];
    return flags != 0;
}

// Float32 sums and means of up to 64 cells whose words alone say all; whether they were.
inline bool finish_plain(const Finish& finish, int64_t begin, int64_t count, int64_t* sum, int64_t* rows) {
    uint64_t odd = 0;
    for (int64_t i = 0; i < count; ++i) sum[i] = rows[i] = 0;
    for (int64_t s = 0; s < finish.share_count; ++s) {
        const Share& share = finish.shares[s];
        for (int64_t replica = 0; replica < share.replicas; ++replica) {
            const int64_t first = replica * share.groups + begin;
            const int64_t* const words = share.records + first * share.cell_step;
            const int64_t step = share.cell_step;
            uint8_t flags = 0;
            for (int64_t i = 0; i < count; ++i) flags |= share.sums[0].flags[first + i];
            if (flags != 0) return false;
            if (is_counted(finish)) {
                for (int64_t i = 0; i < count; ++i) {
                    const Counted counted = split_counted(words[i * step]);
                    sum[i] += counted.word;
                    rows[i] += counted.rows;
                }
                continue;
            }
            for (int64_t i = 0; i < count; ++i) {
                const uint64_t before = static_cast<uint64_t>(sum[i]), word = static_cast<uint64_t>(words[i * step]);
                const uint64_t after = before + word;
                odd |= (before ^ after) & (word ^ after);
                sum[i] = static_cast<int64_t>(after);
            }
        }
    }
    return !(odd >> 63);
}

// Sums of up to kWideCells cells of which some are wide: the carries of all are passed on side by side.
constexpr int64_t kWideCells = 16;

inline void finish_wide(const Finish& finish, int64_t begin, int64_t count, Format format, double* out) {
    const int words = finish.dtype == Dtype::float64 ? 2 : 1;
    int first = kLimbs, last = -1;
    for (int64_t s = 0; s < finish.share_count; ++s) {
        const Sums& sums = finish.shares[s].sums[0];
        first = std::min(first, sums.lowest_limb);
        last = std::max(last, sums.highest_limb);
        for (int64_t c = 0; c < (sums.bases == nullptr ? 1 : count); ++c) {
            const int of_word = (base_of(sums, begin + c) - kLowestExponent) / kLimbBits;
            first = std::min(first, of_word);
            last = std::max(last, of_word + 2 + (words - 1));
        }
    }
    const Reach reach = {first, last - first + 1};
    const int limbs = reach.count + 2;
    alignas(64) int64_t limb[kLimbs + 4][kWideCells];
    for (int i = 0; i < limbs; ++i)
        for (int64_t c = 0; c < kWideCells; ++c) limb[i][c] = 0;
    int special[kWideCells] = {};
    for (int64_t s = 0; s < finish.share_count; ++s) {
        const Share& share = finish.shares[s];
        const Sums& sums = share.sums[0];
        const int64_t cells = share.groups * share.replicas;
        for (int64_t at_cell = begin; at_cell < cells; at_cell += share.groups) {
            uint8_t flags = 0;
            for (int64_t c = 0; c < count; ++c) {
                special[c] |= sums.flags[at_cell + c] & 7;
                flags |= sums.flags[at_cell + c];
                for (int w = 0; w < words; ++w) {
                    const int64_t word = word_of(finish, share, at_cell + c, w);
                    if (word == 0) continue;
                    int at;
                    int64_t parts[3];
                    split_word(word, base_of(sums, at_cell + c) + 32 * w, &at, parts);
                    for (int i = 0; i < 3; ++i) limb[at + i - reach.first][c] += parts[i];
                }
            }
            if (!(flags & kIsWide)) continue;
            for (int i = sums.lowest_limb - reach.first; i <= sums.highest_limb - reach.first; ++i) {
                const int64_t* const wide = sums.wide + (i + reach.first - sums.reach.first) * cells + at_cell;
                for (int64_t c = 0; c < count; ++c) {
                    limb[i][c] += wide[c] & 0xffffffffll;
                    limb[i + 1][c] += wide[c] >> kLimbBits;
                }
            }
        }
    }
    int64_t carry[kWideCells] = {}, mask[kWideCells], borrow[kWideCells];
    for (int i = 0; i < limbs; ++i) {
        for (int64_t c = 0; c < kWideCells; ++c) {
            const int64_t sum = limb[i][c] + carry[c];
            limb[i][c] = sum & 0xffffffffll;
            carry[c] = sum >> kLimbBits;
        }
    }
    for (int64_t c = 0; c < kWideCells; ++c) {
        mask[c] = carry[c] < 0 ? 0xffffffffll : 0;
        borrow[c] = carry[c] < 0 ? 1 : 0;
    }
    for (int i = 0; i < limbs; ++i) {
        for (int64_t c = 0; c < kWideCells; ++c) {
            const int64_t sum = (limb[i][c] ^ mask[c]) + borrow[c];
            limb[i][c] = sum & 0xffffffffll;
            borrow[c] = sum >> kLimbBits;
        }
    }
    for (int64_t c = 0; c < count; ++c) {
        if (special[c]) {
            out[c] = sum_of_specials(special[c]);
            continue;
        }
        int top = limbs - 1;
        while (top >= 0 && limb[top][c] == 0) --top;
        if (top < 0) {
            out[c] = 0;
            continue;
        }
        const uint64_t high = static_cast<uint64_t>(limb[top][c]);
        const uint64_t below = (top >= 1 ? static_cast<uint64_t>(limb[top - 1][c]) << 32 : 0) |
                               (top >= 2 ? static_cast<uint64_t>(limb[top - 2][c]) : 0);
        const int zeros = leading_zeros(high);
        bool sticky = (below << zeros) != 0;
        for (int i = top - 3; i >= 0 && !sticky; --i) sticky = limb[i][c] != 0;
        out[c] = round_scaled(mask[c] != 0, high << zeros | below >> (64 - zeros), sticky,
                              kLowestExponent + kLimbBits * (reach.first + top) - zeros, format);
    }
}

// Sums and means of cells of which some are wide.
inline void finish_wide_cells(const Finish& finish, int64_t begin, int64_t end) {
    const bool is_mean = finish.work == Work::mean;
    for (int64_t at = begin; at < end; at += kWideCells) {
        const int64_t count = std::min(kWideCells, end - at);
        double sums[kWideCells];
        finish_wide(finish, at, count, is_mean ? kFloat64 : format_of(finish.written), sums);
        for (int64_t c = 0; c < count; ++c)
            write(is_mean ? sums[c] / count_of(finish, at + c) : sums[c], finish.written, finish.out, at + c);
    }
}

void scatter_finish(const Finish& finish) {
    const Sums& sums = finish.shares[0].sums[0];
    constexpr int64_t kCells = 64;
    const bool can_be_plain = finish.dtype == Dtype::float32 && finish.written == Dtype::float32 &&
                              finish.work != Work::moments && (sums.bases != nullptr || sums.base >= -126);
    for (int64_t begin = finish.begin; begin < finish.end; begin += kCells) {
        const int64_t count = std::min(kCells, finish.end - begin);
        int64_t sum[kCells], rows[kCells];
        bool is_plain = can_be_plain;
        if (is_plain && sums.bases != nullptr)
            for (int64_t i = 0; i < count; ++i) is_plain &= sums.bases[begin + i] >= -126;
        if (!is_plain || !finish_plain(finish, begin, count, sum, rows)) {
            if (finish.work == Work::moments || !any_wide(finish, begin, count)) {
                for (int64_t i = 0; i < count; ++i) finish_one(finish, begin + i);
            } else {
                finish_wide_cells(finish, begin, begin + count);
            }
            continue;
        }
        double scale[kCells];
        for (int64_t i = 0; i < count; ++i)
            scale[i] = power_of_two(base_of(sums, sums.bases == nullptr ? 0 : begin + i));
        float* const out = static_cast<float*>(finish.out) + begin;
        if (finish.work == Work::sum) {
            for (int64_t i = 0; i < count; ++i)
                out[i] = static_cast<float>(static_cast<double>(static_cast<float>(sum[i])) * scale[i]);
        } else if (finish.count >= 0) {
            const double divisor = static_cast<double>(finish.count);
            for (int64_t i = 0; i < count; ++i)
                out[i] = static_cast<float>(static_cast<double>(sum[i]) * scale[i] / divisor);
        } else {
            for (int64_t i = 0; i < count; ++i)
                out[i] = static_cast<float>(static_cast<double>(sum[i]) * scale[i] / static_cast<double>(rows[i]));
        }
    }
}

}  // namespace WITHIN_ISA
}  // namespace within
