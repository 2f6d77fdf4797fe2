// The CPU loops of minima, maxima and softmax by group.
#pragma once

#include "core/standard.h"
//
#include "core/exponential.h"
#include "scatter/extremes.h"
#include "scatter/index.h"
#include "scatter/rows.h"

namespace within {
inline namespace WITHIN_ISA {

template <typename T>
void extremes_of_columns(const Extremes& task) {
    using Key = KeyOf<T>;
    const T* const values = static_cast<const T*>(task.values);
    Key* const keys = static_cast<Key*>(task.keys);
    for (int64_t row = task.begin; row < task.end; ++row) {
        const int64_t group = task.index[row];
        if (static_cast<uint64_t>(group) >= static_cast<uint64_t>(task.groups)) {
            *task.row_outside = row;
            return;
        }
        Key* __restrict const best = keys + group * task.columns;
        const T* __restrict const of_row = values + row * task.columns;
        for (int64_t c = 0; c < task.columns; ++c) {
            const Key key = key_of(of_row[c], task.is_max);
            best[c] = key > best[c] ? key : best[c];
        }
    }
}

template <typename T>
void extremes_of(const Extremes& task) {
    using Key = KeyOf<T>;
    if (task.columns != 1) return extremes_of_columns<T>(task);
    const T* const values = static_cast<const T*>(task.values);
    Key* const best = static_cast<Key*>(task.keys);
    Key keys[kIndexBlock];
    for (int64_t at = task.begin; at < task.end; at += kIndexBlock) {
        const int64_t count = std::min(kIndexBlock, task.end - at);
        const int64_t* const index = task.index + at;
        const int64_t outside = first_outside(index, count, task.groups);
        if (outside >= 0) {
            *task.row_outside = at + outside;
            return;
        }
        for (int64_t i = 0; i < count; ++i) keys[i] = key_of(values[at + i], task.is_max);
        // A branch that is seldom taken: a group's best changes as often as the logarithm of its rows.
        for (int64_t i = 0; i < count; ++i)
            if (__builtin_expect(keys[i] > best[index[i]], 0)) best[index[i]] = keys[i];
    }
}

template <typename T>
void store_extremes(const Extremes& task) {
    using Key = KeyOf<T>;
    T* const out = static_cast<T*>(task.out);
    const Key* const keys = static_cast<const Key*>(task.keys);
    for (int64_t i = task.begin; i < task.end; ++i) {
        Key key = keys[i];
        for (int64_t share = 1; share < task.shares; ++share)
            key = std::max(key, keys[share * task.groups * task.columns + i]);
        store_key(key, task.is_max, out + i);
    }
}

// The rows of a table that the index names, beside each other.
template <typename T>
void take_rows(const T* __restrict table, int64_t table_columns, const int64_t* index, int64_t rows, int64_t columns,
               T* __restrict out) {
    if (table_columns == 1) {
        for (int64_t r = 0; r < rows; ++r) out[r] = table[index[r]];
        return;
    }
    for (int64_t r = 0; r < rows; ++r) {
        const T* const of_row = table + index[r] * table_columns;
        for (int64_t c = 0; c < columns; ++c) out[r * columns + c] = of_row[c];
    }
}

// Calls `each(first element, index, rows, columns, first column)` for pieces of at most kIndexBlock elements that lie
// one after another.
template <typename Each>
void in_pieces(const Softmax& task, Each each) {
    if (task.columns > kIndexBlock) {
        for (int64_t row = task.begin; row < task.end; ++row)
            for (int64_t column = 0; column < task.columns; column += kIndexBlock)
                each(row * task.columns + column, task.index + row, int64_t{1},
                     std::min(kIndexBlock, task.columns - column), column);
        return;
    }
    const int64_t most = kIndexBlock / task.columns;
    for (int64_t row = task.begin; row < task.end; row += most)
        each(row * task.columns, task.index + row, std::min(most, task.end - row), task.columns, int64_t{0});
}

// exp(value - top of its group), as float32, or float64 of float64.
template <typename T>
void exponentials_of(const Softmax& task) {
    using Wide = std::conditional_t<std::is_same_v<T, double>, double, float>;
    constexpr int kDegree = std::is_same_v<T, double> ? 13 : 8;
    in_pieces(task, [&](int64_t first, const int64_t* index, int64_t rows, int64_t columns, int64_t column) {
        const T* const values = static_cast<const T*>(task.values) + first;
        Wide* const out = static_cast<Wide*>(task.exponentials) + first;
        T tops[kIndexBlock];
        take_rows(static_cast<const T*>(task.tops) + column, task.columns, index, rows, columns, tops);
        for (int64_t i = 0; i < rows * columns; ++i)
            out[i] = static_cast<Wide>(
                exponential<kDegree>(static_cast<double>(load(values[i])) - static_cast<double>(load(tops[i]))));
    });
}

// exponential / sum of its group.
template <typename T>
void shares_of(const Softmax& task) {
    using Wide = std::conditional_t<std::is_same_v<T, double>, double, float>;
    in_pieces(task, [&](int64_t first, const int64_t* index, int64_t rows, int64_t columns, int64_t column) {
        const Wide* const exponentials = static_cast<const Wide*>(task.exponentials) + first;
        T* const out = static_cast<T*>(task.out) + first;
        double sums[kIndexBlock];
        take_rows(task.sums + column, task.columns, index, rows, columns, sums);
        for (int64_t i = 0; i < rows * columns; ++i) {
            const double share = static_cast<double>(exponentials[i]) / sums[i];
            if constexpr (std::is_same_v<T, double>) {
                out[i] = share;
            } else {
                store(static_cast<float>(share), out + i);
            }
        }
    });
}

void scatter_extremes(const Extremes& task) {
    with_element(task.dtype, [&](auto element) { extremes_of<decltype(element)>(task); });
}
void scatter_store_extremes(const Extremes& task) {
    with_element(task.dtype, [&](auto element) { store_extremes<decltype(element)>(task); });
}
void scatter_exponentials(const Softmax& task) {
    with_element(task.dtype, [&](auto element) { exponentials_of<decltype(element)>(task); });
}
void scatter_shares(const Softmax& task) {
    with_element(task.dtype, [&](auto element) { shares_of<decltype(element)>(task); });
}

}  // namespace WITHIN_ISA
}  // namespace within
