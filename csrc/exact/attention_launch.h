// What the kernels of attention are launched with.
#pragma once

#include <cstdint>

#include "core/stream.h"
#include "exact/attention.h"

namespace within {

// All heads of a tensor, by steps in elements.
struct HeadBatch {
    const void* data;
    int64_t batch_step;
    int64_t head_step;
    int64_t row_step;
    int64_t column_step;
};

struct AttentionCall {
    AttentionHead common;  // its matrices are not read
    HeadBatch query;
    HeadBatch key;
    HeadBatch value;
    HeadBatch mask;
    int64_t batch;
    int64_t heads;
    int64_t shared;  // heads that share their keys
};

struct AttentionSaved {
    HeadBatch gradient;
    HeadBatch out;
    const void* highest;     // [batch, heads, queries]
    const void* reciprocal;  // [batch, heads, queries]
    const void* delta;       // [batch, heads, queries]
};

struct AttentionGradients {
    HeadBatch query;
    HeadBatch key;
    HeadBatch value;
    void* mask;  // float or double, contiguous, of mask_sizes; null: not wanted
    int64_t mask_sizes[4];
};

// T is what sums are held in, as below.
template <typename Element, typename T>
void launch_attention(const AttentionCall& call, const HeadBatch& out, T* highest, T* reciprocal, Stream stream);

// `delta` is space for [batch, heads, queries] numbers.
template <typename Element, typename T>
void launch_attention_backward(const AttentionCall& call, AttentionSaved saved, const AttentionGradients& gradients,
                               T* delta, Stream stream);

}  // namespace within
