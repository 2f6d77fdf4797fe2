// The innermost loops of matrix products: a tile of sums stays in registers while k goes upwards.
#pragma once

#include "core/standard.h"
//
#include "core/wide.h"

namespace within {
inline namespace WITHIN_ISA {

#if defined(WITHIN_AVX512)
constexpr int kTileRows = 12;
#elif defined(WITHIN_AVX2)
constexpr int kTileRows = 6;
#else
constexpr int kTileRows = 4;
#endif
// A tile of more rows than six has no registers for where each row of a is: they are side by side.
constexpr bool kReadsRows = kTileRows <= 6;
constexpr int kTileRegisters = 2;  // side by side
constexpr int kAhead = 16;         // of k, that memory is asked for in time
template <typename T>
constexpr int kPanelColumns = kTileRegisters * Wide<T>::kCount;

// A tile: sums += a b over `depth` values of k, a[i * a_row + k * a_k], b[k * b_k + j].
template <typename T>
struct Tile {
    const T* a;
    int64_t a_row;
    int64_t a_k;
    const T* b;
    int64_t b_k;
    int64_t depth;
    T* sums;
    int64_t step;
    bool is_first;  // sums are +0 and not read
    bool is_last;   // a bias is added, and every NaN made the one
    const T* bias;  // of each column, or null
    T* packed;      // where multiply_and_pack lays b out, kPanelColumns a step of k
};

template <typename T, int rows, int registers, bool packs>
inline void multiply_tile(const Tile<T>& tile) {
    using W = Wide<T>;
    typename W::Register sum[rows][registers];
    const int64_t step = tile.step;
    if (tile.is_first) {
#pragma GCC unroll 16
        for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 8
            for (int j = 0; j < registers; ++j) sum[i][j] = typename W::Register{};
        }
    } else {
#pragma GCC unroll 16
        for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 8
            for (int j = 0; j < registers; ++j) sum[i][j] = W::load(tile.sums + i * step + j * W::kCount);
        }
    }
    // The next rows' sums, which lie pages apart.
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i) __builtin_prefetch(tile.sums + (i + rows) * step, 1);
    const T* line[rows];
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i) line[i] = tile.a + i * (kReadsRows ? tile.a_row : 1);
    const T* b = tile.b;
    const int64_t a_k = tile.a_k, b_k = tile.b_k, end = tile.depth * a_k;
    T* packed = tile.packed;
    for (int64_t k = 0; k != end; k += a_k, b += b_k) {
        typename W::Register column[registers];
#pragma GCC unroll 8
        for (int j = 0; j < registers; ++j) column[j] = W::load(b + j * W::kCount);
        if constexpr (packs) {
            // No hardware fetches ahead in steps of pages.
            __builtin_prefetch(b + kAhead * b_k);
#pragma GCC unroll 8
            for (int j = 0; j < registers; ++j) W::store(packed + j * W::kCount, column[j]);
            packed += kPanelColumns<T>;
        }
#pragma GCC unroll 16
        for (int i = 0; i < rows; ++i) {
            const typename W::Register row = W::all(line[i][k]);
#pragma GCC unroll 8
            for (int j = 0; j < registers; ++j) sum[i][j] = W::fused(row, column[j], sum[i][j]);
        }
    }
    if (tile.is_last) {
#pragma GCC unroll 8
        for (int j = 0; j < registers; ++j) {
            if (tile.bias != nullptr) {
                const typename W::Register bias = W::load(tile.bias + j * W::kCount);
#pragma GCC unroll 16
                for (int i = 0; i < rows; ++i) sum[i][j] += bias;
            }
#pragma GCC unroll 16
            for (int i = 0; i < rows; ++i) sum[i][j] = W::canonical(sum[i][j]);
        }
    }
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 8
        for (int j = 0; j < registers; ++j) W::store(tile.sums + i * step + j * W::kCount, sum[i][j]);
    }
}

// `rows` of them, at most kTileRows.
template <typename T, int registers, int most = kTileRows>
inline void multiply_rows(int64_t rows, const Tile<T>& tile) {
    if constexpr (most > 1) {
        if (rows < most) return multiply_rows<T, registers, most - 1>(rows, tile);
    }
    multiply_tile<T, most, registers, false>(tile);
}

// A whole tile, whose panel of b is laid out on the way for those that follow.
template <typename T>
inline void multiply_and_pack(const Tile<T>& tile) {
    multiply_tile<T, kTileRows, kTileRegisters, true>(tile);
}

}  // namespace WITHIN_ISA
}  // namespace within
