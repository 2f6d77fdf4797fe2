// The kernels of sums over rows and the function that launches them; compiled by nvcc, and by the tests' emulator.
#pragma once

#include "core/launch.h"
#include "core/nan.h"
#include "exact/sum_rows_launch.h"

namespace within {
inline namespace WITHIN_ISA {

constexpr int kSumRowsSide = 32;  // columns of a block; its threads are as many times the chains
constexpr int kSumBlocksThreads = 256;

// A thread is a chain of a column; sums are [blocks, columns].
template <typename Element, typename T>
__global__ void sum_rows_chains_kernel(const Element* x, int64_t row_step, int64_t rows, int64_t columns,
                                       int64_t blocks, T* sums) {
    __shared__ T chains[kSumLanes][kSumRowsSide];
    const int across = threadIdx.x % kSumRowsSide, lane = threadIdx.x / kSumRowsSide;
    const int64_t strips = (columns + kSumRowsSide - 1) / kSumRowsSide;
    for (int64_t task = blockIdx.x; task < blocks * strips; task += gridDim.x) {
        const int64_t block = task / strips, column = task % strips * kSumRowsSide + across;
        const int64_t end = (block + 1) * kSumBlock < rows ? (block + 1) * kSumBlock : rows;
        T sum = 0;
        if (column < columns)
            for (int64_t row = block * kSumBlock + lane; row < end; row += kSumLanes)
                sum += load(x[row * row_step + column]);
        chains[lane][across] = sum;
        for (int half = kSumLanes / 2; half > 0; half /= 2) {
            __syncthreads();
            if (lane < half) chains[lane][across] += chains[lane + half][across];
        }
        if (lane == 0 && column < columns) sums[block * columns + column] = chains[0][across];
        __syncthreads();
    }
}

template <typename Element, typename T>
__global__ void sum_rows_blocks_kernel(const T* sums, int64_t blocks, int64_t columns, Element* out) {
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t j = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; j < columns; j += step) {
        BlockSums<T> all;
        for (int64_t block = 0; block < blocks; ++block) all.add(sums[block * columns + j]);
        store(canonical(all.total()), out + j);
    }
}

}  // namespace WITHIN_ISA

template <typename Element, typename T>
void launch_sum_rows(const Element* x, int64_t row_step, int64_t rows, int64_t columns, int64_t blocks, T* sums,
                     Element* out, Stream stream) {
    const int64_t tasks = blocks * ((columns + kSumRowsSide - 1) / kSumRowsSide);
    WITHIN_LAUNCH((sum_rows_chains_kernel<Element, T>), blocks_of(tasks, 1), kSumRowsSide * kSumLanes, 0, stream, x,
                  row_step, rows, columns, blocks, sums);
    WITHIN_LAUNCH((sum_rows_blocks_kernel<Element, T>), blocks_of(columns, kSumBlocksThreads), kSumBlocksThreads, 0,
                  stream, sums, blocks, columns, out);
}

}  // namespace within
