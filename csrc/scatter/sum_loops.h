// The CPU loops of exact sums by group, of one column.
#pragma once

#include "core/standard.h"
//
#include "scatter/counted.h"
#include "scatter/index.h"
#include "scatter/wide.h"

namespace within {
inline namespace WITHIN_ISA {

constexpr int64_t kBlock = kIndexBlock;
constexpr int64_t kFetched = 16;        // rows whose values fill a line of the cache
constexpr int64_t kAhead = 48;          // rows by which words are fetched before they are added to
constexpr int64_t kFarCells = 1 << 18;  // cells from which on that pays

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
    reach_and_touch_limbs(sums, cells, static_cast<int>(lowest), static_cast<int>(highest) + 1);
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

[[gnu::noinline]] inline void empty_counted(int64_t* word, Share& share, int64_t cells, int64_t cell) {
    const Counted counted = split_counted(*word);
    add_word_wide(share.sums[0], cells, cell, counted.word, share.sums[0].base);
    share.counts[cell] += counted.rows;
    *word = 0;
}

inline void add_to_counted(int64_t* word, int64_t term, Share& share, int64_t cells, int64_t cell) {
    *word += term + kCountedRow;
    if (__builtin_expect(*word < 0, 0)) empty_counted(word, share, cells, cell);
}

// Adds blocks of values to the cells of a share.
template <typename T, Work work>
class Adder {
  public:
    static constexpr int kWords = std::is_same_v<T, double> ? 2 : 1;
    static constexpr int kRecord = words_of(std::is_same_v<T, double> ? Dtype::float64 : Dtype::float32, work);

    explicit Adder(Share& share)
        : share_(share),
          cells_(share.groups * share.replicas),
          by_(share.sums[0].base, value_term_bits(share.dtype, work)),
          square_by_(work == Work::moments ? share.sums[1].base : 0) {}

    // At most kBlock values. `before(from)` is called before the words of values [from, from + kFetched) are added to,
    // `ahead(i)` before those of value i.
    template <typename Before, typename Ahead>
    void add(const T* __restrict values, const int64_t* __restrict cell, int64_t count, Before before, Ahead ahead) {
        int64_t misfits = count;
        if (skips_ > 0) {
            --skips_;
        } else {
            misfits = block_.shift(values, count, by_, square_by_);
            if (misfits > count / 2) skips_ = 15;
        }
        if (misfits > count / 2) return add_wide_block(values, cell, count);
        int64_t* const records = share_.records;
        int64_t from = 0;
        for (; from + kFetched <= count; from += kFetched) {
            before(from);
#pragma GCC unroll 16
            for (int64_t i = 0; i < kFetched; ++i) {
                ahead(from + i);
                add_words(records, cell + from, from, i);
            }
        }
        for (; from < count; ++from) add_words(records, cell, 0, from);
        if (misfits > 0) add_misfits(values, cell, count);
    }

  private:
    // Value `i` of those from `from` on, which belong to cell[0] and on.
    [[gnu::always_inline]] void add_words(int64_t* records, const int64_t* __restrict cell, int64_t from, int64_t i) {
        const int64_t at = cell[i];
        int64_t* const record = records + at * kRecord;
        if constexpr (work == Work::sum) {
            add_word<0, 0>(record, (block_.low + from)[i], at);
        } else {
            add_to_counted(record, (block_.low + from)[i], share_, cells_, at);
        }
        if constexpr (kWords == 2) add_word<0, 1>(record + 1, (block_.high + from)[i], at);
        if constexpr (work == Work::moments) {
            add_word<1, 0>(record + 1, (block_.square_low + from)[i], at);
            add_word<1, 1>(record + 2, (block_.square_high + from)[i], at);
        }
    }

    // To word `w` of sum `which`.
    template <int which, int w>
    [[gnu::always_inline]] void add_word(int64_t* word, int64_t term, int64_t cell) {
        int64_t sum;
        if (__builtin_expect(__builtin_add_overflow(*word, term, &sum), 0))
            return empty_word<which, w>(word, term, cell);
        *word = sum;
    }

    template <int which, int w>
    [[gnu::noinline]] void empty_word(int64_t* word, int64_t term, int64_t cell) {
        Sums& sums = share_.sums[which];
        add_word_wide(sums, cells_, cell, *word, sums.base + 32 * w);
        *word = term;
    }

    void add_wide_block(const T* values, const int64_t* cell, int64_t count) {
        if (!is_wide_) mark_wide(share_);
        is_wide_ = true;
        add_block_wide<T, false>(values, count, cell, share_.sums[0], cells_);
        if constexpr (work == Work::moments) add_block_wide<T, true>(values, count, cell, share_.sums[1], cells_);
        if constexpr (work != Work::sum)
            for (int64_t i = 0; i < count; ++i)
                add_to_counted(share_.records + cell[i] * kRecord, 0, share_, cells_, cell[i]);
    }

    [[gnu::noinline]] void add_misfits(const T* values, const int64_t* cell, int64_t count) {
        for (int64_t i = 0; i < count; ++i) {
            const double value = static_cast<double>(load(values[i]));
            int64_t ignored;
            if (!(kWords == 1 ? shift_to_word(value, by_, &ignored) : shift_to_words(value, by_, &ignored, &ignored)))
                add_wide(share_.sums[0], cells_, cell[i], value);
            if constexpr (work == Work::moments) {
                if (!shift_to_words(value * value, square_by_, &ignored, &ignored))
                    add_wide(share_.sums[1], cells_, cell[i], value * value);
            }
        }
    }

    Share& share_;
    const int64_t cells_;
    const Shift by_, square_by_;
    bool is_wide_ = false;
    int64_t skips_ = 0;  // blocks that are not tried, after one where most did not fit
    alignas(64) Block<T, work> block_;
};

// Adds all rows of a share.
template <typename T, Work work>
void add_rows(Share& share) {
    const T* const values = static_cast<const T*>(share.values);
    const int64_t* const index = share.index;
    Adder<T, work> adder(share);
    constexpr int kRecord = Adder<T, work>::kRecord;
    const bool is_far = share.groups * share.replicas * kRecord > kFarCells;
    alignas(64) int64_t cells_of_block[kBlock];
    for (int64_t at = share.begin; at < share.end; at += kBlock) {
        const int64_t count = std::min(kBlock, share.end - at);
        const int64_t outside = first_outside(index + at, count, share.groups);
        if (outside >= 0) {
            share.row_outside = at + outside;
            return;
        }
        const int64_t* cell = index + at;
        if (share.replicas > 1) {
            for (int64_t i = 0; i < count; ++i)
                cells_of_block[i] = cell[i] + ((at + i) & (share.replicas - 1)) * share.groups;
            cell = cells_of_block;
        }
        // While words are added nothing else is read: the rows of the block after the next are fetched meanwhile. So
        // are, where cells are many, the words of later rows; what is not yet checked of the index harms no fetch.
        const auto nothing = [](int64_t) {};
        if (at + 3 * kBlock >= share.end) {
            adder.add(values + at, cell, count, nothing, nothing);
            continue;
        }
        const auto fetch_rows = [&](int64_t from) {
            const char* const next = reinterpret_cast<const char*>(index + at + 2 * kBlock + from);
            for (size_t byte = 0; byte < kFetched * sizeof(int64_t); byte += 64) __builtin_prefetch(next + byte);
            __builtin_prefetch(values + at + 2 * kBlock + from);
        };
        if (!is_far) {
            adder.add(values + at, cell, count, fetch_rows, nothing);
            continue;
        }
        const int64_t* const later = index + at + kAhead;
        adder.add(values + at, cell, count, fetch_rows,
                  [&](int64_t i) { __builtin_prefetch(share.records + later[i] * kRecord, 1); });
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
    with_element(share.dtype, [&](auto element) { add_rows_of<decltype(element)>(share); });
}

}  // namespace WITHIN_ISA
}  // namespace within
