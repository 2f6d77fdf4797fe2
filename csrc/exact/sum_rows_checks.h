// What the tensor of a sum over rows must be.
#pragma once

#include "core/tensors.h"
#include "exact/sum_rows.h"

namespace within {

inline void check_sum_rows(const at::Tensor& x) {
    TORCH_CHECK_VALUE(has_dtype(x.scalar_type()), "exact_sum_rows: x is ", x.scalar_type(),
                      ", expected float32, float64, float16 or bfloat16");
    TORCH_CHECK_VALUE(x.dim() == 2, "exact_sum_rows: x has shape ", x.sizes(), ", expected [rows, columns]");
}

// Its columns side by side.
inline at::Tensor with_flat_rows(const at::Tensor& x) {
    return x.stride(1) == 1 || x.size(1) == 1 ? x : x.contiguous();
}

}  // namespace within
