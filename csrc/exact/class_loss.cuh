// The kernels of cross entropy and negative log likelihood, and the functions that launch them; compiled by nvcc, and
// by the tests' emulator. A warp has a row whose classes lie side by side, otherwise a thread has one.
#pragma once

#include "exact/losses_launch.h"
#include "exact/sum.cuh"

namespace within {
inline namespace WITHIN_ISA {

// A row that a warp has; members as those of AlongRows.
template <typename Element>
struct WarpRow {
    using Lane = OneLane<Element>;
    using T = Wider<Element>;
    using Float = T;
    static constexpr int kRows = 1;

    const Element* x;
    const Element* shares;
    const T* weight;
    int64_t classes;
    Element* out;

    __device__ __forceinline__ T value(Lane, int64_t c) const { return load(x[c]); }
    __device__ __forceinline__ T share(Lane, int64_t c) const { return load(shares[c]); }
    __device__ __forceinline__ T weight_of(Lane, int64_t c) const { return weight[c]; }
    __device__ __forceinline__ T all(Lane, T of_row) const { return of_row; }
    __device__ __forceinline__ T value_of_row(int, int64_t c) const { return load(x[c]); }
    __device__ __forceinline__ void put(Lane, int64_t c, T value) const { write<Lane>(value, out + c); }
    __device__ __forceinline__ void put_of_row(int, int64_t c, T value) const { write<Lane>(value, out + c); }
    __device__ __forceinline__ bool is_owner(int64_t c) const { return c % kSumLanes == threadIdx.x % kSumLanes; }

    __device__ __forceinline__ T largest() const {
        T most = load(x[0]);
        for (int64_t c = threadIdx.x % kSumLanes; c < classes; c += kSumLanes)
            most = load(x[c]) > most ? load(x[c]) : most;
        for (int half = kSumLanes / 2; half > 0; half /= 2) {
            const T next = __shfl_down_sync(0xffffffffu, most, half);
            most = next > most ? next : most;
        }
        return __shfl_sync(0xffffffffu, most, 0);
    }
    template <typename Work>
    __device__ __forceinline__ void each(const Work& work) const {
        for (int64_t c = threadIdx.x % kSumLanes; c < classes; c += kSumLanes) work(Lane{}, c);
    }
    template <typename Term>
    __device__ __forceinline__ T sum(const Term& term) const {
        return warp_sum<T>(classes, [&](int64_t c) { return term(Lane{}, c); });
    }
};

// Calls work(row, which) for the rows of a warp, or of a thread.
template <typename Element, bool is_warp, typename Work>
__device__ __forceinline__ void each_device_row(const ClassLossTask& task, const Work& work) {
    const Element* const input = static_cast<const Element*>(task.input);
    const Element* const shares = static_cast<const Element*>(task.shares);
    const Wider<Element>* const weight = static_cast<const Wider<Element>*>(task.weight);
    Element* const out = static_cast<Element*>(task.out);
    const int64_t classes = task.classes, depth = task.depth;
    const int64_t thread = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
    const int64_t threads = static_cast<int64_t>(gridDim.x) * blockDim.x;
    if constexpr (is_warp) {
        for (int64_t row = thread / kSumLanes; row < task.end; row += threads / kSumLanes) {
            const int64_t at = row * classes;
            work(WarpRow<Element>{input + at, shares == nullptr ? nullptr : shares + at, weight, classes,
                                  out == nullptr ? nullptr : out + at},
                 row);
        }
    } else {
        for (int64_t row = thread; row < task.end; row += threads) {
            const int64_t at = row / depth * classes * depth + row % depth;
            work(AlongRows<OneLane<Element>, Element>{input + at, shares == nullptr ? nullptr : shares + at, weight,
                                                      classes, depth, out == nullptr ? nullptr : out + at},
                 row);
        }
    }
}

template <typename Element, bool is_warp>
__global__ void class_losses_kernel(ClassLossTask task) {
    each_device_row<Element, is_warp>(task, [&](const auto& row, int64_t which) { class_losses(task, row, which, 1); });
}

// The divisor and the weights' sum are on the device.
template <typename Element, bool is_warp>
__global__ void class_gradients_kernel(ClassLossTask task, const Wider<Element>* divisor,
                                       const Wider<Element>* weight_sum) {
    task.divisor = *divisor;
    if (weight_sum != nullptr) task.spread_weight = Smoothing<Wider<Element>>(task).spread * *weight_sum;
    each_device_row<Element, is_warp>(task,
                                      [&](const auto& row, int64_t which) { class_gradients(task, row, which, 1); });
}

template <typename Element, bool is_gradient>
__global__ void nll_kernel(ClassLossTask task, const Wider<Element>* divisor) {
    if (divisor != nullptr) task.divisor = *divisor;
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t row = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; row < task.end; row += step) {
        if constexpr (is_gradient) {
            nll_gradient<Element>(task, row);
        } else {
            nll_loss<Element>(task, row);
        }
    }
}

}  // namespace WITHIN_ISA

template <typename Element>
void launch_class_losses(const ClassLossTask& task, bool is_log, Stream stream) {
    if (is_log) {
        WITHIN_LAUNCH((nll_kernel<Element, false>), blocks_of(task.end, kSumThreads), kSumThreads, 0, stream, task,
                      static_cast<const Wider<Element>*>(nullptr));
    } else if (task.depth == 1) {
        WITHIN_LAUNCH((class_losses_kernel<Element, true>), blocks_of(task.end, kSumWarps), kSumThreads, 0, stream,
                      task);
    } else {
        WITHIN_LAUNCH((class_losses_kernel<Element, false>), blocks_of(task.end, kSumThreads), kSumThreads, 0, stream,
                      task);
    }
}

template <typename Element, typename T>
void launch_class_gradients(const ClassLossTask& task, bool is_log, const T* divisor, const T* weight_sum,
                            Stream stream) {
    if (is_log) {
        WITHIN_LAUNCH((nll_kernel<Element, true>), blocks_of(task.end, kSumThreads), kSumThreads, 0, stream, task,
                      divisor);
    } else if (task.depth == 1) {
        WITHIN_LAUNCH((class_gradients_kernel<Element, true>), blocks_of(task.end, kSumWarps), kSumThreads, 0, stream,
                      task, divisor, weight_sum);
    } else {
        WITHIN_LAUNCH((class_gradients_kernel<Element, false>), blocks_of(task.end, kSumThreads), kSumThreads, 0,
                      stream, task, divisor, weight_sum);
    }
}

}  // namespace within
