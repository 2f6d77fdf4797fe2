// The CPU loops of minima, maxima and softmax by group.
#pragma once

#include "core/standard.h"
//
#include "core/exponential.h"
#include "scatter/extremes.h"
#include "scatter/rows.h"

namespace within {
inline namespace WITHIN_ISA {

template <typename T>
void extremes_of(const Extremes& task) {
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

// exp(value - top of its group), as float32, or float64 of float64.
template <typename T>
void exponentials_of(const Softmax& task) {
    using Wide = std::conditional_t<std::is_same_v<T, double>, double, float>;
    const T* const values = static_cast<const T*>(task.values);
    const T* const tops = static_cast<const T*>(task.tops);
    Wide* const out = static_cast<Wide*>(task.exponentials);
    constexpr int64_t kChunk = 256;
    double difference[kChunk];
    for (int64_t row = task.begin; row < task.end;) {
        const int64_t rows = std::max<int64_t>(1, std::min(task.end - row, kChunk / task.columns));
        for (int64_t column = 0; column < task.columns; column += kChunk) {
            const int64_t columns = std::min(kChunk, task.columns - column);
            for (int64_t r = 0; r < rows; ++r) {
                const T* const of_row = values + (row + r) * task.columns + column;
                const T* const top = tops + task.index[row + r] * task.columns + column;
                for (int64_t c = 0; c < columns; ++c)
                    difference[r * columns + c] =
                        static_cast<double>(load(of_row[c])) - static_cast<double>(load(top[c]));
            }
            constexpr int kDegree = std::is_same_v<T, double> ? 13 : 8;
            Wide* const to = out + row * task.columns + column;
            for (int64_t i = 0; i < rows * columns; ++i) to[i] = static_cast<Wide>(exponential<kDegree>(difference[i]));
        }
        row += rows;
    }
}

// exponential / sum of its group.
template <typename T>
void shares_of(const Softmax& task) {
    using Wide = std::conditional_t<std::is_same_v<T, double>, double, float>;
    const Wide* const exponentials = static_cast<const Wide*>(task.exponentials);
    T* const out = static_cast<T*>(task.out);
    for (int64_t row = task.begin; row < task.end; ++row) {
        const double* const sum = task.sums + task.index[row] * task.columns;
        for (int64_t c = 0; c < task.columns; ++c) {
            const double share = static_cast<double>(exponentials[row * task.columns + c]) / sum[c];
            if constexpr (std::is_same_v<T, double>) {
                out[row * task.columns + c] = share;
            } else {
                store(static_cast<float>(share), out + row * task.columns + c);
            }
        }
    }
}

#define WITHIN_FOR_DTYPE(dtype, function, task) \
    switch (dtype) {                            \
        case Dtype::float64:                    \
            return function<double>(task);      \
        case Dtype::float32:                    \
            return function<float>(task);       \
        case Dtype::float16:                    \
            return function<Float16>(task);     \
        case Dtype::bfloat16:                   \
            return function<BFloat16>(task);    \
    }

void scatter_extremes(const Extremes& task) { WITHIN_FOR_DTYPE(task.dtype, extremes_of, task) }
void scatter_store_extremes(const Extremes& task) { WITHIN_FOR_DTYPE(task.dtype, store_extremes, task) }
void scatter_exponentials(const Softmax& task) { WITHIN_FOR_DTYPE(task.dtype, exponentials_of, task) }
void scatter_shares(const Softmax& task) { WITHIN_FOR_DTYPE(task.dtype, shares_of, task) }

#undef WITHIN_FOR_DTYPE

}  // namespace WITHIN_ISA
}  // namespace within
