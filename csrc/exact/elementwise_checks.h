// What the tensors of an elementwise function must be.
#pragma once

#include <ATen/ATen.h>

#include <string_view>

#include "core/tensors.h"
#include "exact/elementwise.h"

namespace within {

inline Unary unary_named(std::string_view name) {
    for (size_t i = 0; i < std::size(kUnaryNames); ++i)
        if (name == kUnaryNames[i]) return static_cast<Unary>(i);
    TORCH_CHECK_VALUE(false, "exact_unary: function is ", name, ", expected exp, log, ... of within_wf.ops.exact");
}

inline void check_unary(const at::Tensor& x) {
    TORCH_CHECK_VALUE(has_dtype(x.scalar_type()), "exact_unary: x is ", x.scalar_type(),
                      ", expected float64, float32, float16 or bfloat16");
}

inline void check_unary_backward(const at::Tensor& gradient, const at::Tensor& saved) {
    check_unary(saved);
    TORCH_CHECK_VALUE(gradient.scalar_type() == saved.scalar_type() && gradient.sizes() == saved.sizes() &&
                          gradient.device() == saved.device(),
                      "exact_unary_backward: gradient is ", gradient.scalar_type(), " ", gradient.sizes(), " on ",
                      gradient.device(), ", expected ", saved.scalar_type(), " ", saved.sizes(), " on ", saved.device(),
                      " as saved");
}

// Itself where its numbers fill its memory, in whatever order of dimensions; a copy that does where not.
inline at::Tensor dense(const at::Tensor& x) {
    return x.is_non_overlapping_and_dense() ? x : at::empty_like(x).copy_(x);
}
// In the order of other's memory.
inline at::Tensor laid_out_as(const at::Tensor& x, const at::Tensor& other) {
    return x.strides() == other.strides() ? x : at::empty_like(other).copy_(x);
}

}  // namespace within
