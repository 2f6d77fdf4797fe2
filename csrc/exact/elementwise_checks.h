// What the tensor of an elementwise function must be.
#pragma once

#include <ATen/ATen.h>

#include <string>

#include "exact/elementwise.h"

namespace within {

inline Unary unary_named(const std::string& name) {
    for (size_t i = 0; i < std::size(kUnaryNames); ++i)
        if (name == kUnaryNames[i]) return static_cast<Unary>(i);
    TORCH_CHECK_VALUE(false, "exact_unary: function is ", name, ", expected exp, log, ... of within_wf.ops.exact");
}

inline Dtype check_unary(const at::Tensor& x) {
    const auto dtype = x.scalar_type();
    TORCH_CHECK_VALUE(dtype == at::kFloat || dtype == at::kHalf || dtype == at::kBFloat16, "exact_unary: x is ", dtype,
                      ", expected float32, float16 or bfloat16");
    return dtype == at::kHalf ? Dtype::float16 : dtype == at::kBFloat16 ? Dtype::bfloat16 : Dtype::float32;
}

}  // namespace within
