// The CPU loops of convolutions whose groups have one input channel: registers lie along the width.
#pragma once

#include "core/standard.h"
//
#include "exact/convolution_loops.h"
#include "exact/depthwise.h"

namespace within {
inline namespace WITHIN_ISA {

// Writes `count` numbers of a register, each NaN the same; `room` numbers from `to` on are this plane's, and what is
// written over among them is written later.
template <typename Element, typename T>
inline void write_register(typename Wide<T>::Register value, int64_t count, int64_t room, Element* to) {
    using W = Wide<T>;
    value = W::canonical(value);
    if constexpr (std::is_same_v<Element, T>) {
        if (room >= W::kCount) return W::store(to, value);
    }
    T numbers[W::kCount];
    W::store(numbers, value);
    for (int64_t i = 0; i < std::min<int64_t>(count, W::kCount); ++i) store(numbers[i], to + i);
}

// Of a square kernel: `rows` rows of `wide` registers of positions. Each number that is read serves all rows that it
// reaches; for each of them taps come in their order, as rows of numbers go up, or, turned, down.
template <typename T, int kernel, int step, bool is_turned, int rows, int wide>
inline void depthwise_block(const T* plane, int64_t row_length, const int64_t* column_offsets, const T* weights,
                            typename Wide<T>::Register (&sums)[rows][wide]) {
    using W = Wide<T>;
    constexpr int kRows = (rows - 1) * step + kernel;
#pragma GCC unroll 8
    for (int r = 0; r < rows; ++r) {
#pragma GCC unroll 8
        for (int j = 0; j < wide; ++j) sums[r][j] = typename W::Register{};
    }
#pragma GCC unroll 16
    for (int at = 0; at < kRows; ++at) {
        const int i = is_turned ? kRows - 1 - at : at;
        const T* const line = plane + i * row_length;
#pragma GCC unroll 8
        for (int column = 0; column < kernel; ++column) {
            typename W::Register numbers[wide];
#pragma GCC unroll 8
            for (int j = 0; j < wide; ++j) numbers[j] = W::load(line + column_offsets[column] + j * W::kCount);
#pragma GCC unroll 8
            for (int r = 0; r < rows; ++r) {
                const int row = is_turned ? r + kernel - 1 - i : i - r * step;
                if (row < 0 || row >= kernel) continue;
                const auto weight = W::all(weights[row * kernel + column]);
#pragma GCC unroll 8
                for (int j = 0; j < wide; ++j) sums[r][j] = W::fused(weight, numbers[j], sums[r][j]);
            }
        }
    }
}

template <typename Element, typename T, int kernel, int step, bool is_turned, int rows, int wide>
inline void depthwise_write(const Depthwise& task, const T* plane, const T* weights, typename Wide<T>::Register bias,
                            int64_t y, int64_t x, Element* out) {
    using W = Wide<T>;
    typename W::Register sums[rows][wide];
    const int64_t row_length = task.layout.row;
    depthwise_block<T, kernel, step, is_turned, rows, wide>(plane + y * step * row_length + x, row_length,
                                                            task.column_offsets, weights, sums);
#pragma GCC unroll 8
    for (int r = 0; r < rows; ++r) {
        const int64_t at = (y + r) * task.width + x;
#pragma GCC unroll 8
        for (int j = 0; j < wide; ++j) {
            const auto value = task.bias == nullptr ? sums[r][j] : sums[r][j] + bias;
            const int64_t place = at + j * W::kCount;
            write_register<Element, T>(value, task.width - x - j * W::kCount, task.height * task.width - place,
                                       out + place);
        }
    }
}

// A plane, where a row is at least a register or none but the last register of a row is cut: the last one then starts
// earlier, and gives some numbers again.
template <typename Element, typename T, int kernel, int step, bool is_turned>
void depthwise_square(const Depthwise& task, const T* plane, const T* weights, T bias, Element* out) {
    using W = Wide<T>;
    constexpr int64_t kCount = W::kCount, kWide = 4, kRows = 4, kFew = 2;
    const auto added = W::all(bias);
    // 16-bit numbers are written as many as there are.
    const bool is_early = std::is_same_v<Element, T> && task.width >= kCount;
    int64_t x = 0;
    for (; x + kWide * kCount <= task.width; x += kWide * kCount) {
        int64_t y = 0;
        for (; y + kFew <= task.height; y += kFew)
            depthwise_write<Element, T, kernel, step, is_turned, kFew, kWide>(task, plane, weights, added, y, x, out);
        for (; y < task.height; ++y)
            depthwise_write<Element, T, kernel, step, is_turned, 1, kWide>(task, plane, weights, added, y, x, out);
    }
    for (; x < task.width; x += kCount) {
        if (is_early && x + kCount > task.width) x = task.width - kCount;
        int64_t y = 0;
        for (; y + kRows <= task.height; y += kRows)
            depthwise_write<Element, T, kernel, step, is_turned, kRows, 1>(task, plane, weights, added, y, x, out);
        for (; y < task.height; ++y)
            depthwise_write<Element, T, kernel, step, is_turned, 1, 1>(task, plane, weights, added, y, x, out);
    }
}

template <typename Element, typename T, int kernel>
void depthwise_plane(const Depthwise& task, const T* plane, const T* weights, T bias, Element* out) {
    if (task.is_turned) return depthwise_square<Element, T, kernel, 1, true>(task, plane, weights, bias, out);
    if (task.row_step == 1) return depthwise_square<Element, T, kernel, 1, false>(task, plane, weights, bias, out);
    depthwise_square<Element, T, kernel, 2, false>(task, plane, weights, bias, out);
}

// A row of any taps; as many numbers more are written as fill registers.
template <typename T>
void depthwise_line(const T* from, const DepthwisePhase& phase, const T* weights, T* to) {
    using W = Wide<T>;
    constexpr int kTogether = 4;
    for (int64_t x = 0; x < phase.width; x += kTogether * W::kCount) {
        typename W::Register sums[kTogether] = {};
        for (int64_t t = 0; t < phase.taps; ++t) {
            const auto weight = W::all(weights[phase.which[t]]);
            const T* const numbers = from + phase.offsets[t] + x;
#pragma GCC unroll 4
            for (int j = 0; j < kTogether; ++j) sums[j] = W::fused(weight, W::load(numbers + j * W::kCount), sums[j]);
        }
#pragma GCC unroll 4
        for (int j = 0; j < kTogether; ++j) W::store(to + x + j * W::kCount, sums[j]);
    }
}

template <typename Element, typename T>
inline void finish_number(T value, const T* bias, Element* to) {
    if (bias != nullptr) value += *bias;
    store(value == value ? value : std::numeric_limits<T>::quiet_NaN(), to);
}

// Row y of out, of lines that hold every column_phases-th number each.
template <typename Element, typename T>
void depthwise_row(const Depthwise& task, const T* planes, const T* weights, const T* bias, int64_t y, Element* out) {
    const int64_t step = task.column_phases, line = task.width + kDepthwiseSlack;
    T* const lines = static_cast<T*>(task.lines);
    const T* const from = planes + y / task.row_phases * task.row_step * task.layout.row;
    for (int64_t phase = 0; phase < step; ++phase)
        depthwise_line(from, task.phases[y % task.row_phases * step + phase], weights, lines + phase * line);
    int64_t x = 0;
    if (step == 2) {
        for (; x + 1 < task.width; x += 2) {
            finish_number(lines[x / 2], bias, out + x);
            finish_number(lines[line + x / 2], bias, out + x + 1);
        }
    }
    for (; x < task.width; ++x) finish_number(lines[x % step * line + x / step], bias, out + x);
}

template <typename Element, typename T>
void depthwise(const Depthwise& task) {
    T* const planes = static_cast<T*>(task.planes);
    std::fill(planes, planes + task.sources * task.layout.plane + kDepthwiseSlack, T{0});
    const Images& images = task.images;
    for (int64_t at = task.first; at < task.last; ++at) {
        const int64_t n = at / task.groups, group = at % task.groups;
        for (int64_t s = 0; s < task.sources; ++s)
            lay_out_plane(
                static_cast<const Element*>(images.data) + n * images.image + (group * task.sources + s) * images.plane,
                images.row, images.column, task.layout, planes + s * task.layout.plane);
        for (int64_t target = 0; target < task.targets; ++target) {
            const int64_t plane = group * task.targets + target;
            const T* const weights = static_cast<const T*>(task.weights) + plane * task.taps;
            const T* const bias = task.bias == nullptr ? nullptr : static_cast<const T*>(task.bias) + plane;
            Element* const out =
                static_cast<Element*>(task.out) + (at * task.targets + target) * task.height * task.width;
            if constexpr (sizeof(T) == sizeof(float)) {
                const T added = bias == nullptr ? T{0} : *bias;
                if (task.kernel == DepthwiseKernel::three) {
                    depthwise_plane<Element, T, 3>(task, planes, weights, added, out);
                    continue;
                }
                if (task.kernel == DepthwiseKernel::five) {
                    depthwise_plane<Element, T, 5>(task, planes, weights, added, out);
                    continue;
                }
            }
            for (int64_t y = 0; y < task.height; ++y)
                depthwise_row(task, planes, weights, bias, y, out + y * task.width);
        }
    }
}

void convolution_depthwise(const Depthwise& task) {
    with_element(task.dtype, [&](auto element) { depthwise<decltype(element), Wider<decltype(element)>>(task); });
}

}  // namespace WITHIN_ISA
}  // namespace within
