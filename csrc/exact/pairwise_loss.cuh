// The kernels of the logistic loss of pairs, a warp for each row, and the functions that launch them; compiled by nvcc,
// and by the tests' emulator.
#pragma once

#include "exact/losses_launch.h"
#include "exact/sum.cuh"

namespace within {
inline namespace WITHIN_ISA {

template <typename T>
__global__ void pair_losses_kernel(PairLossTask task) {
    using One = OneLane<T>;
    const T *const scores = static_cast<const T*>(task.scores), *const targets = static_cast<const T*>(task.targets);
    const int64_t step = static_cast<int64_t>(gridDim.x) * kSumWarps;
    for (int64_t row = static_cast<int64_t>(blockIdx.x) * kSumWarps + threadIdx.x / kSumLanes; row < task.end;
         row += step) {
        const int64_t from = task.from[row], count = task.to[row] - from;
        const T score = scores[row], target = targets[row];
        const T sum = warp_sum<T>(
            count, [&](int64_t i) { return Pair<One>::loss(score, target, scores[from + i], targets[from + i]); });
        const int64_t pairs =
            warp_sum<int64_t>(count, [&](int64_t i) -> int64_t { return targets[from + i] < target ? 1 : 0; });
        if (threadIdx.x % kSumLanes != 0) continue;
        static_cast<T*>(task.out)[row] = Functions<One>::canonical(sum);
        task.pairs[row] = pairs;
    }
}

template <typename T>
__global__ void pair_gradients_kernel(PairLossTask task) {
    using One = OneLane<T>;
    const T *const scores = static_cast<const T*>(task.scores), *const targets = static_cast<const T*>(task.targets);
    const T* const scales = static_cast<const T*>(task.scales);
    const int64_t step = static_cast<int64_t>(gridDim.x) * kSumWarps;
    for (int64_t row = static_cast<int64_t>(blockIdx.x) * kSumWarps + threadIdx.x / kSumLanes; row < task.end;
         row += step) {
        const int64_t from = task.from[row];
        const T score = scores[row], target = targets[row], scale = scales[row];
        const T sum = warp_sum<T>(task.to[row] - from, [&](int64_t i) {
            return Pair<One>::gradient(score, target, scale, scores[from + i], targets[from + i], scales[from + i]);
        });
        if (threadIdx.x % kSumLanes == 0) static_cast<T*>(task.out)[row] = Functions<One>::canonical(sum);
    }
}

}  // namespace WITHIN_ISA

template <typename T>
void launch_pair_losses(const PairLossTask& task, Stream stream) {
    WITHIN_LAUNCH((pair_losses_kernel<T>), blocks_of(task.end, kSumWarps), kSumThreads, 0, stream, task);
}

template <typename T>
void launch_pair_gradients(const PairLossTask& task, Stream stream) {
    WITHIN_LAUNCH((pair_gradients_kernel<T>), blocks_of(task.end, kSumWarps), kSumThreads, 0, stream, task);
}

}  // namespace within
