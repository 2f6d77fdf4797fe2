// The kernels of batch normalisation and the functions that launch them; compiled by nvcc, and by the tests' emulator.
// Statistics are launch_reduce's, gradients of weights launch_pair's, of exact/reduce.cuh.
#pragma once

#include "core/launch.h"
#include "exact/batch_norm_launch.h"
#include "exact/reduce_launch.h"

namespace within {
inline namespace WITHIN_ISA {

constexpr int kBatchThreads = 256;

template <typename T>
__global__ void channel_kernel(ChannelTask<T> task, int64_t channels) {
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t c = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; c < channels; c += step)
        finish_channel(task, c);
}

// Pointers as in BatchTask; a number's channel is at / length % channels.
template <typename Element>
__global__ void batch_kernel(const Element* x, int64_t count, int64_t channels, int64_t length,
                             const Wider<Element>* mean, const Wider<Element>* factor, const Wider<Element>* bias,
                             Element* out) {
    using T = Wider<Element>;
    using L = LaneOf<T>;
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += step) {
        const int64_t c = i / length % channels;
        const T deviation = load(x[i]) - mean[c];
        const T value = bias == nullptr ? deviation * factor[c] : L::fused(deviation, factor[c], bias[c]);
        store(Functions<L>::canonical(value), out + i);
    }
}

template <typename Element>
__global__ void batch_backward_kernel(const Element* x, const Element* gradient, int64_t count, int64_t channels,
                                      int64_t length, bool is_frozen, const Wider<Element>* mean,
                                      const Wider<Element>* scale, const Wider<Element>* factor,
                                      const Wider<Element>* of_weight, const Wider<Element>* of_bias, Element* out) {
    using T = Wider<Element>;
    using L = LaneOf<T>;
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += step) {
        const int64_t c = i / length % channels;
        T value = load(gradient[i]);
        if (is_frozen) {
            value = value * factor[c];
        } else {
            const T h = Moments<L>::normalised(load(x[i]), mean[c], scale[c]);
            value = Moments<L>::slope(value, h, of_bias[c], of_weight[c], factor[c]);
        }
        store(Functions<L>::canonical(value), out + i);
    }
}

}  // namespace WITHIN_ISA

template <typename Element>
void launch_batch(const Element* x, const SumLayout& layout, const ChannelTask<Wider<Element>>& task, int64_t channels,
                  int64_t length, Wider<Element>* squares, Wider<Element>* partial, const Wider<Element>* bias,
                  Element* out, Stream stream) {
    using T = Wider<Element>;
    if (squares != nullptr)
        launch_reduce<Element>(x, layout, Reduction::var, T{1}, partial, task.mean, nullptr, squares, stream);
    WITHIN_LAUNCH((channel_kernel<T>), blocks_of(channels, kBatchThreads), kBatchThreads, 0, stream, task, channels);
    const int64_t count = sums_of(layout) * numbers_of(layout);
    WITHIN_LAUNCH((batch_kernel<Element>), blocks_of(count, kBatchThreads), kBatchThreads, 0, stream, x, count,
                  channels, length, static_cast<const T*>(task.mean), static_cast<const T*>(task.factor), bias, out);
}

template <typename Element>
void launch_batch_backward(const Element* x, const Element* gradient, int64_t count, int64_t channels, int64_t length,
                           bool is_frozen, const Wider<Element>* mean, const Wider<Element>* scale,
                           const Wider<Element>* factor, const Wider<Element>* of_weight, const Wider<Element>* of_bias,
                           Element* out, Stream stream) {
    WITHIN_LAUNCH((batch_backward_kernel<Element>), blocks_of(count, kBatchThreads), kBatchThreads, 0, stream, x,
                  gradient, count, channels, length, is_frozen, mean, scale, factor, of_weight, of_bias, out);
}

}  // namespace within
