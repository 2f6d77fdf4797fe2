// The kernel of matrix products and the function that launches it; compiled by nvcc, and by the tests' emulator.
#pragma once

#include "core/dtype.h"
#include "core/launch.h"
#include "core/nan.h"
#include "exact/matmul_launch.h"

namespace within {
inline namespace WITHIN_ISA {

constexpr int kMatmulTile = 64;   // rows and columns of a block
constexpr int kMatmulDepth = 16;  // of k that a block holds at once
constexpr int kMatmulSide = 16;   // threads along rows and along columns
constexpr int kMatmulOwn = kMatmulTile / kMatmulSide;

// `lines` numbers of each of `count` values of k, zeros beyond them: tile[k][line].
template <typename Element, typename T>
__device__ __forceinline__ void read_tile(const Element* from, int64_t line_step, int64_t k_step, int64_t lines,
                                          int count, T (*tile)[kMatmulTile + 1]) {
    // Neighbouring threads read what lies side by side.
    const bool is_k_first = k_step == 1;
    for (int i = threadIdx.x; i < kMatmulDepth * kMatmulTile; i += kMatmulSide * kMatmulSide) {
        const int k = is_k_first ? i % kMatmulDepth : i / kMatmulTile;
        const int line = is_k_first ? i / kMatmulDepth : i % kMatmulTile;
        tile[k][line] = k < count && line < lines ? load(from[line * line_step + k * k_step]) : T{0};
    }
}

// A block has kMatmulTile rows and columns of one product, a thread every 16th of both.
template <typename Element, typename T>
__global__ void matmul_kernel(MatrixBatch a, MatrixBatch b, const T* bias, int64_t batch, int64_t rows, int64_t depth,
                              int64_t columns, Element* out) {
    __shared__ T of_a[kMatmulDepth][kMatmulTile + 1];
    __shared__ T of_b[kMatmulDepth][kMatmulTile + 1];
    const int64_t row_blocks = (rows + kMatmulTile - 1) / kMatmulTile;
    const int64_t column_blocks = (columns + kMatmulTile - 1) / kMatmulTile;
    const int thread = threadIdx.x, across = thread % kMatmulSide, down = thread / kMatmulSide;
    for (int64_t block = blockIdx.x; block < batch * row_blocks * column_blocks; block += gridDim.x) {
        const int64_t which = block / (row_blocks * column_blocks), rest = block % (row_blocks * column_blocks);
        const int64_t row = rest / column_blocks * kMatmulTile, column = rest % column_blocks * kMatmulTile;
        const Element* const from_a = static_cast<const Element*>(a.data) + which * a.step;
        const Element* const from_b = static_cast<const Element*>(b.data) + which * b.step;
        T sums[kMatmulOwn][kMatmulOwn] = {};
        for (int64_t k = 0; k < depth; k += kMatmulDepth) {
            const int count = static_cast<int>(depth - k < kMatmulDepth ? depth - k : kMatmulDepth);
            read_tile(from_a + row * a.row_step + k * a.column_step, a.row_step, a.column_step, rows - row, count,
                      of_a);
            read_tile(from_b + column * b.column_step + k * b.row_step, b.column_step, b.row_step, columns - column,
                      count, of_b);
            __syncthreads();
            for (int at = 0; at < count; ++at) {
                T own_a[kMatmulOwn], own_b[kMatmulOwn];
                for (int i = 0; i < kMatmulOwn; ++i) own_a[i] = of_a[at][down + i * kMatmulSide];
                for (int j = 0; j < kMatmulOwn; ++j) own_b[j] = of_b[at][across + j * kMatmulSide];
                for (int i = 0; i < kMatmulOwn; ++i)
                    for (int j = 0; j < kMatmulOwn; ++j) sums[i][j] = fma(own_a[i], own_b[j], sums[i][j]);
            }
            __syncthreads();
        }
        for (int i = 0; i < kMatmulOwn; ++i) {
            for (int j = 0; j < kMatmulOwn; ++j) {
                const int64_t r = row + down + i * kMatmulSide, c = column + across + j * kMatmulSide;
                if (r >= rows || c >= columns) continue;
                const T value = bias == nullptr ? sums[i][j] : sums[i][j] + bias[c];
                store(canonical(value), out + (which * rows + r) * columns + c);
            }
        }
    }
}

}  // namespace WITHIN_ISA

template <typename Element, typename T>
void launch_matmul(MatrixBatch a, MatrixBatch b, const T* bias, int64_t batch, int64_t rows, int64_t depth,
                   int64_t columns, Element* out, Stream stream) {
    const int64_t blocks =
        batch * ((rows + kMatmulTile - 1) / kMatmulTile) * ((columns + kMatmulTile - 1) / kMatmulTile);
    WITHIN_LAUNCH((matmul_kernel<Element, T>), blocks_of(blocks, 1), kMatmulSide * kMatmulSide, 0, stream, a, b, bias,
                  batch, rows, depth, columns, out);
}

}  // namespace within
