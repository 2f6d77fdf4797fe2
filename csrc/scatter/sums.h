// What the sources of the family share on the CPU.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>

namespace within {

// Makes the values of rows [begin, end), before these are read.
using Prepare = std::function<void(int64_t begin, int64_t end)>;

// Exact sums, rounded to float64, of values that `prepare` makes, piece by piece; most are below 2^(exponent + 1). Both
// tensors are contiguous, and the index was checked.
at::Tensor sums_in_float64(const at::Tensor& values, const at::Tensor& index, int64_t dim_size, int exponent,
                           const Prepare& prepare);

}  // namespace within
