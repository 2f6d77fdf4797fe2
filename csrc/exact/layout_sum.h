// Sums over numbers of a layout (exact/reduce.h): blocks of a row, and columns side by side.
#pragma once

#include "core/standard.h"
//
#include "exact/reduce.h"
#include "exact/row_sum.h"

namespace within {
inline namespace WITHIN_ISA {

constexpr int64_t kRowsAhead = 12;  // that sums of columns ask for

// work(numbers) with a pointer to numbers [from, to) of a sum, a block at most: where they lie, or copied to a buffer.
template <typename Element, typename Work>
inline void with_numbers(const SumLayout& layout, const Element* base, int64_t from, int64_t to, const Work& work) {
    using T = Wider<Element>;
    if (layout.segments == 1) return work(base + from);
    int64_t segment = from / layout.length, at = from % layout.length;
    if (at + to - from <= layout.length) return work(base + segment * layout.segment_step + at);
    alignas(64) T buffer[kSumBlock];
    for (T* out = buffer; from < to; ++segment, at = 0) {
        const int64_t count = std::min(layout.length - at, to - from);
        const Element* const piece = base + segment * layout.segment_step + at;
        for (int64_t i = 0; i < count; ++i) out[i] = load(piece[i]);
        out += count;
        from += count;
    }
    work(static_cast<const T*>(buffer));
}

// each(i, offset) of the rows that columns go through.
template <typename Each>
inline void for_layout_rows(const SumLayout& layout, const Each& each) {
    int64_t i = 0;
    for (int64_t segment = 0; segment < layout.segments; ++segment)
        for (int64_t at = 0; at < layout.length; ++at, ++i) each(i, segment * layout.segment_step + at * layout.step);
}

// The sums of `width` columns side by side, kSums each: term(offset, j, some, chains) adds a number of columns j and
// on, those of the row at that offset.
template <typename L, int kSums, typename T, typename Term>
inline void sum_columns(const SumLayout& layout, int64_t width, const Term& term, T (*out)[kReduceColumns]) {
    using Float = typename L::Float;
    constexpr int64_t kChunk = kReduceColumns;
    alignas(64) T chains[kSumLanes][kSums][kChunk], levels[kSumLevels][kSums][kChunk];
    const int64_t n = numbers_of(layout);
    int64_t blocks = 0;
    auto finish_block = [&](int lanes) {
        // A chain without a number is +0, which makes +0 of -0 and changes nothing else.
        if (lanes < kSumLanes) {
            for (int k = 0; k < kSums; ++k)
                for (int64_t j = 0; j < width; ++j) chains[0][k][j] += T{0};
        }
        for (int half = kSumLanes / 2; half > 0; lanes = std::min(lanes, half), half /= 2) {
            for (int l = 0; l + half < lanes; ++l)
                for (int k = 0; k < kSums; ++k)
                    for (int64_t j = 0; j < width; ++j) chains[l][k][j] += chains[l + half][k][j];
        }
        for (int k = 0; k < kSums; ++k) {
            T* const sum = chains[0][k];
            int level = 0;
            for (; (blocks >> level) & 1; ++level)
                for (int64_t j = 0; j < width; ++j) sum[j] = levels[level][k][j] + sum[j];
            std::copy(sum, sum + width, levels[level][k]);
        }
        ++blocks;
    };
    for_layout_rows(layout, [&](int64_t i, int64_t offset) {
        const int64_t in_block = i % kSumBlock;
        auto& chain = chains[in_block % kSumLanes];
        for_registers<L>(width, [&](int64_t j, auto some) {
            Float sums[kSums] = {};
            if (in_block >= kSumLanes)
                for (int k = 0; k < kSums; ++k) sums[k] = L::load(chain[k] + j);
            term(offset, j, some, sums);
            for (int k = 0; k < kSums; ++k) L::store(chain[k] + j, sums[k]);
        });
        if (in_block + 1 == kSumBlock || i + 1 == n)
            finish_block(static_cast<int>(std::min<int64_t>(in_block + 1, 32)));
    });
    for (int k = 0; k < kSums; ++k) {
        bool is_first = true;
        for (int level = 0; level < kSumLevels; ++level) {
            if (!((blocks >> level) & 1)) continue;
            for (int64_t j = 0; j < width; ++j)
                out[k][j] = is_first ? levels[level][k][j] : levels[level][k][j] + out[k][j];
            is_first = false;
        }
    }
}

}  // namespace WITHIN_ISA
}  // namespace within
