// What the tensors of attention must be, and a head of them.
#pragma once

#include <ATen/ATen.h>

#include <cmath>
#include <optional>

#include "core/tensors.h"
#include "exact/attention.h"

namespace within {

// Numbers that say how weights are made, beside the tensors.
struct AttentionOptions {
    bool is_causal;
    std::optional<double> scale;
    double dropout_p;
    int64_t seed;
    int64_t offset;
};

inline void check_like_query(const char* name, const at::Tensor& of, const at::Tensor& query) {
    TORCH_CHECK_VALUE(of.scalar_type() == query.scalar_type(), "exact_attention: ", name, " is ", of.scalar_type(),
                      ", expected ", query.scalar_type(), " as query");
    TORCH_CHECK_VALUE(of.device() == query.device(), "exact_attention: ", name, " is on ", of.device(), ", expected ",
                      query.device(), " where query is");
}

inline void check_attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                            const std::optional<at::Tensor>& mask, const AttentionOptions& options) {
    TORCH_CHECK_VALUE(has_dtype(query.scalar_type()), "exact_attention: query is ", query.scalar_type(),
                      ", expected float32, float64, float16 or bfloat16");
    TORCH_CHECK_VALUE(query.dim() == 4, "exact_attention: query has shape ", query.sizes(),
                      ", expected [batch, heads, queries, width]");
    const int64_t batch = query.size(0), heads = query.size(1), width = query.size(3);
    TORCH_CHECK_VALUE(key.dim() == 4 && key.size(0) == batch && key.size(3) == width, "exact_attention: key has shape ",
                      key.sizes(), ", expected [", batch, ", heads, keys, ", width, "] beside query of ",
                      query.sizes());
    TORCH_CHECK_VALUE(key.size(1) == heads || (key.size(1) > 0 && heads % key.size(1) == 0),
                      "exact_attention: key has ", key.size(1), " heads, expected a divisor of query's ", heads);
    TORCH_CHECK_VALUE(
        value.dim() == 4 && value.size(0) == batch && value.size(1) == key.size(1) && value.size(2) == key.size(2),
        "exact_attention: value has shape ", value.sizes(), ", expected [", batch, ", ", key.size(1), ", ", key.size(2),
        ", value width] beside key of ", key.sizes());
    check_like_query("key", key, query);
    check_like_query("value", value, query);
    if (mask) {
        const at::ScalarType type = mask->scalar_type();
        TORCH_CHECK_VALUE(type == at::kBool || type == query.scalar_type() || type == at::kFloat,
                          "exact_attention: attn_mask is ", type, ", expected bool, float32 or ", query.scalar_type(),
                          " as query");
        TORCH_CHECK_VALUE(mask->device() == query.device(), "exact_attention: attn_mask is on ", mask->device(),
                          ", expected ", query.device(), " where query is");
        const int64_t whole[] = {batch, heads, query.size(2), key.size(2)};
        bool does_fit = mask->dim() == 4;
        for (int i = 0; does_fit && i < 4; ++i) does_fit = mask->size(i) == 1 || mask->size(i) == whole[i];
        TORCH_CHECK_VALUE(does_fit, "exact_attention: attn_mask has shape ", mask->sizes(),
                          ", expected one that broadcasts to ", at::IntArrayRef(whole, 4));
    }
    TORCH_CHECK_VALUE(options.dropout_p >= 0 && options.dropout_p <= 1, "exact_attention: dropout_p is ",
                      options.dropout_p, ", expected a share from 0 to 1");
    TORCH_CHECK_VALUE(options.offset >= 0 && options.offset < int64_t{1} << 32, "exact_attention: offset is ",
                      options.offset, ", expected a number from 0 to 2^32 - 1");
}

inline void check_attention_backward(const at::Tensor& gradient, const at::Tensor& query, const at::Tensor& value,
                                     const std::optional<at::Tensor>& mask, const at::Tensor& out,
                                     const at::Tensor& highest, const at::Tensor& reciprocal, bool is_mask_wanted) {
    const int64_t whole[] = {query.size(0), query.size(1), query.size(2), value.size(3)};
    const at::IntArrayRef shape(whole, 4);
    for (const auto& [name, of] : {std::pair{"gradient", gradient}, {"out", out}}) {
        check_like_query(name, of, query);
        TORCH_CHECK_VALUE(of.sizes() == shape, "exact_attention: ", name, " has shape ", of.sizes(), ", expected ",
                          shape);
    }
    for (const auto& [name, of] : {std::pair{"highest", highest}, {"reciprocal", reciprocal}}) {
        TORCH_CHECK_VALUE(of.sizes() == shape.slice(0, 3) && of.scalar_type() == wider_of(query.scalar_type()) &&
                              of.device() == query.device(),
                          "exact_attention: ", name, " is ", of.scalar_type(), " of shape ", of.sizes(), " on ",
                          of.device(), ", expected ", wider_of(query.scalar_type()), " of ", shape.slice(0, 3), " on ",
                          query.device());
    }
    TORCH_CHECK_VALUE(!is_mask_wanted || (mask && mask->scalar_type() != at::kBool),
                      "exact_attention: attn_mask has no gradient, expected a mask of numbers");
}

