// Small products that stay in registers, and rows laid out for them: queries side by side in the lanes.
#pragma once

#include "core/standard.h"
//
#include "core/nan.h"
#include "exact/matmul_pack.h"
#include "exact/matmul_tile.h"
//
#include "exact/attention.h"

namespace within {
inline namespace WITHIN_ISA {

// Where a(i, k) of a product lies: k side by side, or i.
enum class Along { depth, rows };

// What chains begin with.
enum class Start { zero, sums, scaled };

template <typename T>
struct Product {
    int64_t rows;
    const T* a;
    int64_t a_step;
    const T* b;  // b_step from k to k
    int64_t b_step;
    int64_t depth;
    T* sums;  // step from row to row
    int64_t step;
    const T* scales = nullptr;  // of each lane, where chains begin with scaled sums
    int64_t first_lane = 0;     // on an edge lane l has k up to l - first_lane alone
};

template <typename T>
inline typename Wide<T>::Register lane_numbers(int64_t from) {
    using W = Wide<T>;
    typename W::Register lanes;
    for (int l = 0; l < W::kCount; ++l) lanes[l] = static_cast<T>(from + l);
    return lanes;
}

// sums[i][lane] = fma(a(i, k), b[k][lane], sums[i][lane]), k upwards, of `rows` rows.
template <typename T, Along along, Start start, bool is_edge, int registers, int rows>
inline void product_tile(const Product<T>& of) {
    using W = Wide<T>;
    typename W::Register sum[rows][registers], lane[registers];
    const T *a = of.a, *b = of.b;
    const int64_t a_step = of.a_step, b_step = of.b_step, depth = of.depth;
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 4
        for (int j = 0; j < registers; ++j) {
            sum[i][j] = typename W::Register{};
            if constexpr (start != Start::zero) sum[i][j] = W::load(of.sums + i * of.step + j * W::kCount);
            if constexpr (start == Start::scaled) sum[i][j] *= W::load(of.scales + j * W::kCount);
        }
    }
    if constexpr (is_edge)
        for (int j = 0; j < registers; ++j) lane[j] = lane_numbers<T>(j * W::kCount - of.first_lane);
    for (int64_t k = 0; k < depth; ++k) {
        typename W::Register column[registers];
#pragma GCC unroll 4
        for (int j = 0; j < registers; ++j) column[j] = W::load(b + j * W::kCount);
#pragma GCC unroll 16
        for (int i = 0; i < rows; ++i) {
            const auto number = W::all(along == Along::depth ? a[i * a_step + k] : a[i]);
#pragma GCC unroll 4
            for (int j = 0; j < registers; ++j) {
                const auto next = W::fused(number, column[j], sum[i][j]);
                if constexpr (is_edge) {
                    sum[i][j] = lane[j] >= W::all(static_cast<T>(k)) ? next : sum[i][j];
                } else {
                    sum[i][j] = next;
                }
            }
        }
        b += b_step;
        if constexpr (along == Along::rows) a += a_step;
    }
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 4
        for (int j = 0; j < registers; ++j) W::store(of.sums + i * of.step + j * W::kCount, sum[i][j]);
    }
}

template <typename T, Along along, Start start, bool is_edge, int registers, int rows = kTileRows>
inline void product_rows(const Product<T>& of) {
    if constexpr (rows > 1) {
        if (of.rows < rows) return product_rows<T, along, start, is_edge, registers, rows - 1>(of);
    }
    product_tile<T, along, start, is_edge, registers, rows>(of);
}

// Calls work(row, rows) for shares of all rows that a tile has room for, of about the same size.
template <typename Work>
inline void for_each_sliver(int64_t rows, const Work& work) {
    const int64_t slivers = (rows + kTileRows - 1) / kTileRows;
    const int64_t least = slivers > 0 ? rows / slivers : 0, more = rows - least * slivers;
    for (int64_t s = 0, row = 0; s < slivers; ++s) {
        const int64_t count = least + (s < more ? 1 : 0);
        work(row, count);
        row += count;
    }
}

template <typename T, Along along, Start start, bool is_edge = false>
void product(const Product<T>& of) {
    for_each_sliver(of.rows, [&](int64_t row, int64_t rows) {
        Product<T> part = of;
        part.rows = rows;
        part.a += row * (along == Along::depth ? of.a_step : 1);
        part.sums += row * of.step;
        product_rows<T, along, start, is_edge, kTileRegisters>(part);
    });
}

// Rows as numbers of T that lie side by side.
template <typename T>
struct Rows {
    const T* data;
    int64_t step;
};

// As they are, or copied.
template <typename Element, typename T>
Rows<T> rows_of(const Matrix& from, int64_t row, int64_t count, int64_t width, T* space) {
    const Element* const data = static_cast<const Element*>(from.data) + row * from.row_step;
    if constexpr (std::is_same_v<Element, T>) {
        if (from.column_step == 1) return {data, from.row_step};
    }
    for (int64_t i = 0; i < count; ++i)
        for (int64_t e = 0; e < width; ++e) space[i * width + e] = load(data[i * from.row_step + e * from.column_step]);
    return {space, width};
}

// turned[panel][e][query], zeros beyond the last query.
template <typename Element, typename T>
void turn_rows(const Matrix& from, int64_t row, int64_t count, int64_t width, T* turned) {
    constexpr int64_t kPanel = kPanelColumns<T>;
    const Element* const data = static_cast<const Element*>(from.data) + row * from.row_step;
    for (int64_t i = 0; i < count; i += kPanel, turned += width * kPanel) {
        const int64_t lines = std::min(kPanel, count - i);
        turn<kPanel>(data + i * from.row_step, from.row_step, from.column_step, lines, width, turned);
        if (lines == kPanel) continue;
        for (int64_t e = 0; e < width; ++e) std::fill(turned + e * kPanel + lines, turned + (e + 1) * kPanel, T{0});
    }
}

// `lines` queries of a panel, turned, as rows of `to`.
template <typename Element, typename T>
void store_turned(const T* turned, int64_t lines, int64_t width, const MutableMatrix& to, int64_t row) {
    constexpr int64_t kPanel = kPanelColumns<T>;
    constexpr int kTogether = 8;
    Element* const data = static_cast<Element*>(to.data) + row * to.row_step;
    int64_t e = 0;
    if constexpr (std::is_same_v<Element, T>) {
        T some[kPanel * kTogether];
        for (; to.column_step == 1 && e + kTogether <= width; e += kTogether) {
            turn<kTogether>(turned + e * kPanel, kPanel, int64_t{1}, kTogether, lines, some);
            for (int64_t i = 0; i < lines; ++i)
                memcpy(data + i * to.row_step + e, some + i * kTogether, kTogether * sizeof(T));
        }
    }
    for (; e < width; ++e)
        for (int64_t i = 0; i < lines; ++i) store(turned[e * kPanel + i], data + i * to.row_step + e * to.column_step);
}

}  // namespace WITHIN_ISA
}  // namespace within
