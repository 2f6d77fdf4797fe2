// The CPU loops of matrix products: panels of both matrices are laid out as the innermost loop reads them, and a tile
// of the product stays in registers while k goes upwards (Goto and van de Geijn, "Anatomy of high-performance matrix
// multiplication", 2008).
#pragma once

#include "core/standard.h"
//
#include "core/wide.h"
#include "exact/matmul.h"

namespace within {
inline namespace WITHIN_ISA {

#if defined(WITHIN_AVX512)
constexpr int kTileRows = 12;
#elif defined(WITHIN_AVX2)
constexpr int kTileRows = 6;
#else
constexpr int kTileRows = 4;
#endif
constexpr int kTileRegisters = 2;  // side by side
template <typename T>
constexpr int kPanelColumns = kTileRegisters * Wide<T>::kCount;
static_assert(kBlockRows % kTileRows == 0);

// `rows` rows of a panel's width: sums += a b over `depth` values of k. a is packed, kTileRows a step of k.
template <typename T, int rows>
inline void multiply_tile(const T* __restrict a, const T* __restrict b, int64_t depth, T* __restrict sums, int64_t step,
                          bool is_first) {
    using W = Wide<T>;
    typename W::Register sum[rows][kTileRegisters];
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 4
        for (int j = 0; j < kTileRegisters; ++j)
            sum[i][j] = is_first ? typename W::Register{} : W::load(sums + i * step + j * W::kCount);
    }
    for (int64_t k = 0; k < depth; ++k) {
        typename W::Register column[kTileRegisters];
#pragma GCC unroll 4
        for (int j = 0; j < kTileRegisters; ++j) column[j] = W::load(b + j * W::kCount);
#pragma GCC unroll 16
        for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 4
            for (int j = 0; j < kTileRegisters; ++j) sum[i][j] = W::fused(W::all(a[i]), column[j], sum[i][j]);
        }
        a += kTileRows;
        b += kPanelColumns<T>;
    }
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 4
        for (int j = 0; j < kTileRegisters; ++j) W::store(sums + i * step + j * W::kCount, sum[i][j]);
    }
}

template <typename T, int rows = kTileRows>
inline void multiply_rows(int64_t count, const T* a, const T* b, int64_t depth, T* sums, int64_t step, bool is_first) {
    if constexpr (rows > 1) {
        if (count < rows) return multiply_rows<T, rows - 1>(count, a, b, depth, sums, step, is_first);
    }
    multiply_tile<T, rows>(a, b, depth, sums, step, is_first);
}

#if defined(WITHIN_AVX2)
// Numbers [at, at + 8) of eight lines, as eight rows of `to`.
inline void turn_eight(const float* const* lines, int64_t at, float* to, int64_t step) {
    __m256 line[8], pair[8], four[8];
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) line[i] = _mm256_loadu_ps(lines[i] + at);
#pragma GCC unroll 4
    for (int i = 0; i < 8; i += 2) {
        pair[i] = _mm256_unpacklo_ps(line[i], line[i + 1]);
        pair[i + 1] = _mm256_unpackhi_ps(line[i], line[i + 1]);
    }
#pragma GCC unroll 2
    for (int i = 0; i < 8; i += 4) {
        four[i] = _mm256_shuffle_ps(pair[i], pair[i + 2], 0x44);
        four[i + 1] = _mm256_shuffle_ps(pair[i], pair[i + 2], 0xee);
        four[i + 2] = _mm256_shuffle_ps(pair[i + 1], pair[i + 3], 0x44);
        four[i + 3] = _mm256_shuffle_ps(pair[i + 1], pair[i + 3], 0xee);
    }
    // Upwards: what one store has too many the next writes over.
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) _mm256_storeu_ps(to + i * step, _mm256_permute2f128_ps(four[i], four[i + 4], 0x20));
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i)
        _mm256_storeu_ps(to + (i + 4) * step, _mm256_permute2f128_ps(four[i], four[i + 4], 0x31));
}
#endif

// Lines of `length` numbers that lie `line_step` apart, side by side: to[i * width + line]. What is beyond the last
// line is of no matter.
template <int width, typename Element, typename T>
void turn(const Element* from, int64_t line_step, int64_t number_step, int64_t lines, int64_t length, T* to) {
    int64_t i = 0;
#if defined(WITHIN_AVX2)
    if constexpr (std::is_same_v<Element, float>) {
        // The last eight are written one by one where a store has too many.
        constexpr int64_t kTogether = 8;
        const int64_t last = length - (width < kTogether ? kTogether : 0);
        for (; number_step == 1 && i + kTogether <= last; i += kTogether) {
            constexpr int kRounds = (width + 7) / 8;
            for (int round = 0; round < kRounds; ++round) {
                const int first = round + 1 < kRounds || width < 8 ? round * 8 : width - 8;
                const float* at[kTogether];
                for (int line = 0; line < kTogether; ++line)
                    at[line] = from + std::min<int64_t>(first + line, lines - 1) * line_step;
                turn_eight(at, i, to + i * width + first, width);
            }
        }
    }
#endif
    // A few numbers of each line at a time, so that what is written stays in the cache.
    constexpr int64_t kNumbers = 16;
    for (; i < length; i += kNumbers) {
        const int64_t end = std::min(i + kNumbers, length);
        for (int64_t line = 0; line < lines; ++line)
            for (int64_t at = i; at < end; ++at)
                to[at * width + line] = load(from[line * line_step + at * number_step]);
    }
}

