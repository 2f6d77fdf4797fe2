// Batch normalisation: what kernels are given.
//
// Of channel c, over all samples and places in the order of a contiguous [N, C, L]: mean and variance as in
// exact/reduce.h, scale = 1 / sqrt(variance + eps), factor = scale * weight; what comes out is fma(x - mean, factor,
// bias). With gradient g and h = (x - mean) * scale: the gradient of the bias is the sum of g, that of the weight the
// sum of fma(g, h, .), in the order of exact/sum.h; that of x is fma(-h, weight's / n, g - bias's / n) * factor, and
// g * factor where mean and variance are given.
#pragma once

#include "exact/reduce.h"

namespace within {

// Numbers of [samples, channels, length], or of [samples, channels] where `is_columns`; T is float, or double for
// float64.
struct BatchTask {
    Dtype dtype;
    bool is_columns;
    bool is_frozen;
    const void* x;
    const void* gradient;
    int64_t samples;
    int64_t channels;
    int64_t length;
    int64_t begin;  // channels, or samples where `is_columns`
    int64_t end;
    const void* mean;   // T [channels], as what follows
    const void* scale;  // of gradients alone
    const void* factor;
    const void* bias;       // or null
    const void* of_bias;    // its gradient, over the count
    const void* of_weight;  // its gradient, over the count
    void* out;
};

// Of sums [begin, end) as in ReduceTask: the sum of g, and of fma(g, (x - mean) * scale, .), in the same layout. Number
// i of sum s has the mean and scale of number i / length * statistic_segment + s / statistic_sums.
struct PairTask {
    Dtype dtype;
    const void* x;
    const void* gradient;
    SumLayout layout;
    int64_t begin;
    int64_t end;
    const void* mean;
    const void* scale;
    int64_t statistic_segment;
    int64_t statistic_sums;
    void* of_weight;  // T [sums]
    void* of_bias;    // T [sums]
};

// What a channel's gradient and result are made with; T is float or double. Pointers that are null are left out.
template <typename T>
struct ChannelTask {
    T count;
    T eps;
    T momentum;
    T rest;             // 1 - momentum
    const T* squares;   // [channels] of what follows; null where mean and variance are given
    const T* variance;  // given
    T* mean;
    const T* weight;
    const T* old_mean;
    const T* old_variance;
    T* scale;
    T* factor;
    T* new_mean;
    T* new_variance;
};

inline namespace WITHIN_ISA {

// The new running value is fma(momentum, value, (1 - momentum) * old), of the variance squares / (n - 1).
template <typename T>
WITHIN_HOST_DEVICE void finish_channel(const ChannelTask<T>& task, int64_t c) {
    using L = LaneOf<T>;
    const T variance = task.squares == nullptr ? task.variance[c] : task.squares[c] / task.count;
    task.scale[c] = normalising_scale<T>(variance, task.eps);
    task.factor[c] = task.weight == nullptr ? task.scale[c] : task.scale[c] * task.weight[c];
    if (task.new_mean == nullptr) return;
    const T unbiased = task.squares[c] / (task.count - 1);
    task.new_mean[c] = Functions<L>::canonical(L::fused(task.momentum, task.mean[c], task.rest * task.old_mean[c]));
    task.new_variance[c] = Functions<L>::canonical(L::fused(task.momentum, unbiased, task.rest * task.old_variance[c]));
}

}  // namespace WITHIN_ISA
}  // namespace within
