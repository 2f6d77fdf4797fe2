// The CPU loops of pooling.
#pragma once

#include "core/standard.h"
//
#include "core/dtype.h"
#include "core/nan.h"
#include "exact/pooling.h"
#include "exact/sum.h"

namespace within {
inline namespace WITHIN_ISA {

// Calls work(step), a constant where there are loops for it.
template <typename Work>
void with_step(int64_t step, const Work& work) {
    if (step == 1) return work(std::integral_constant<int64_t, 1>{});
    if (step == 2) return work(std::integral_constant<int64_t, 2>{});
    work(step);
}

// Calls work(line, at, first, end) for each tap of an output row, row by row: outputs [first, end) have it in the
// input's row, where the first one's number is line[0], at place `at` of the plane, and the next ones' are a stride
// apart.
template <typename Element, typename Work>
void for_each_tap(const Pool& pool, const Element* plane, int64_t y, const Work& work) {
    const PoolWindow rows = window_of(pool.y, y, false);
    const PoolAxis& x = pool.x;
    for (int64_t row = rows.first; row < rows.end; row += pool.y.dilation) {
        for (int64_t tap = 0; tap < x.kernel; ++tap) {
            const int64_t offset = tap * x.dilation - x.padding;  // of output 0
            const int64_t first = offset < 0 ? (-offset + x.stride - 1) / x.stride : 0;
            const int64_t end = offset >= x.in ? 0 : std::min(x.out, (x.in - 1 - offset) / x.stride + 1);
            if (first >= end) continue;
            const int64_t at = row * x.in + first * x.stride + offset;
            work(plane + at, at, first, end);
        }
    }
}

template <typename Element, typename T>
void largest_row(const PoolForward& task, const Element* plane, int64_t y, Element* out, int64_t* places) {
    const PoolAxis& x = task.pool.x;
    T* const values = static_cast<T*>(task.lines);
    int32_t* const found = task.found;
    const int64_t row = window_of(task.pool.y, y, false).first * x.in;
    for (int64_t o = 0; o < x.out; ++o) {
        values[o] = -std::numeric_limits<T>::infinity();
        found[o] = static_cast<int32_t>(row + window_of(x, o, false).first);
    }
    with_step(x.stride, [&](auto step) {
        for_each_tap(task.pool, plane, y, [&](const Element* line, int64_t at, int64_t first, int64_t end) {
            for (int64_t o = first; o < end; ++o) {
                const T number = load(line[(o - first) * step]);
                const bool is_taken = (number > values[o]) | (number != number);
                values[o] = is_taken ? number : values[o];
                found[o] = is_taken ? static_cast<int32_t>(at + (o - first) * step) : found[o];
            }
        });
    });
    for (int64_t o = 0; o < x.out; ++o) {
        store(canonical(values[o]), out + o);
        places[o] = found[o];
    }
}

template <typename Element, typename T>
void average_row(const PoolForward& task, const Element* plane, int64_t y, Element* out) {
    const Pool& pool = task.pool;
    T* const sums = static_cast<T*>(task.lines);
    std::fill(sums, sums + pool.x.out, T{0});
    with_step(pool.x.stride, [&](auto step) {
        for_each_tap(pool, plane, y, [&](const Element* line, int64_t, int64_t first, int64_t end) {
            for (int64_t o = first; o < end; ++o) sums[o] += load(line[(o - first) * step]);
        });
    });
    const PoolWindow rows = window_of(pool.y, y, pool.counts_padding);
    for (int64_t o = 0; o < pool.x.out; ++o) {
        const PoolWindow columns = window_of(pool.x, o, pool.counts_padding);
        store(canonical(sums[o] / static_cast<T>(divisor_of(pool, rows, columns))), out + o);
    }
}

template <typename Element, typename T>
void adaptive_largest(const Pool& pool, const Element* plane, int64_t y, int64_t x, Element* out, int64_t* place) {
    const PoolWindow rows = window_of(pool.y, y, false), columns = window_of(pool.x, x, false);
    Largest<T> largest{-std::numeric_limits<T>::infinity(), rows.first * pool.x.in + columns.first};
    for (int64_t row = rows.first; row < rows.end; ++row)
        for (int64_t column = columns.first; column < columns.end; ++column) {
            const int64_t at = row * pool.x.in + column;
            largest.take(load(plane[at]), at);
        }
    store(canonical(largest.value), out);
    *place = largest.place;
}

template <typename Element, typename T>
void adaptive_average(const PoolForward& task, const Element* plane, int64_t y, int64_t x, Element* out) {
    const Pool& pool = task.pool;
    const PoolWindow rows = window_of(pool.y, y, false), columns = window_of(pool.x, x, false);
    const int64_t count = rows.count * columns.count;
    // Numbers side by side.
    const T* numbers = nullptr;
    if constexpr (std::is_same_v<Element, T>) {
        if (columns.count == pool.x.in) numbers = plane + rows.first * pool.x.in;
    }
    if (numbers == nullptr) {
        T* to = static_cast<T*>(task.lines);
        numbers = to;
        for (int64_t row = rows.first; row < rows.end; ++row)
            for (int64_t column = columns.first; column < columns.end; ++column)
                *to++ = load(plane[row * pool.x.in + column]);
    }
    using L = std::conditional_t<std::is_same_v<T, float>, Lanes, Scalar64>;
    const T sum =
        sum_of<L>(count, [&](int64_t i) { return L::load(numbers + i); }, [&](int64_t i) { return numbers[i]; });
    store(canonical(sum / static_cast<T>(count)), out);
}

template <typename Element, typename T>
void pool_planes(const PoolForward& task) {
    const PoolAxis &y = task.pool.y, &x = task.pool.x;
    for (int64_t at = task.first; at < task.last; ++at) {
        const Element* const plane = static_cast<const Element*>(task.x) + at * y.in * x.in;
        Element* const out = static_cast<Element*>(task.out) + at * y.out * x.out;
        int64_t* const places = task.places + (task.kind == PoolKind::largest ? at * y.out * x.out : 0);
        for (int64_t row = 0; row < y.out; ++row) {
            const int64_t first = row * x.out;
            if (y.kernel != 0) {
                if (task.kind == PoolKind::largest) {
                    largest_row<Element, T>(task, plane, row, out + first, places + first);
                } else {
                    average_row<Element, T>(task, plane, row, out + first);
                }
                continue;
            }
            for (int64_t column = 0; column < x.out; ++column) {
                if (task.kind == PoolKind::largest) {
                    adaptive_largest<Element, T>(task.pool, plane, row, column, out + first + column,
                                                 places + first + column);
                } else {
                    adaptive_average<Element, T>(task, plane, row, column, out + first + column);
                }
            }
        }
    }
}

// Gradients of one plane, added where windows are.
template <typename Element, typename T>
bool add_gradients(const PoolBackward& task, int64_t at, T* sums) {
    const Pool& pool = task.pool;
    const int64_t positions = pool.y.out * pool.x.out, numbers = pool.y.in * pool.x.in;
    const Element* const gradient = static_cast<const Element*>(task.gradient) + at * positions;
    std::fill(sums, sums + numbers, T{0});
    if (task.kind == PoolKind::largest) {
        const int64_t* const places = task.places + at * positions;
        for (int64_t i = 0; i < positions; ++i) {
            if (static_cast<uint64_t>(places[i]) >= static_cast<uint64_t>(numbers)) return false;
            sums[places[i]] += load(gradient[i]);
        }
        return true;
    }
    for (int64_t y = 0; y < pool.y.out; ++y) {
        const PoolWindow rows = window_of(pool.y, y, pool.counts_padding);
        for (int64_t x = 0; x < pool.x.out; ++x) {
            const PoolWindow columns = window_of(pool.x, x, pool.counts_padding);
            const T share = load(gradient[y * pool.x.out + x]) / static_cast<T>(divisor_of(pool, rows, columns));
            for (int64_t row = rows.first; row < rows.end; ++row)
                for (int64_t column = columns.first; column < columns.end; ++column)
                    sums[row * pool.x.in + column] += share;
        }
    }
    return true;
}

template <typename Element, typename T>
bool spread_planes(const PoolBackward& task) {
    const int64_t numbers = task.pool.y.in * task.pool.x.in;
    for (int64_t at = task.first; at < task.last; ++at) {
        Element* const out = static_cast<Element*>(task.out) + at * numbers;
        T* sums;
        if constexpr (std::is_same_v<Element, T>) {
            sums = out;
        } else {
            sums = static_cast<T*>(task.sums);
        }
        if (!add_gradients<Element, T>(task, at, sums)) return false;
        for (int64_t i = 0; i < numbers; ++i) store(canonical(sums[i]), out + i);
    }
    return true;
}

void pool_forward(const PoolForward& task) {
    with_element(task.dtype, [&](auto element) { pool_planes<decltype(element), Wider<decltype(element)>>(task); });
}

// False: a place is outside of its plane.
bool pool_backward(const PoolBackward& task) {
    return with_element(task.dtype,
                        [&](auto element) { return spread_planes<decltype(element), Wider<decltype(element)>>(task); });
}

}  // namespace WITHIN_ISA
}  // namespace within
