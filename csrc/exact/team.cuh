// Threads of a GPU as the 32 chains of exact/sum.h: a warp for numbers that lie side by side, a block's column of
// threads for columns that do.
#pragma once

#include "core/launch.h"
#include "exact/sum.h"

namespace within {
inline namespace WITHIN_ISA {

constexpr int kTeamColumns = 8;                         // of a block
constexpr int kTeamThreads = kTeamColumns * kSumLanes;  // a block has kTeamColumns teams of either kind

// Lane l of a warp is chain l. All lanes get the results.
struct Warp {
    static constexpr bool kIsAcross = true;
    int team = threadIdx.x / kSumLanes;
    int lane = threadIdx.x % kSumLanes;

    template <typename T>
    __device__ __forceinline__ T sum(T value, T*) const {
        for (int half = kSumLanes / 2; half > 0; half /= 2) value += __shfl_down_sync(0xffffffffu, value, half);
        return __shfl_sync(0xffffffffu, value, 0);
    }
    template <typename T, typename Larger>
    __device__ __forceinline__ T most(T value, T*, const Larger& larger) const {
        for (int half = kSumLanes / 2; half > 0; half /= 2)
            value = larger(value, __shfl_xor_sync(0xffffffffu, value, half));
        return value;
    }
};

// Neighbouring threads have neighbouring columns; `shared` is a block's kTeamThreads numbers.
struct Column {
    static constexpr bool kIsAcross = false;
    int team = threadIdx.x % kTeamColumns;
    int lane = threadIdx.x / kTeamColumns;

    template <typename T>
    __device__ __forceinline__ T sum(T value, T* shared) const {
        return most(value, shared, [](T a, T b) { return a + b; });
    }
    template <typename T, typename Larger>
    __device__ __forceinline__ T most(T value, T* shared, const Larger& larger) const {
        __syncthreads();
        shared[threadIdx.x] = value;
        __syncthreads();
        for (int half = kSumLanes / 2; half > 0; half /= 2) {
            if (lane < half)
                shared[threadIdx.x] = larger(shared[threadIdx.x], shared[threadIdx.x + half * kTeamColumns]);
            __syncthreads();
        }
        return shared[team];
    }
};

// The sum of n numbers by a team; all teams of a block have the same n. add(i, chain) adds number i.
template <typename T, typename Team, typename Add>
__device__ __forceinline__ T sum_of_team(const Team& team, int64_t n, T* shared, const Add& add) {
    BlockSums<T> blocks;
    for (int64_t from = 0; from < n || from == 0; from += kSumBlock) {
        const int64_t end = from + kSumBlock < n ? from + kSumBlock : n;
        T chain = 0;
        for (int64_t i = from + team.lane; i < end; i += kSumLanes) chain = add(i, chain);
        const T sum = team.sum(chain, shared);
        if (n <= kSumBlock) return sum;
        blocks.add(sum);
    }
    return blocks.total();
}

}  // namespace WITHIN_ISA
}  // namespace within