// Sums of float or double as numbers of the mask; of no mask, none.
inline at::Tensor finish_mask_gradient(const at::Tensor& sums, const std::optional<at::Tensor>& mask,
                                       const at::Tensor& query) {
    if (!sums.defined()) return at::empty({0}, query.options());
    const double nan = std::numeric_limits<double>::quiet_NaN();
    // After the conversion: torch's own gives a NaN of bfloat16 other bits.
    return sums.to(mask->scalar_type()).masked_fill_(sums.isnan(), nan);
}

// What all heads have in common; the matrices of one are set beside them.
inline AttentionHead attention_of(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                                  const std::optional<at::Tensor>& mask, const AttentionOptions& options) {
    AttentionHead head{};
    head.dtype = dtype_of(query.scalar_type());
    head.queries = query.size(2);
    head.keys = key.size(2);
    head.width = query.size(3);
    head.value_width = value.size(3);
    head.scale =
        options.scale ? *options.scale : 1.0 / std::sqrt(static_cast<double>(std::max<int64_t>(1, head.width)));
    head.is_causal = options.is_causal;
    head.mask_kind = !mask ? MaskKind::none : mask->scalar_type() == at::kBool ? MaskKind::allowed : MaskKind::added;
    if (head.mask_kind == MaskKind::added) head.mask_dtype = dtype_of(mask->scalar_type());
    const bool is_all = options.dropout_p >= 1;
    const uint64_t seed = static_cast<uint64_t>(options.seed);
    head.dropout.is_on = options.dropout_p > 0;
    head.dropout.is_all = is_all;
    head.dropout.threshold = is_all ? 0 : static_cast<uint32_t>(options.dropout_p * 0x1p32);
    head.dropout.scale = is_all ? 0 : 1 / (1 - options.dropout_p);
    head.dropout.key = {{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)}};
    head.dropout.offset = static_cast<uint32_t>(options.offset);
    return head;
}

// The step of a dimension that may be one for all.
inline int64_t shared_step(const at::Tensor& of, int64_t dim) { return of.size(dim) == 1 ? 0 : of.stride(dim); }

// Where head `which` of batch `batch` begins. Where there are no numbers there may be no memory.
inline int64_t head_bytes(const at::Tensor& of, int64_t batch, int64_t which) {
    if (of.numel() == 0) return 0;
    return (batch * shared_step(of, 0) + which * shared_step(of, 1)) * of.element_size();
}

inline Matrix head_matrix(const at::Tensor& of, int64_t batch, int64_t which) {
    return {static_cast<const char*>(of.const_data_ptr()) + head_bytes(of, batch, which), of.stride(2), of.stride(3)};
}

inline MutableMatrix mutable_head_matrix(const at::Tensor& of, int64_t batch, int64_t which) {
    return {static_cast<char*>(of.mutable_data_ptr()) + head_bytes(of, batch, which), of.stride(2), of.stride(3)};
}

// How many of query's heads share one of key's.
inline int64_t heads_of_a_key(const at::Tensor& query, const at::Tensor& key) {
    return std::max<int64_t>(1, query.size(1) / std::max<int64_t>(1, key.size(1)));
}

// What comes out, not yet written: [batch, heads, queries, value width], in memory as torch's own attention lays it
// out, rows before heads; and of each row the highest score and the reciprocal of the sum.
struct AttentionResult {
    at::Tensor out, highest, reciprocal;

    AttentionResult(const at::Tensor& query, const at::Tensor& value)
        : out(at::empty({query.size(0), query.size(2), query.size(1), value.size(3)}, query.options()).transpose(1, 2)),
          highest(at::empty({query.size(0), query.size(1), query.size(2)},
                            query.options().dtype(wider_of(query.scalar_type())))),
          reciprocal(at::empty_like(highest)) {}
};

}  // namespace within
