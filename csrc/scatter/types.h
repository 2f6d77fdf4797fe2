// What the tensors of a scatter must be, and the format of each dtype.
#pragma once

#include <ATen/core/Tensor.h>

#include "core/exact_accumulator.h"

namespace within {

template <typename T>
struct FormatOf;
template <>
struct FormatOf<double> {
    static constexpr Format value = kFloat64;
};
template <>
struct FormatOf<float> {
    static constexpr Format value = kFloat32;
};
template <>
struct FormatOf<at::Half> {
    static constexpr Format value = kFloat16;
};
template <>
struct FormatOf<at::BFloat16> {
    static constexpr Format value = kBFloat16;
};

inline void check_scatter(const at::Tensor& values, const at::Tensor& index, int64_t dim_size) {
    TORCH_CHECK_VALUE(values.is_floating_point(), "scatter: values is ", values.scalar_type(),
                      ", expected float64, float32, float16 or bfloat16");
    TORCH_CHECK_VALUE(values.dim() >= 1, "scatter: values has no dimension, expected [N, ...]");
    TORCH_CHECK_VALUE(index.scalar_type() == at::kLong, "scatter: index is ", index.scalar_type(), ", expected int64");
    TORCH_CHECK_VALUE(index.dim() == 1 && index.size(0) == values.size(0), "scatter: index has shape ", index.sizes(),
                      ", expected [", values.size(0), "] as values has ", values.size(0), " rows");
    TORCH_CHECK_VALUE(index.device() == values.device(), "scatter: index is on ", index.device(), ", expected ",
                      values.device(), " where values is");
    TORCH_CHECK_VALUE(dim_size >= 0, "scatter: dim_size is ", dim_size, ", expected 0 or more");
}

}  // namespace within
