// The CPU loops of matrix products: what the innermost loop reads is laid out as it reads it, where that pays, and
// tiles of the product are made one after another so that a block of both matrices stays in the caches (Goto and van de
// Geijn, "Anatomy of high-performance matrix multiplication", 2008).
#pragma once

#include "core/standard.h"
//
#include "core/nan.h"
#include "exact/elementwise.h"
#include "exact/matmul.h"
#include "exact/matmul_lines.h"
#include "exact/matmul_pack.h"
#include "exact/matmul_tile.h"

namespace within {
inline namespace WITHIN_ISA {

void unary_apply(const UnaryTask& task);  // exact/elementwise_loops.h, for this instruction set

static_assert(kBlockRows % kTileRows == 0 && kPanelColumns<float> <= kMostPanelColumns);

// Numbers between slivers of a, so that they begin in different sets of the first cache.
constexpr int64_t kBetweenSlivers = 16;

// Of k, so that a panel of b stays in the first cache.
constexpr int64_t kMostDepth = kRegisterBytes > 32 ? 256 : kBlockDepth;
static_assert(kMostDepth <= kBlockDepth);

// Slivers for which a panel of b is laid out rather than read where it lies.
constexpr int64_t kSliversOfPack = 3;

// Whether rows of a are read where they lie.
template <typename T>
bool is_read_in_place(const MatmulTile& task) {
    constexpr int64_t kFewPanels = 4, kPage = 4096;
    const int64_t row_bytes = task.a.row_step * static_cast<int64_t>(sizeof(T));
    if (!kReadsRows || task.depth == 0 || task.a.row_step <= 0 || task.a.column_step <= 0) return false;
    // Rows whole pages apart share few sets of the caches.
    return task.last - task.first <= kFewPanels || (task.a.column_step == 1 && row_bytes % kPage != 0);
}

// Rows [row, row_end) that lie side by side, all of them for one k after another.
template <typename T>
void copy_rows(const T* a, int64_t k_step, int64_t row, int64_t row_end, int64_t depth, T* packed) {
    constexpr int64_t kLine = 64 / sizeof(T);
    const int64_t sliver_step = depth * kTileRows + kBetweenSlivers;
    for (int64_t k = 0; k < depth; ++k, a += k_step, packed += kTileRows) {
        for (int64_t at = row; at < row_end; at += kLine) __builtin_prefetch(a + kAhead * k_step + at);
        T* sliver = packed;
        int64_t at = row;
        for (; at + kTileRows <= row_end; at += kTileRows, sliver += sliver_step)
            memcpy(sliver, a + at, kTileRows * sizeof(T));
        for (int64_t i = 0; at + i < row_end; ++i) sliver[i] = a[at + i];
    }
}

// Rows [row, row_end) and k in [from, to) of a, kTileRows rows a sliver: packed[sliver][k][row].
template <typename Element, typename T>
void pack_rows(const Matrix& a, int64_t row, int64_t row_end, int64_t from, int64_t to, T* packed) {
    const Element* const data = static_cast<const Element*>(a.data) + from * a.column_step;
    const int64_t sliver_step = (to - from) * kTileRows + kBetweenSlivers;
    if constexpr (std::is_same_v<Element, T>) {
        if (a.row_step == 1) return copy_rows(data, a.column_step, row, row_end, to - from, packed);
    }
    for (; row < row_end; row += kTileRows, packed += sliver_step)
        turn<kTileRows>(data + row * a.row_step, a.row_step, a.column_step, std::min<int64_t>(kTileRows, row_end - row),
                        to - from, packed);
}

// Columns [column, column + width) and k in [from, to) of b.
template <typename Element, typename T>
void pack_panel(const Matrix& b, int64_t column, int64_t width, int64_t from, int64_t to, T* packed) {
    turn<kPanelColumns<T>>(static_cast<const Element*>(b.data) + column * b.column_step + from * b.row_step,
                           b.column_step, b.row_step, width, to - from, packed);
}

// Columns side by side of panels [first, last), all whole: rows are read as they lie.
template <typename T>
void copy_panels(const PackPanels& task, int64_t first, int64_t last) {
    constexpr int64_t kWidth = kPanelColumns<T>, kTogether = 2;
    for (; first < last; first += kTogether) {
        const int64_t end = std::min(first + kTogether, last);
        for (int64_t k = 0; k < task.depth; ++k) {
            const T* const from = static_cast<const T*>(task.b.data) + k * task.b.row_step;
            // No hardware fetches ahead in steps of pages.
            for (int64_t panel = first; panel < end; ++panel)
                __builtin_prefetch(from + kAhead * task.b.row_step + panel * kWidth);
            T* to = static_cast<T*>(task.panels) + first * task.depth * kWidth + k * kWidth;
            for (int64_t panel = first; panel < end; ++panel, to += task.depth * kWidth)
                memcpy(to, from + panel * kWidth, kWidth * sizeof(T));
        }
    }
}

template <typename Element, typename T>
void pack_panels(const PackPanels& task) {
    constexpr int64_t kWidth = kPanelColumns<T>;
    int64_t panel = task.first;
    if constexpr (std::is_same_v<Element, T>) {
        if (task.b.column_step == 1) {
            panel = std::max(panel, std::min(task.last, task.columns / kWidth));
            copy_panels<T>(task, task.first, panel);
        }
    }
    for (; panel < task.last && task.depth > 0; ++panel) {
        const int64_t column = panel * kWidth;
        pack_panel<Element>(task.b, column, std::min(kWidth, task.columns - column), 0, task.depth,
                            static_cast<T*>(task.panels) + column * task.depth);
    }
}

// Adds the bias to a row of sums, makes every NaN the same, and writes what is stored.
template <typename Element, typename T>
void finish_row(const T* sums, int64_t count, const T* bias, Element* out) {
    for (int64_t j = 0; j < count; ++j) {
        store(canonical(bias == nullptr ? sums[j] : sums[j] + bias[j]), out + j);
    }
}

// The same of eight rows that are columns of what is stored, or fewer.
template <typename Element, typename T>
void finish_turned(const T* sums, int64_t step, int64_t rows, int64_t count, const T* bias, Element* out,
                   int64_t out_step) {
    constexpr int64_t kTogether = 16;
    T some[8 * kTogether];
    for (int64_t from = 0; from < count; from += kTogether) {
        const int64_t width = std::min(kTogether, count - from);
        turn<8>(sums + from, step, 1, rows, width, some);
        for (int64_t i = 0; i < width; ++i) finish_row(some + i * 8, rows, bias, out + (from + i) * out_step);
    }
}

// Where the sums of a task are while k goes on.
template <typename T>
struct Sums {
    T* data;
    int64_t step;
};

// Where rows of a block of a are, kTileRows a sliver.
template <typename T>
struct Slivers {
    const T* a;
    int64_t step;
    int64_t row_step;
    int64_t k_step;
};

template <typename Element, typename T>
Slivers<T> slivers_of(const MatmulTile& task, int64_t from, int64_t to) {
    if constexpr (std::is_same_v<Element, T>) {
        const Matrix& a = task.a;
        if (is_read_in_place<T>(task))
            return {static_cast<const T*>(a.data) + task.row * a.row_step + from * a.column_step,
                    kTileRows * a.row_step, a.row_step, a.column_step};
    }
    T* const packed = static_cast<T*>(task.packed);
    if (task.depth > 0) pack_rows<Element>(task.a, task.row, task.row_end, from, to, packed);
    return {packed, (to - from) * kTileRows + kBetweenSlivers, 1, kTileRows};
}

// Gives a tile its panel of b; whether it still has to be laid out in `packed`.
template <typename Element, typename T>
bool take_panel(const MatmulTile& task, int64_t column, int64_t width, int64_t from, T* packed, Tile<T>* tile) {
    constexpr int64_t kWidth = kPanelColumns<T>;
    tile->b = packed;
    tile->b_k = kWidth;
    if (task.depth == 0) return false;
    if (task.panels != nullptr) {
        tile->b = static_cast<const T*>(task.panels) + column * task.depth + from * kWidth;
        return false;
    }
    if constexpr (std::is_same_v<Element, T>) {
        if (width == kWidth && task.b.column_step == 1) {
            tile->b = static_cast<const T*>(task.b.data) + from * task.b.row_step + column;
            tile->b_k = task.b.row_step;
            return task.row_end - task.row >= kSliversOfPack * kTileRows;
        }
    }
    pack_panel<Element>(task.b, column, width, from, from + tile->depth, packed);
    return false;
}

// One panel for all rows; `width` of its columns are.
template <typename T>
void multiply_panel(const Slivers<T>& slivers, int64_t rows, int64_t width, const Sums<T>& sums, bool is_to_pack,
                    T* packed, Tile<T> tile) {
    tile.a_row = slivers.row_step;
    tile.a_k = slivers.k_step;
    tile.packed = packed;
    tile.step = sums.step;
    for (int64_t row = 0; row < rows; row += kTileRows) {
        const int64_t count = std::min<int64_t>(kTileRows, rows - row);
        tile.a = slivers.a + row / kTileRows * slivers.step;
        tile.sums = sums.data + row * sums.step;
        if (is_to_pack) {
            multiply_and_pack<T>(tile);
            tile.b = packed;
            tile.b_k = kPanelColumns<T>;
            is_to_pack = false;
        } else if (width <= Wide<T>::kCount) {
            multiply_rows<T, 1>(count, tile);
        } else {
            multiply_rows<T, kTileRegisters>(count, tile);
        }
    }
}

// The same where there is no room beyond the last column.
template <typename T>
void multiply_edge(const Slivers<T>& slivers, int64_t rows, int64_t width, const Sums<T>& sums, Tile<T> tile) {
    constexpr int64_t kWidth = kPanelColumns<T>;
    alignas(64) T edge[kTileRows * kWidth], bias[kWidth] = {};
    if (tile.bias != nullptr && tile.is_last) {
        std::copy(tile.bias, tile.bias + width, bias);
        tile.bias = bias;
    }
    for (int64_t row = 0; row < rows; row += kTileRows) {
        const int64_t count = std::min<int64_t>(kTileRows, rows - row);
        T* const at = sums.data + row * sums.step;
        if (!tile.is_first)
            for (int64_t i = 0; i < count; ++i)
                std::copy(at + i * sums.step, at + i * sums.step + width, edge + i * kWidth);
        const Slivers<T> own{slivers.a + row / kTileRows * slivers.step, 0, slivers.row_step, slivers.k_step};
        multiply_panel<T>(own, count, width, {edge, kWidth}, false, nullptr, tile);
        for (int64_t i = 0; i < count; ++i) std::copy(edge + i * kWidth, edge + i * kWidth + width, at + i * sums.step);
    }
}

// is_direct: sums are written where the product is stored, finished, and no wider than it is.
template <typename Element, typename T>
void multiply_sums(const MatmulTile& task, const Sums<T>& sums, bool is_direct) {
    constexpr int64_t kWidth = kPanelColumns<T>;
    const int64_t rows = task.row_end - task.row, columns = std::min(task.last * kWidth, task.columns);
    const int64_t blocks = std::max<int64_t>(1, (task.depth + kMostDepth - 1) / kMostDepth);
    const int64_t block = (task.depth + blocks - 1) / blocks;
    T* const packed = static_cast<T*>(task.packed) + kPackedRows;
    for (int64_t index = 0; index < blocks; ++index) {
        const int64_t from = index * block, to = std::min(from + block, task.depth);
        Tile<T> tile{};
        tile.depth = to - from;
        tile.is_first = index == 0;
        tile.is_last = index + 1 == blocks && is_direct;
        const Slivers<T> slivers = slivers_of<Element, T>(task, from, to);
        for (int64_t column = task.first * kWidth; column < columns; column += kWidth) {
            const int64_t width = std::min(kWidth, columns - column);
            const bool is_to_pack = take_panel<Element>(task, column, width, from, packed, &tile);
            tile.bias = task.bias == nullptr ? nullptr : static_cast<const T*>(task.bias) + column;
            const Sums<T> own{sums.data + column - task.first * kWidth, sums.step};
            if (is_direct && width < kWidth) {
                multiply_edge(slivers, rows, width, own, tile);
            } else {
                multiply_panel(slivers, rows, width, own, is_to_pack, packed, tile);
            }
        }
    }
}

// One row: a few rows of b at a time, as they lie, while its sums stay in the first cache.
template <typename T>
void multiply_row(const MatmulTile& task, T* out, int64_t count) {
    using W = Wide<T>;
    constexpr int kTogether = 4;
    constexpr int64_t kSums = 16384 / sizeof(T);
    const T* const a = static_cast<const T*>(task.a.data) + task.row * task.a.row_step;
    const int64_t first = task.first * kPanelColumns<T>, a_k = task.a.column_step, b_k = task.b.row_step;
    const T* const bias = static_cast<const T*>(task.bias);
    for (int64_t from = 0; from < count; from += kSums) {
        const int64_t width = std::min(kSums, count - from);
        T* const sums = out + from;
        std::fill(sums, sums + width, T{0});
        for (int64_t k = 0; k < task.depth;) {
            const T* const b = static_cast<const T*>(task.b.data) + k * b_k + first + from;
            const int64_t together = k + kTogether <= task.depth ? kTogether : 1;
            int64_t j = 0;
            if (together == kTogether) {
                typename W::Register factor[kTogether];
#pragma GCC unroll 4
                for (int i = 0; i < kTogether; ++i) factor[i] = W::all(a[(k + i) * a_k]);
                for (; j + W::kCount <= width; j += W::kCount) {
                    auto sum = W::load(sums + j);
#pragma GCC unroll 4
                    for (int i = 0; i < kTogether; ++i) sum = W::fused(factor[i], W::load(b + i * b_k + j), sum);
                    W::store(sums + j, sum);
                }
            }
            for (; j < width; ++j)
                for (int64_t i = 0; i < together; ++i) sums[j] = std::fma(a[(k + i) * a_k], b[i * b_k + j], sums[j]);
            k += together;
        }
        finish_row(sums, width, bias == nullptr ? nullptr : bias + first + from, sums);
    }
}

// Numbers [begin, end) of what a task gives.
template <typename Task>
void activate(const Task& task, int64_t begin, int64_t end) {
    unary_apply({task.activation, task.dtype, 0, 0, nullptr, task.before == nullptr ? task.out : task.before, begin,
                 end, task.out});
}

template <typename Element, typename T>
void multiply(const MatmulTile& task) {
    constexpr int64_t kWidth = kPanelColumns<T>;
    const int64_t rows = task.row_end - task.row, first = task.first * kWidth;
    const int64_t columns = std::min(task.last * kWidth, task.columns) - first;
    Element* const given = static_cast<Element*>(task.before == nullptr ? task.out : task.before);
    const T* const bias = static_cast<const T*>(task.bias);
    const int64_t out_step = task.is_turned ? task.rows : task.columns;
    const int64_t at = task.is_turned ? first * out_step + task.row : task.row * out_step + first;
    const Sums<T> sums{static_cast<T*>(task.sums), (task.last - task.first) * kWidth};
    if (task.is_turned) {
        multiply_sums<Element>(task, sums, false);
        for (int64_t row = 0; row < rows; row += 8)
            finish_turned(sums.data + row * sums.step, sums.step, std::min<int64_t>(8, rows - row), columns,
                          bias == nullptr ? nullptr : bias + task.row + row, given + at + row, out_step);
    } else if constexpr (std::is_same_v<Element, T>) {
        if (rows == 1 && task.panels == nullptr && task.b.column_step == 1 && task.depth > 0) {
            multiply_row(task, given + at, columns);
        } else {
            multiply_sums<Element>(task, Sums<T>{given + at, out_step}, true);
        }
    } else {
        multiply_sums<Element>(task, sums, false);
        for (int64_t row = 0; row < rows; ++row)
            finish_row(sums.data + row * sums.step, columns, bias == nullptr ? nullptr : bias + first,
                       given + at + row * out_step);
    }
    if (!task.is_activated) return;
    const int64_t lines = task.is_turned ? columns : rows, width = task.is_turned ? rows : columns;
    for (int64_t line = 0; line < lines; ++line) activate(task, at + line * out_step, at + line * out_step + width);
}

template <typename T>
void multiply_vector(const MatmulLines& task) {
    multiply_lines(task, static_cast<T*>(task.before == nullptr ? task.out : task.before));
    if (task.is_activated) activate(task, task.begin, task.end);
}

int64_t matmul_panel_columns(bool is_double) { return is_double ? kPanelColumns<double> : kPanelColumns<float>; }

void matmul_pack(const PackPanels& task) {
    with_element(task.dtype, [&](auto element) { pack_panels<decltype(element), Wider<decltype(element)>>(task); });
}

void matmul_tile(const MatmulTile& task) {
    with_element(task.dtype, [&](auto element) { multiply<decltype(element), Wider<decltype(element)>>(task); });
}

void matmul_lines(const MatmulLines& task) {
    if (task.dtype == Dtype::float64) {
        multiply_vector<double>(task);
    } else {
        multiply_vector<float>(task);
    }
}

}  // namespace WITHIN_ISA
}  // namespace within
