// The kernels of losses of an element and its target, and the functions that launch them; compiled by nvcc, and by the
// tests' emulator.
#pragma once

#include "exact/losses_launch.h"
#include "exact/sum.cuh"

namespace within {
inline namespace WITHIN_ISA {

template <typename Element, PointLoss loss, bool has_factor>
__global__ void point_values_kernel(PointLossTask task) {
    using One = OneLane<Element>;
    const PointTerms<One, Element, loss, has_factor> terms(task);
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < task.count; i += step)
        write<One>(terms.value(i), static_cast<Element*>(task.out) + i);
}

// A warp a block of the sum.
template <typename Element, PointLoss loss, bool has_factor>
__global__ void point_sums_kernel(PointLossTask task, int64_t blocks) {
    using T = Wider<Element>;
    const PointTerms<OneLane<Element>, Element, loss, has_factor> terms(task);
    const int64_t step = static_cast<int64_t>(gridDim.x) * kSumWarps;
    for (int64_t block = static_cast<int64_t>(blockIdx.x) * kSumWarps + threadIdx.x / kSumLanes; block < blocks;
         block += step) {
        const int64_t from = block * kSumBlock, left = task.count - from;
        const T sum =
            warp_sum<T>(left < kSumBlock ? left : kSumBlock, [&](int64_t i) { return terms.value(from + i); });
        if (threadIdx.x % kSumLanes == 0) static_cast<T*>(task.out)[block] = sum;
    }
}

// Of numbers alone.
template <typename Element>
__global__ void number_sums_kernel(const Element* x, int64_t count, int64_t blocks, Wider<Element>* sums) {
    using T = Wider<Element>;
    const int64_t step = static_cast<int64_t>(gridDim.x) * kSumWarps;
    for (int64_t block = static_cast<int64_t>(blockIdx.x) * kSumWarps + threadIdx.x / kSumLanes; block < blocks;
         block += step) {
        const int64_t from = block * kSumBlock, left = count - from;
        const T sum = warp_sum<T>(left < kSumBlock ? left : kSumBlock, [&](int64_t i) { return load(x[from + i]); });
        if (threadIdx.x % kSumLanes == 0) sums[block] = sum;
    }
}

// The sum of the blocks divided by *divisor, or by `count` where that is null.
template <typename Element>
__global__ void finish_sum_kernel(Wider<Element>* sums, int64_t blocks, const Wider<Element>* divisor, double count,
                                  Element* out) {
    add_pairs(sums, blocks);
    if (threadIdx.x != 0) return;
    write<OneLane<Element>>(sums[0] / (divisor == nullptr ? static_cast<Wider<Element>>(count) : *divisor), out);
}

template <typename Element, PointLoss loss, bool has_factor>
__global__ void point_gradients_kernel(PointLossTask task, const Wider<Element>* divisor) {
    using One = OneLane<Element>;
    using T = Wider<Element>;
    const PointTerms<One, Element, loss, has_factor> terms(task);
    const Element* const incoming = static_cast<const Element*>(task.incoming);
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    T scale{};
    if (task.is_one_incoming) scale = load(*incoming) / (divisor == nullptr ? static_cast<T>(task.divisor) : *divisor);
    for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < task.count; i += step)
        write<One>(terms.gradient(i, task.is_one_incoming ? scale : load(incoming[i])),
                   static_cast<Element*>(task.out) + i);
}

}  // namespace WITHIN_ISA

template <typename Element>
void launch_point_values(const PointLossTask& task, Stream stream) {
    with_point_loss(task, [&](auto tag) {
        using Tag = decltype(tag);
        WITHIN_LAUNCH((point_values_kernel<Element, Tag::loss, Tag::has_factor>), blocks_of(task.count, kSumThreads),
                      kSumThreads, 0, stream, task);
    });
}

template <typename Element, typename T>
void launch_point_sum(PointLossTask task, const T* divisor, T* sums, Element* out, Stream stream) {
    const int64_t blocks = sum_blocks_of(task.count);
    task.out = sums;
    with_point_loss(task, [&](auto tag) {
        using Tag = decltype(tag);
        WITHIN_LAUNCH((point_sums_kernel<Element, Tag::loss, Tag::has_factor>), blocks_of(blocks, kSumWarps),
                      kSumThreads, 0, stream, task, blocks);
    });
    WITHIN_LAUNCH((finish_sum_kernel<Element>), 1, kSumThreads, 0, stream, sums, blocks, divisor, task.divisor, out);
}

template <typename Element, typename T, typename Out>
void launch_number_sum(const Element* x, int64_t count, const T* divisor, double divisor_count, T* sums, Out* out,
                       Stream stream) {
    const int64_t blocks = sum_blocks_of(count);
    WITHIN_LAUNCH((number_sums_kernel<Element>), blocks_of(blocks, kSumWarps), kSumThreads, 0, stream, x, count, blocks,
                  sums);
    WITHIN_LAUNCH((finish_sum_kernel<Out>), 1, kSumThreads, 0, stream, sums, blocks, divisor, divisor_count, out);
}

template <typename Element, typename T>
void launch_point_gradients(const PointLossTask& task, const T* divisor, Stream stream) {
    with_point_loss(task, [&](auto tag) {
        using Tag = decltype(tag);
        WITHIN_LAUNCH((point_gradients_kernel<Element, Tag::loss, Tag::has_factor>), blocks_of(task.count, kSumThreads),
                      kSumThreads, 0, stream, task, divisor);
    });
}

}  // namespace within
