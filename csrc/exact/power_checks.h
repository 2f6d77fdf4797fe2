// What the tensors of a power must be.
#pragma once

#include <ATen/ATen.h>

#include "core/tensors.h"
#include "exact/power.h"

namespace within {

inline void check_pow(const at::Tensor& x, const at::Tensor& y) {
    TORCH_CHECK_VALUE(has_dtype(x.scalar_type()), "exact_pow: x is ", x.scalar_type(),
                      ", expected float64, float32, float16 or bfloat16");
    TORCH_CHECK_VALUE(y.scalar_type() == x.scalar_type() && y.device() == x.device(), "exact_pow: y is ",
                      y.scalar_type(), " on ", y.device(), ", expected ", x.scalar_type(), " on ", x.device(), " as x");
    TORCH_CHECK_VALUE(x.dim() == 0 || y.dim() == 0 || x.sizes() == y.sizes(), "exact_pow: y has shape ", y.sizes(),
                      ", expected ", x.sizes(), " as x, or one number");
}

inline void check_pow_backward(const at::Tensor& gradient, const at::Tensor& x, const at::Tensor& y) {
    check_pow(x, y);
    const at::Tensor& result = x.dim() == 0 ? y : x;
    TORCH_CHECK_VALUE(gradient.scalar_type() == x.scalar_type() && gradient.sizes() == result.sizes() &&
                          gradient.device() == x.device(),
                      "exact_pow_backward: gradient is ", gradient.scalar_type(), " ", gradient.sizes(), " on ",
                      gradient.device(), ", expected ", x.scalar_type(), " ", result.sizes(), " on ", x.device());
}

// gradient is undefined for the value; pointers are to contiguous tensors that the caller keeps.
inline PowerTask power_task(PowerPart part, const at::Tensor& gradient, const at::Tensor& x, const at::Tensor& y,
                            const at::Tensor& out) {
    return {dtype_of(x.scalar_type()),
            part,
            gradient.defined() ? gradient.const_data_ptr() : nullptr,
            x.const_data_ptr(),
            y.const_data_ptr(),
            x.dim() == 0,
            y.dim() == 0,
            0,
            out.numel(),
            out.mutable_data_ptr()};
}

}  // namespace within
