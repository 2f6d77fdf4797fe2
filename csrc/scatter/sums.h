// What the sources of the family share on the CPU.
#pragma once

#include <ATen/core/Tensor.h>

namespace within {

// Exact sums, rounded to float64.
at::Tensor sums_in_float64(const at::Tensor& values, const at::Tensor& index, int64_t dim_size);

}  // namespace within
