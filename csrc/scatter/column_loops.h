// The CPU loops of exact sums of ordered rows, all columns of a group at once.
#pragma once

#include "core/standard.h"
//
#include "core/nan.h"
#include "scatter/finish_loops.h"
#include "scatter/wide.h"

namespace within {
inline namespace WITHIN_ISA {

constexpr int64_t kRowsAhead = 8;
constexpr int64_t kRowsAsked = 15;  // rows whose values are asked one by one, after one that held a misfit
constexpr int64_t kRowsOfWord = int64_t{1} << (62 - kTermBits);  // rows that a word takes whatever they are

// What Shift says, for each column.
struct Shifts {
    double *magic, *magic_high, *limit, *square_magic, *square_magic_high, *square_limit, *scale;
    bool is_plain;  // whether a float32 sum is its word times the scale

    Shifts(const Share& share, double* workspace) {
        const int64_t columns = share.groups;
        double** const each[] = {&magic, &magic_high, &limit, &square_magic, &square_magic_high, &square_limit, &scale};
        static_assert(sizeof each / sizeof *each == kShifts);
        for (int i = 0; i < kShifts; ++i) *each[i] = workspace + i * columns;
        is_plain = share.dtype == Dtype::float32 && share.work == Work::sum;
        for (int64_t c = 0; c < columns; ++c) {
            const int base = share.sums[0].bases[c];
            const Shift by(base), square_by(share.sums[1].bases[c]);
            magic[c] = by.magic;
            magic_high[c] = by.magic_high;
            limit[c] = share.dtype == Dtype::float64 ? by.limit_high : by.limit;
            square_magic[c] = square_by.magic;
            square_magic_high[c] = square_by.magic_high;
            square_limit[c] = square_by.limit_high;
            scale[c] = base >= -126 ? power_of_two(base) : 0;
            is_plain &= base >= -126;
        }
    }

    // Of a column; `limit` is that of the words its dtype has.
    Shift at(int64_t c) const { return {magic[c], magic_high[c], limit[c], limit[c]}; }
    Shift square_at(int64_t c) const { return {square_magic[c], square_magic_high[c], 0, square_limit[c]}; }
};

// Moves words that might grow too large to limbs.
template <Work work, int kWords>
[[gnu::noinline]] void empty_words(Share& share) {
    const int64_t columns = share.groups;
    for (int64_t c = 0; c < columns; ++c) {
        for (int w = 0; w < kWords; ++w) {
            int64_t& word = share.records[c + w * columns];
            add_word_wide(share.sums[0], columns, c, word, share.sums[0].bases[c] + 32 * w);
            word = 0;
        }
        if constexpr (work == Work::moments) {
            for (int w = 0; w < 2; ++w) {
                int64_t& word = share.records[c + (1 + w) * columns];
                add_word_wide(share.sums[1], columns, c, word, share.sums[1].bases[c] + 32 * w);
                word = 0;
            }
        }
    }
}

template <typename T, Work work>
[[gnu::noinline]] void add_misfits(Share& share, const Shifts& shifts, const T* values) {
    const int64_t columns = share.groups;
    for (int64_t c = 0; c < columns; ++c) {
        const double value = static_cast<double>(load(values[c]));
        int64_t ignored;
        const Shift by = shifts.at(c);
        if (!(sizeof(T) == 8 ? shift_to_words(value, by, &ignored, &ignored) : shift_to_word(value, by, &ignored)))
            add_wide(share.sums[0], columns, c, value);
        if constexpr (work == Work::moments) {
            if (!shift_to_words(value * value, shifts.square_at(c), &ignored, &ignored))
                add_wide(share.sums[1], columns, c, value * value);
        }
    }
}

// Adds a row to words of which one holds a value, as if every value fitted; whether all did.
template <typename T>
bool add_row_unasked(const T* __restrict values, int64_t columns, const double* __restrict magic,
                     int64_t* __restrict words) {
    constexpr uint64_t kMost = uint64_t{1} << kTermBits;
    uint64_t odd = 0;
    for (int64_t c = 0; c < columns; ++c) {
        const double value = static_cast<double>(load(values[c]));
        const double moved = value + magic[c];
        const uint64_t term = bits_of(moved) - bits_of(magic[c]);
        odd |= bits_of(value - (moved - magic[c])) << 1;  // a rest
        odd |= (term + kMost) & ~(2 * kMost - 1);         // too large
        words[c] = static_cast<int64_t>(static_cast<uint64_t>(words[c]) + term);
    }
    return odd == 0;
}

template <typename T>
[[gnu::noinline]] void take_back_row(const T* __restrict values, int64_t columns, const double* __restrict magic,
                                     int64_t* __restrict words) {
    for (int64_t c = 0; c < columns; ++c) {
        const double moved = static_cast<double>(load(values[c])) + magic[c];
        words[c] = static_cast<int64_t>(static_cast<uint64_t>(words[c]) - (bits_of(moved) - bits_of(magic[c])));
    }
}

// The row at a place of the order, of those that have one.
inline int64_t row_at(const Share& share, int64_t at) { return share.order == nullptr ? at : share.order[at]; }

// Asks for the row that comes some places later.
template <typename T>
inline void ask_ahead(const Share& share, int64_t at) {
    if (share.order == nullptr || at + kRowsAhead >= share.rows) return;
    const char* next = static_cast<const char*>(share.values) +
                       share.order[at + kRowsAhead] * share.groups * static_cast<int64_t>(sizeof(T));
    for (size_t byte = 0; byte < share.groups * sizeof(T); byte += 64) __builtin_prefetch(next + byte);
}

// The sum of two numbers is one addition; + 0 makes of -0 the zero that exact sums give. In float, whose mantissa is
// more than twice as long, that of two 16-bit numbers is rounded again as if it had been rounded once.
template <typename T>
inline void add_two(const T* __restrict a, const T* __restrict b, int64_t columns, T* __restrict out) {
    for (int64_t c = 0; c < columns; ++c) store(canonical(load(a[c]) + load(b[c]) + Wider<T>{0}), out + c);
}
template <typename T>
inline void copy_one(const T* __restrict a, int64_t columns, T* __restrict out) {
    for (int64_t c = 0; c < columns; ++c) store(canonical(load(a[c]) + Wider<T>{0}), out + c);
}

// Sums of one row or two.
template <typename T>
void add_few(const Share& share, T* out) {
    const int64_t columns = share.groups, at = share.begin;
    const T* const all = static_cast<const T*>(share.values);
    const T* const first = all + row_at(share, at) * columns;
    ask_ahead<T>(share, at);
    if (share.end - at == 1) return copy_one(first, columns, out);
    ask_ahead<T>(share, at + 1);
    add_two(first, all + row_at(share, at + 1) * columns, columns, out);
}

// Adds the rows [share.begin, share.end); whether the words alone hold them.
template <typename T, Work work>
bool add_columns(Share& share, const Shifts& shifts) {
    constexpr int kWords = sizeof(T) == 8 ? 2 : 1;
    const int64_t columns = share.groups;
    const T* const all = static_cast<const T*>(share.values);
    int64_t* __restrict const low = share.records;
    int64_t* __restrict const high = low + columns;
    int64_t* __restrict const square_low = low + columns;
    int64_t* __restrict const square_high = low + 2 * columns;
    const Shifts by = shifts;  // a copy of pointers, which no store to a word can change
    bool is_plain = true;
    int64_t since = 0, asked = 0;
    for (int64_t at = share.begin; at < share.end; ++at) {
        const T* __restrict const values = all + row_at(share, at) * columns;
        ask_ahead<T>(share, at);
        if (++since > kRowsOfWord) {
            empty_words<work, kWords>(share);
            is_plain = false;
            since = 1;
        }
        if constexpr (kWords == 1 && work == Work::sum) {
            if (asked > 0) {
                --asked;
            } else {
                if (add_row_unasked(values, columns, shifts.magic, low)) continue;
                take_back_row(values, columns, shifts.magic, low);
                asked = kRowsAsked;
            }
        }
        int64_t misfits = 0;
        for (int64_t c = 0; c < columns; ++c) {
            const double value = static_cast<double>(load(values[c]));
            bool fits;
            int64_t word, word_high;
            if constexpr (kWords == 1) {
                fits = shift_to_word(value, by.at(c), &word);
            } else {
                fits = shift_to_words(value, by.at(c), &word, &word_high);
                high[c] += word_high;
            }
            low[c] += word;
            misfits += fits ? 0 : 1;
        }
        if constexpr (work == Work::moments) {
            for (int64_t c = 0; c < columns; ++c) {
                const double root = static_cast<double>(load(values[c]));
                int64_t word, word_high;
                const bool fits = shift_to_words(root * root, by.square_at(c), &word, &word_high);
                square_high[c] += word_high;
                square_low[c] += word;
                misfits += fits ? 0 : 1;
            }
        }
        if (misfits != 0) {
            add_misfits<T, work>(share, shifts, values);
            is_plain = false;
        }
    }
    return is_plain;
}

// Clears the cells for the next group.
template <typename T, Work work>
void clear_columns(Share& share, bool is_plain) {
    const int64_t columns = share.groups;
    const int64_t words = words_of(sizeof(T) == 8 ? Dtype::float64 : Dtype::float32, work) * columns;
    for (int64_t i = 0; i < words; ++i) share.records[i] = 0;
    if (is_plain) return;
    for (int which = 0; which < (work == Work::moments ? 2 : 1); ++which) {
        Sums& sum = share.sums[which];
        for (int64_t c = 0; c < columns; ++c) sum.flags[c] = 0;
        for (int limb = sum.lowest_limb; limb <= sum.highest_limb; ++limb)
            std::fill_n(sum.wide + (limb - sum.reach.first) * columns, columns, 0);
        sum.lowest_limb = kLimbs;
        sum.highest_limb = -1;
    }
}

template <typename T, Work work>
void sum_span(Span& span) {
    Share& share = span.share;
    Finish& finish = span.finish;
    const Shifts shifts(share, span.shifts);
    const int64_t columns = share.groups;
    char* const first_out = static_cast<char*>(finish.out);
    const bool is_sum = finish.work == Work::sum && finish.written == share.dtype;
    for (int64_t group = span.first; group < span.last; ++group) {
        share.begin = span.start[group];
        share.end = span.start[group + 1];
        if (is_sum && share.end - share.begin <= 2) {
            char* const out = first_out + group * span.row_bytes;
            if (share.begin < share.end) {
                add_few(share, reinterpret_cast<T*>(out));
            } else if (!span.is_zeroed) {
                memset(out, 0, span.row_bytes);
            }
            continue;
        }
        const bool is_plain = add_columns<T, work>(share, shifts);
        finish.count = share.end - share.begin;
        finish.out = first_out + group * span.row_bytes;
        if (is_plain && shifts.is_plain && finish.written == Dtype::float32) {
            float* __restrict const out = static_cast<float*>(finish.out);
            int64_t* __restrict const words = share.records;
            const double* __restrict const scale = shifts.scale;
            if (finish.work == Work::sum) {
                for (int64_t c = 0; c < columns; ++c) {
                    out[c] = static_cast<float>(static_cast<double>(static_cast<float>(words[c])) * scale[c]);
                    words[c] = 0;
                }
            } else {
                const double divisor = static_cast<double>(finish.count);
                for (int64_t c = 0; c < columns; ++c) {
                    out[c] = static_cast<float>(static_cast<double>(words[c]) * scale[c] / divisor);
                    words[c] = 0;
                }
            }
            continue;
        }
        scatter_finish(finish);
        clear_columns<T, work>(share, is_plain);
    }
}

template <typename T, typename Do>
void with_work(const Share& share, Do&& run) {
    if constexpr (sizeof(T) != 8) {
        if (share.work == Work::moments) return run(T{}, std::integral_constant<Work, Work::moments>{});
    }
    run(T{}, std::integral_constant<Work, Work::sum>{});
}

template <typename Do>
void with_type(const Share& share, const Do& run) {
    with_element(share.dtype, [&](auto element) { with_work<decltype(element)>(share, run); });
}

// Whole groups, added and written.
void scatter_columns(Span& span) {
    with_type(span.share, [&](auto type, auto work) { sum_span<decltype(type), work.value>(span); });
}

// The rows [begin, end) of a group of which others have the rest: added alone.
void scatter_part(Span& span) {
    with_type(span.share, [&](auto type, auto work) {
        add_columns<decltype(type), work.value>(span.share, Shifts(span.share, span.shifts));
    });
}

}  // namespace WITHIN_ISA
}  // namespace within
