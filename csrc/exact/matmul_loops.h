// The CPU loops of matrix products: panels of both matrices are laid out as the innermost loop reads them, and a tile
// of the product stays in registers while k goes upwards (Goto and van de Geijn, "Anatomy of high-performance matrix
// multiplication", 2008).
#pragma once

#include "core/standard.h"
//
#include "exact/matmul.h"
#include "exact/matmul_pack.h"
#include "exact/matmul_tile.h"

namespace within {
inline namespace WITHIN_ISA {

static_assert(kBlockRows % kTileRows == 0);

// `count` rows of a panel's width: sums += a b over `depth` values of k. a is packed, kTileRows a step of k.
template <typename T>
void multiply_panel(int64_t count, const T* a, const T* b, int64_t depth, T* sums, int64_t step, bool is_first) {
    multiply_rows<T, kTileRegisters>(
        count, {a, 1, kTileRows, b, kPanelColumns<T>, depth, sums, step, is_first, false, nullptr});
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
                    multiply_panel<T>(count, a, b, depth, tile, step, from == 0);
                    continue;
                }
                if (from > 0)
                    for (int64_t i = 0; i < count; ++i)
                        std::copy(tile + i * step, tile + i * step + width, edge + i * kWidth);
                multiply_panel<T>(count, a, b, depth, edge, kWidth, from == 0);
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
