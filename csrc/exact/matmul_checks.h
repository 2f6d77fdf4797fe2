// What the tensors of a matrix product must be.
#pragma once

#include <ATen/ATen.h>

#include <optional>

#include "core/tensors.h"
#include "exact/matmul.h"

namespace within {

inline void check_matmul(const at::Tensor& a, const at::Tensor& b, const std::optional<at::Tensor>& bias) {
    const auto dtype = a.scalar_type();
    TORCH_CHECK_VALUE(has_dtype(dtype), "exact_matmul: a is ", dtype,
                      ", expected float32, float64, float16 or bfloat16");
    TORCH_CHECK_VALUE(a.dim() == 3, "exact_matmul: a has shape ", a.sizes(), ", expected [batch, rows, depth]");
    TORCH_CHECK_VALUE(b.dim() == 3 && b.size(0) == a.size(0) && b.size(1) == a.size(2), "exact_matmul: b has shape ",
                      b.sizes(), ", expected [", a.size(0), ", ", a.size(2), ", columns] beside a of ", a.sizes());
    TORCH_CHECK_VALUE(!bias || (bias->dim() == 1 && bias->size(0) == b.size(2)), "exact_matmul: bias has shape ",
                      bias ? bias->sizes() : at::IntArrayRef(), ", expected [", b.size(2), "]");
    for (const auto& [name, other] : {std::pair{"b", std::optional(b)}, {"bias", bias}}) {
        if (!other) continue;
        TORCH_CHECK_VALUE(other->scalar_type() == dtype, "exact_matmul: ", name, " is ", other->scalar_type(),
                          ", expected ", dtype, " as a");
        TORCH_CHECK_VALUE(other->device() == a.device(), "exact_matmul: ", name, " is on ", other->device(),
                          ", expected ", a.device(), " where a is");
    }
}

inline Matrix matrix_of(const at::Tensor& batch, int64_t which) {
    const char* const data = static_cast<const char*>(batch.const_data_ptr());
    // Where there are no numbers there may be no memory.
    const int64_t offset = batch.numel() == 0 ? 0 : which * batch.stride(0) * batch.element_size();
    return {data + offset, batch.stride(1), batch.stride(2)};
}

}  // namespace within
