// Sums on a GPU by the order of exact/sum.h, a lane of a warp for each chain; compiled by nvcc, and by the tests'
// emulator.
#pragma once

#include "core/launch.h"
#include "exact/sum.h"

namespace within {
inline namespace WITHIN_ISA {

constexpr int kSumThreads = 256;
constexpr int kSumWarps = kSumThreads / kSumLanes;

// The sum of term(i), i from 0 to n, on all lanes of a warp.
template <typename T, typename Term>
__device__ __forceinline__ T warp_sum(int64_t n, const Term& term) {
    const int lane = threadIdx.x % kSumLanes;
    BlockSums<T> blocks;
    for (int64_t from = 0; from < n || from == 0; from += kSumBlock) {
        const int64_t end = from + kSumBlock < n ? from + kSumBlock : n;
        T sum = 0;
        for (int64_t i = from + lane; i < end; i += kSumLanes) sum += term(i);
        for (int half = kSumLanes / 2; half > 0; half /= 2) sum += __shfl_down_sync(0xffffffffu, sum, half);
        blocks.add(sum);
    }
    return __shfl_sync(0xffffffffu, blocks.total(), 0);
}

// The sum of the blocks' sums in sums[0]; one block of threads, and they are written over.
template <typename T>
__device__ __forceinline__ void add_pairs(T* sums, int64_t count) {
    while (count > 1) {
        const int64_t pairs = count / 2;
        for (int64_t from = 0; from < pairs; from += blockDim.x) {
            const int64_t i = from + threadIdx.x;
            T sum{};
            if (i < pairs) sum = sums[2 * i] + sums[2 * i + 1];
            __syncthreads();
            if (i < pairs) sums[i] = sum;
            __syncthreads();
        }
        if (count % 2 == 1 && threadIdx.x == 0) sums[pairs] = sums[count - 1];
        __syncthreads();
        count = pairs + count % 2;
    }
}

}  // namespace WITHIN_ISA
}  // namespace within
