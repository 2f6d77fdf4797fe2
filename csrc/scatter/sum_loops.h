// The CPU loops of exact sums by group, of one column.
#pragma once

#include "core/standard.h"
//
#include "scatter/wide.h"

namespace within {
inline namespace WITHIN_ISA {

constexpr int64_t kBlock = 256;
constexpr int64_t kFetched = 16;        // rows whose values fill a line of the cache
constexpr int64_t kAhead = 24;          // rows by which words are fetched before they are added to
constexpr int64_t kFarCells = 1 << 18;  // cells from which on that pays

inline void add_to_word(int64_t* word, int64_t term, Sums& sums, int64_t cells, int64_t cell, int base) {
    int64_t sum;
    if (__builtin_expect(__builtin_add_overflow(*word, term, &sum), 0)) {
        add_word_wide(sums, cells, cell, *word, base);
        sum = term;
    }
    *word = sum;
}

// Rows of a block whose group is outside [0, groups); none is 0.
inline int64_t first_outside(const int64_t* index, int64_t count, int64_t groups) {
    uint64_t outside = 0;
    for (int64_t i = 0; i < count; ++i)
        outside |= static_cast<uint64_t>(index[i]) | static_cast<uint64_t>(groups - 1 - index[i]);
    if (!(outside >> 63)) return -1;
    for (int64_t i = 0; i < count; ++i)
        if (static_cast<uint64_t>(index[i]) >= static_cast<uint64_t>(groups)) return i;
    return -1;
}

// The words of one block's values, 0 for those that do not fit.
template <typename T, Work work>
struct Block {
    int64_t low[kBlock];
    int64_t high[kBlock];
    int64_t square_low[kBlock];
    int64_t square_high[kBlock];

    // How many do not fit.
    int64_t shift(const T* __restrict values, int64_t count, const Shift& by, const Shift& square_by) {
        int64_t misfits = 0;
        for (int64_t i = 0; i < count; ++i) {
            const double value = static_cast<double>(load(values[i]));
            bool fits;
            if constexpr (sizeof(T) == 8) {
                fits = shift_to_words(value, by, &low[i], &high[i]);
            } else {
                fits = shift_to_word(value, by, &low[i]);
            }
            misfits += fits ? 0 : 1;
        }
        if constexpr (work == Work::moments) {
            for (int64_t i = 0; i < count; ++i) {
                const double value = static_cast<double>(load(values[i]));
                misfits += shift_to_words(value * value, square_by, &square_low[i], &square_high[i]) ? 0 : 1;
            }
        }
        return misfits;
    }
};

// Adds a block where most values do not fit into words, by limbs; the cells are marked as wide already.
template <typename T, bool is_squared>
void add_block_wide(const T* __restrict values, int64_t count, const int64_t* cell, Sums& sums, int64_t cells) {
    using Wide = std::conditional_t<sizeof(T) == 8 || is_squared, double, float>;
    alignas(64) int64_t at[kBlock], low[kBlock], high[kBlock];
    int64_t specials = 0;
    for (int64_t i = 0; i < count; ++i) {
        Wide value = load(values[i]);
        if constexpr (is_squared) value *= value;
        specials += place_in_words(value, &at[i], &low[i], &high[i]) ? 0 : 1;
    }
    if (specials != 0) {
        for (int64_t i = 0; i < count; ++i) {
            double value = load(values[i]);
            if constexpr (is_squared) value *= value;
            add_wide(sums, cells, cell[i], value);
        }
        return;
    }
    const int64_t first = sums.reach.first;
    int64_t lowest = kLimbs, highest = 0;
    for (int64_t i = 0; i < count; ++i) {
        at[i] = std::max(at[i], first);  // a zero has no place of its own
        lowest = std::min(lowest, at[i]);
        highest = std::max(highest, at[i]);
    }
    reach_limbs(sums, static_cast<int>(lowest), static_cast<int>(highest) + 1);
    for (int64_t i = 0; i < count; ++i) {
        // A product of 32 bits each, which every vector unit has.
        at[i] = static_cast<int64_t>(static_cast<uint64_t>(static_cast<uint32_t>(at[i] - sums.reach.first)) *
                                     static_cast<uint32_t>(cells)) +
                cell[i];
    }
    const bool is_far = cells > kFarCells / 8;
    if (is_far)
        for (int64_t i = 0; i < std::min(kAhead, count); ++i) __builtin_prefetch(sums.wide + at[i], 1);
    for (int64_t i = 0; i < count; ++i) {
        if (is_far && i + kAhead < count) {
            __builtin_prefetch(sums.wide + at[i + kAhead], 1);
            if constexpr (sizeof(Wide) == 8) __builtin_prefetch(sums.wide + at[i + kAhead] + cells, 1);
        }
        int64_t* const limb = sums.wide + at[i];
        add_to_limb(limb, cells, low[i]);
        if constexpr (sizeof(Wide) == 8) add_to_limb(limb + cells, cells, high[i]);
    }
}

template <typename T, Work work>
void add_rows(Share& share) {
    constexpr int kWords = std::is_same_v<T, double> ? 2 : 1;
    constexpr int kRecord = words_of(std::is_same_v<T, double> ? Dtype::float64 : Dtype::float32, work);
    const T* values = static_cast<const T*>(share.values);
    const int64_t cells = share.groups * share.replicas;
    Sums &sums = share.sums[0], &squares = share.sums[1];
    const Shift by(sums.base), square_by(work == Work::moments ? squares.base : 0);
    int64_t* const records = share.records;
    const bool is_far = cells * kRecord > kFarCells;
    alignas(64) Block<T, work> block;
    alignas(64) int64_t cell_of[kBlock + kAhead] = {};
    bool is_wide = false;
    int64_t skips = 0;  // blocks that are not tried, after one where most did not fit
    for (int64_t at = share.begin; at < share.end; at += kBlock) {
        const int64_t count = std::min(kBlock, share.end - at);
        const int64_t* const index = share.index + at;
        const int64_t outside = first_outside(index, count, share.groups);
        if (outside >= 0) {
            share.row_outside = at + outside;
            return;
        }
        const int64_t* cell = index;
        if (share.replicas > 1) {
            for (int64_t i = 0; i < count; ++i)
                cell_of[i] = index[i] + ((at + i) & (share.replicas - 1)) * share.groups;
            cell = cell_of;
        }
        int64_t misfits = count;
        if (skips > 0) {
            --skips;
        } else {
            misfits = block.shift(values + at, count, by, square_by);
            if (misfits > count / 2) skips = 15;
        }
        const bool is_skipped = misfits > count / 2;
        if (!is_skipped) {
            auto add = [&](int64_t i) {
                int64_t* const record = records + cell[i] * kRecord;
                add_to_word(record, block.low[i], sums, cells, cell[i], sums.base);
                if constexpr (kWords == 2) add_to_word(record + 1, block.high[i], sums, cells, cell[i], sums.base + 32);
                if constexpr (work == Work::moments) {
                    add_to_word(record + 1, block.square_low[i], squares, cells, cell[i], squares.base);
                    add_to_word(record + 2, block.square_high[i], squares, cells, cell[i], squares.base + 32);
                }
                if constexpr (work != Work::sum) ++record[kRecord - 1];
            };
            // While words are added nothing else is read: the rows of the block after the next are fetched meanwhile.
            // So are, where cells are many, the words of later rows; what is not yet checked of the index harms no
            // fetch.
            const int64_t last = share.end - at - 2 * kBlock - kFetched;
            for (int64_t from = 0; from < count; from += kFetched) {
                const int64_t to = std::min(from + kFetched, count);
                if (from < last) {
                    const char* next_index = reinterpret_cast<const char*>(index + 2 * kBlock + from);
                    for (size_t byte = 0; byte < kFetched * sizeof(int64_t); byte += 64)
                        __builtin_prefetch(next_index + byte);
                    __builtin_prefetch(values + at + 2 * kBlock + from);
                    if (is_far) {
                        for (int64_t i = from; i < to; ++i) {
                            __builtin_prefetch(records + index[i + kAhead] * kRecord, 1);
                            add(i);
                        }
                        continue;
                    }
                }
                for (int64_t i = from; i < to; ++i) add(i);
            }
            if (misfits == 0) continue;
        }
        if (is_skipped) {
            if (!is_wide) mark_wide(share);
            is_wide = true;
            add_block_wide<T, false>(values + at, count, cell, sums, cells);
            if constexpr (work == Work::moments) add_block_wide<T, true>(values + at, count, cell, squares, cells);
            if constexpr (work != Work::sum)
                for (int64_t i = 0; i < count; ++i) ++records[cell[i] * kRecord + kRecord - 1];
            continue;
        }
        for (int64_t i = 0; i < count; ++i) {
            const double value = static_cast<double>(load(values[at + i]));
            int64_t ignored;
            if (!(kWords == 1 ? shift_to_word(value, by, &ignored) : shift_to_words(value, by, &ignored, &ignored)))
                add_wide(sums, cells, cell[i], value);
            if constexpr (work == Work::moments) {
                if (!shift_to_words(value * value, square_by, &ignored, &ignored))
                    add_wide(squares, cells, cell[i], value * value);
            }
        }
    }
}

template <typename T>
void add_rows_of(Share& share) {
    switch (share.work) {
        case Work::sum:
            return add_rows<T, Work::sum>(share);
        case Work::mean:
            return add_rows<T, Work::mean>(share);
        case Work::moments:
            if constexpr (!std::is_same_v<T, double>) return add_rows<T, Work::moments>(share);
    }
}

void scatter_add(Share& share) {
    switch (share.dtype) {
        case Dtype::float64:
            return add_rows_of<double>(share);
        case Dtype::float32:
            return add_rows_of<float>(share);
        case Dtype::float16:
            return add_rows_of<Float16>(share);
        case Dtype::bfloat16:
            return add_rows_of<BFloat16>(share);
    }
}

}  // namespace WITHIN_ISA
}  // namespace within
