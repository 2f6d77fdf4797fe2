// The CPU loops of sums over rows.
#pragma once

#include "core/standard.h"
//
#include "core/nan.h"
#include "core/wide.h"
#include "exact/sum_rows.h"

namespace within {
inline namespace WITHIN_ISA {

constexpr int kSumTogether = 4;  // rows of one chain that are added while its sums are in registers

// Rows l, l + 32, ... of `count` of them, added to chain l of columns [0, width): sums[column].
template <typename Element, typename T>
void add_to_chain(const Element* x, int64_t step, int64_t count, int64_t width, T* sums) {
    using W = Wide<T>;
    for (; count > 0;) {
        const int64_t together = count >= kSumTogether ? kSumTogether : 1;
        int64_t j = 0;
        if constexpr (std::is_same_v<Element, T>) {
            if (together == kSumTogether) {
                for (; j + W::kCount <= width; j += W::kCount) {
                    auto sum = W::load(sums + j);
#pragma GCC unroll 4
                    for (int i = 0; i < kSumTogether; ++i) sum += W::load(x + i * step + j);
                    W::store(sums + j, sum);
                }
            } else {
                for (; j + W::kCount <= width; j += W::kCount) W::store(sums + j, W::load(sums + j) + W::load(x + j));
            }
        }
        for (; j < width; ++j)
            for (int64_t i = 0; i < together; ++i) sums[j] += load(x[i * step + j]);
        x += together * step;
        count -= together;
    }
}

template <typename Element, typename T>
void sum_block(const SumRowsBlock& task) {
    const int64_t width = task.column_end - task.column;
    alignas(64) T sums[kSumLanes * kSumColumns] = {};
    const Element* const x = static_cast<const Element*>(task.x) + task.column;
    constexpr int64_t kTogether = kSumTogether * kSumLanes;
    for (int64_t row = 0; row < task.rows; row += kTogether) {
        const int64_t rows = std::min(kTogether, task.rows - row);
        for (int64_t l = 0; l < kSumLanes && l < rows; ++l)
            add_to_chain(x + (row + l) * task.row_step, kSumLanes * task.row_step,
                         (rows - l + kSumLanes - 1) / kSumLanes, width, sums + l * kSumColumns);
    }
    for (int half = kSumLanes / 2; half > 0; half /= 2)
        for (int l = 0; l < half; ++l)
            for (int64_t j = 0; j < width; ++j) sums[l * kSumColumns + j] += sums[(l + half) * kSumColumns + j];
    std::copy(sums, sums + width, static_cast<T*>(task.sums));
}

template <typename Element, typename T>
void sum_blocks(const SumRowsBlocks& task) {
    for (int64_t column = task.column; column < task.column_end; ++column) {
        BlockSums<T> blocks;
        const T* const sums = static_cast<const T*>(task.sums) + column;
        for (int64_t block = 0; block < task.blocks; ++block) blocks.add(sums[block * task.columns]);
        store(canonical(blocks.total()), static_cast<Element*>(task.out) + column);
    }
}

void sum_rows_block(const SumRowsBlock& task) {
    with_element(task.dtype, [&](auto element) { sum_block<decltype(element), Wider<decltype(element)>>(task); });
}

void sum_rows_blocks(const SumRowsBlocks& task) {
    with_element(task.dtype, [&](auto element) { sum_blocks<decltype(element), Wider<decltype(element)>>(task); });
}

}  // namespace WITHIN_ISA
}  // namespace within
