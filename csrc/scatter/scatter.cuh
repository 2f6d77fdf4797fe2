// Exact scatter sums on a GPU: the kernel and its launch, compiled by nvcc, and by the emulator of the tests.
#pragma once

#include "core/half.h"
#include "core/launch.h"
#include "scatter/scatter.h"

namespace within {
inline namespace WITHIN_ISA {

constexpr int kThreads = 128;

WITHIN_HOST_DEVICE void store_sum(double sum, double* out) { *out = sum; }
// The sum is a number of the format already.
template <typename T>
WITHIN_HOST_DEVICE void store_sum(double sum, T* out) {
    store(static_cast<float>(sum), out);
}

// One block a (group, column): its threads add integers into limbs in shared memory, whose order does not matter, then
// one rounds.
template <typename T>
__global__ void scatter_sum_kernel(const T* values, const int64_t* rows, const int64_t* start, T* out, int64_t columns,
                                   Format format) {
    __shared__ unsigned long long limbs[kLimbs];
    __shared__ int special;
    const int64_t group = static_cast<int64_t>(blockIdx.x) / columns,
                  column = static_cast<int64_t>(blockIdx.x) % columns;
    for (int i = threadIdx.x; i < kLimbs; i += blockDim.x) limbs[i] = 0;
    if (threadIdx.x == 0) special = 0;
    __syncthreads();
    for (int64_t i = start[group] + threadIdx.x; i < start[group + 1]; i += blockDim.x) {
        const Term term = split(static_cast<double>(load(values[rows[i] * columns + column])));
        for (int part = 0; part < 3; ++part) {
            if (term.parts[part] != 0)
                atomicAdd(&limbs[term.limb + part], static_cast<unsigned long long>(term.parts[part]));
        }
        if (term.special) atomicOr(&special, term.special);
    }
    __syncthreads();
    if (threadIdx.x == 0) {
        int64_t sum[kLimbs];
        for (int i = 0; i < kLimbs; ++i) sum[i] = static_cast<int64_t>(limbs[i]);
        store_sum(round_sum(sum, special, format), &out[static_cast<int64_t>(blockIdx.x)]);
    }
}

// Sums of the rows of each group: rows[start[g]] to rows[start[g + 1]] are those of group g; values is [N, columns],
// out [groups, columns], groups * columns in 1 to 2^31 - 1.
template <typename T>
void launch_scatter_sum(const T* values, const int64_t* rows, const int64_t* start, T* out, int64_t groups,
                        int64_t columns, Format format, Stream stream) {
    WITHIN_LAUNCH((scatter_sum_kernel<T>), static_cast<unsigned>(groups * columns), kThreads, 0, stream, values, rows,
                  start, out, columns, format);
}

}  // namespace WITHIN_ISA
}  // namespace within
