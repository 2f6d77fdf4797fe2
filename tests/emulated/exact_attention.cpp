// Exact attention: what the source csrc/exact/attention_cuda.cpp asks of a GPU.
#include "exact/attention_backward.cuh"
#include "interface.h"

namespace {

// sizes: batch, heads, shared, queries, keys, width, value width, causal, kind of mask, format of mask, dropout on, all
// dropped, threshold, seed, offset; steps: four of query, key, value, mask, gradient, out, and of the gradients of
// query, key and value.
within::HeadBatch batch_of(const void* data, const int64_t* steps, int64_t which) {
    steps += 4 * which;
    return {data, steps[0], steps[1], steps[2], steps[3]};
}

within::AttentionCall call_of(const void* query, const void* key, const void* value, const void* mask,
                              const int64_t* sizes, const int64_t* steps, double scale, double dropout_scale,
                              within::Dtype dtype) {
    within::AttentionCall call{};
    call.query = batch_of(query, steps, 0);
    call.key = batch_of(key, steps, 1);
    call.value = batch_of(value, steps, 2);
    call.mask = batch_of(mask, steps, 3);
    call.batch = sizes[0];
    call.heads = sizes[1];
    call.shared = sizes[2];
    within::AttentionHead& common = call.common;
    common.dtype = dtype;
    common.queries = sizes[3];
    common.keys = sizes[4];
    common.width = sizes[5];
    common.value_width = sizes[6];
    common.scale = scale;
    common.is_causal = sizes[7] != 0;
    common.mask_kind = static_cast<within::MaskKind>(sizes[8]);
    common.mask_dtype = static_cast<within::Dtype>(sizes[9]);
    common.dropout.is_on = sizes[10] != 0;
    common.dropout.is_all = sizes[11] != 0;
    common.dropout.threshold = static_cast<uint32_t>(sizes[12]);
    common.dropout.scale = dropout_scale;
    common.dropout.key = {{static_cast<uint32_t>(sizes[13]), static_cast<uint32_t>(sizes[13] >> 32)}};
    common.dropout.offset = static_cast<uint32_t>(sizes[14]);
    return call;
}

}  // namespace

#define ATTENTION(name, Element, T)                                                                                    \
    WITHIN_EMULATED void exact_attention_##name(                                                                       \
        const Element* query, const Element* key, const Element* value, const void* mask, Element* out, T* highest,    \
        T* reciprocal, const int64_t* sizes, const int64_t* steps, double scale, double dropout_scale) {               \
        within::launch_attention<Element, T>(                                                                          \
            call_of(query, key, value, mask, sizes, steps, scale, dropout_scale, within::Dtype::name),                 \
            batch_of(out, steps, 5), highest, reciprocal, nullptr);                                                    \
    }                                                                                                                  \
    WITHIN_EMULATED void exact_attention_backward_##name(                                                              \
        const Element* gradient, const Element* query, const Element* key, const Element* value, const void* mask,     \
        const Element* out, const T* highest, const T* reciprocal, Element* of_query, Element* of_key,                 \
        Element* of_value, T* of_mask, T* delta, const int64_t* sizes, const int64_t* steps, double scale,             \
        double dropout_scale) {                                                                                        \
        const within::AttentionSaved saved{batch_of(gradient, steps, 4), batch_of(out, steps, 5), highest, reciprocal, \
                                           nullptr};                                                                   \
        const int64_t* const of_sizes = sizes + 15;                                                                    \
        const within::AttentionGradients gradients{batch_of(of_query, steps, 6),                                       \
                                                   batch_of(of_key, steps, 7),                                         \
                                                   batch_of(of_value, steps, 8),                                       \
                                                   of_mask,                                                            \
                                                   {of_sizes[0], of_sizes[1], of_sizes[2], of_sizes[3]}};              \
        within::launch_attention_backward<Element, T>(                                                                 \
            call_of(query, key, value, mask, sizes, steps, scale, dropout_scale, within::Dtype::name), saved,          \
            gradients, delta, nullptr);                                                                                \
    }

ATTENTION(float64, double, double)
ATTENTION(float32, float, float)
ATTENTION(float16, within::Float16, float)
ATTENTION(bfloat16, within::BFloat16, float)