// Rows [row, row_end) and k in [from, to) of a, kTileRows rows a sliver: packed[sliver][k][row].
template <typename Element, typename T>
void pack_rows(const Matrix& a, int64_t row, int64_t row_end, int64_t from, int64_t to, T* packed) {
    const Element* const data = static_cast<const Element*>(a.data) + from * a.column_step;
    for (; row < row_end; row += kTileRows, packed += (to - from) * kTileRows)
        turn<kTileRows>(data + row * a.row_step, a.row_step, a.column_step, std::min<int64_t>(kTileRows, row_end - row),
                        to - from, packed);
}

template <typename Element, typename T>
void pack_panels(const PackPanels& task) {
    constexpr int64_t kWidth = kPanelColumns<T>;
    const int64_t row_step = task.b.row_step, column_step = task.b.column_step;
    for (int64_t panel = task.first; panel < task.last && task.depth > 0; ++panel) {
        T* const to = static_cast<T*>(task.panels) + panel * task.depth * kWidth;
        const Element* const from = static_cast<const Element*>(task.b.data) + panel * kWidth * column_step;
        const int64_t width = std::min(kWidth, task.columns - panel * kWidth);
        if (row_step < column_step) {
            turn<kWidth>(from, column_step, row_step, width, task.depth, to);
            continue;
        }
        for (int64_t k = 0; k < task.depth; ++k)
            for (int64_t j = 0; j < width; ++j) to[k * kWidth + j] = load(from[k * row_step + j * column_step]);
    }
}

// Adds the bias to a row of sums, makes every NaN the same, and writes what is stored.
template <typename Element, typename T>
void finish_row(const T* sums, int64_t count, const T* bias, Element* out) {
    using W = Wide<T>;
    int64_t j = 0;
    if constexpr (std::is_same_v<Element, T>) {
        for (; j + W::kCount <= count; j += W::kCount) {
            auto value = W::load(sums + j);
            if (bias != nullptr) value += W::load(bias + j);
            W::store(out + j, W::canonical(value));
        }
    }
    for (; j < count; ++j) {
        const T value = bias == nullptr ? sums[j] : sums[j] + bias[j];
        store(value == value ? value : std::numeric_limits<T>::quiet_NaN(), out + j);
    }
}

template <typename Element, typename T>
void multiply(const MatmulTile& task) {
    constexpr int64_t kWidth = kPanelColumns<T>;
    constexpr bool kIsDirect = std::is_same_v<Element, T>;
    const int64_t rows = task.row_end - task.row, first = task.first * kWidth;
    const int64_t columns = std::min(task.last * kWidth, task.columns) - first;
    T *sums, *const packed = static_cast<T*>(task.packed);
    int64_t step;
    if constexpr (kIsDirect) {
        step = task.columns;
        sums = static_cast<T*>(task.out) + task.row * step + first;
    } else {
        step = (task.last - task.first) * kWidth;
        sums = static_cast<T*>(task.sums);
    }
    const bool has_edge = kIsDirect && columns % kWidth != 0;
    alignas(64) T edge[kTileRows * kWidth];
    for (int64_t from = 0; from < task.depth; from += kBlockDepth) {
        const int64_t depth = std::min(kBlockDepth, task.depth - from);
        pack_rows<Element>(task.a, task.row, task.row_end, from, from + depth, packed);
        for (int64_t panel = task.first; panel < task.last; ++panel) {
            const T* const b = static_cast<const T*>(task.panels) + (panel * task.depth + from) * kWidth;
            const int64_t column = panel * kWidth - first;
            const bool is_edge = has_edge && panel + 1 == task.last;
            const int64_t width = is_edge ? columns - column : kWidth;
            for (int64_t row = 0; row < rows; row += kTileRows) {
                const int64_t count = std::min<int64_t>(kTileRows, rows - row);
                const T* const a = packed + row * depth;
                T* const tile = sums + row * step + column;
                if (!is_edge) {
                    multiply_rows<T>(count, a, b, depth, tile, step, from == 0);
                    continue;
                }
                if (from > 0)
                    for (int64_t i = 0; i < count; ++i)
                        std::copy(tile + i * step, tile + i * step + width, edge + i * kWidth);
                multiply_rows<T>(count, a, b, depth, edge, kWidth, from == 0);
                for (int64_t i = 0; i < count; ++i)
                    std::copy(edge + i * kWidth, edge + i * kWidth + width, tile + i * step);
            }
        }
    }
    const T* const bias = task.bias == nullptr ? nullptr : static_cast<const T*>(task.bias) + first;
    for (int64_t row = 0; row < rows; ++row) {
        T* const line = sums + row * step;
        if (task.depth == 0) std::fill(line, line + columns, T{0});
        finish_row(line, columns, bias, static_cast<Element*>(task.out) + (task.row + row) * task.columns + first);
    }
}

int64_t matmul_panel_columns(bool is_double) { return is_double ? kPanelColumns<double> : kPanelColumns<float>; }

void matmul_pack(const PackPanels& task) {
    with_element(task.dtype, [&](auto element) { pack_panels<decltype(element), Wider<decltype(element)>>(task); });
}

void matmul_tile(const MatmulTile& task) {
    with_element(task.dtype, [&](auto element) { multiply<decltype(element), Wider<decltype(element)>>(task); });
}

}  // namespace WITHIN_ISA
}  // namespace within
