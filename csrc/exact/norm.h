// Layer, RMS and group normalisation: what kernels are given.
//
// Of a row x of n numbers: the mean is their sum / n, d = x - mean, the variance the sum of fma(d, d, .) / n, scale
// 1 / sqrt(variance + eps); what is normalised, h, is d * scale, and what comes out fma(h, weight, bias). RMS has no
// mean: d is x. Sums are in the order of exact/sum.h.
//
// With gradient g and t = g * weight: the gradient of x is fma(-h, p, t - q) * scale, q being the sum of t / n (RMS has
// none) and p the sum of fma(t, h, .) / n. Gradients of weight and bias are sums of fma(g, h, .) and g down the rows.
#pragma once

#include "exact/moments.h"

namespace within {

constexpr int64_t kChainPadding = 16;

// Which weight belongs to number i of a row: each has its own (1, n, 1), or channels of groups have
// (groups, channels of a group, numbers of a channel).
struct WeightOf {
    int64_t groups;
    int64_t channels;
    int64_t length;
};

// Rows first, first + step, ... of [rows, n], contiguous; T is float, or double for float64.
struct NormTask {
    Dtype dtype;
    bool is_centred;
    const void* x;
    const void* weight;  // T [n], or null
    const void* bias;    // T [n], or null
    int64_t n;
    int64_t first;
    int64_t count;
    int64_t step;
    double eps;
    void* out;
    void* mean;   // T [rows], or null
    void* scale;  // T [rows]
};

struct NormBackward {
    Dtype dtype;
    bool is_centred;
    const void* gradient;
    const void* x;
    const void* weight;
    const void* mean;
    const void* scale;
    int64_t n;
    int64_t first;
    int64_t count;
    int64_t step;
    void* out;           // the gradient of x, or null
    void* weight_chain;  // T [n, and up to a multiple of kChainPadding], what it holds is added to; or null
    void* bias_chain;    // null where that is
    int64_t pitch;  // 0: rows are of one chain; else row k of them is of chain k % 32, that many numbers further on
};

// Chains of [units, pitch], 32 units a block of 1024 rows, to their sum: columns [begin, end).
struct ChainsTask {
    bool is_double;
    const void* chains;
    int64_t rows;
    int64_t pitch;
    int64_t begin;
    int64_t end;
    void* out;
};

}  // namespace within
