// What the tensors of a bootstrap's resamples must be.
#pragma once

#include <ATen/ATen.h>

#include <optional>

namespace within {

inline void check_resample(const at::Tensor& units, const std::optional<at::Tensor>& weights, int64_t size,
                           int64_t first, int64_t count) {
    TORCH_CHECK_VALUE(units.scalar_type() == at::kLong, "resample_weights: units is ", units.scalar_type(),
                      ", expected int64");
    TORCH_CHECK_VALUE(units.dim() == 1, "resample_weights: units has shape ", units.sizes(), ", expected [N]");
    TORCH_CHECK_VALUE(size >= 0 && size < int64_t{1} << 31, "resample_weights: size is ", size,
                      ", expected 0 to 2^31 - 1");
    TORCH_CHECK_VALUE(first >= 0 && count >= 0, "resample_weights: resamples ", first, " to ", first + count,
                      ", expected none below 0");
    if (!weights.has_value()) return;
    TORCH_CHECK_VALUE(weights->scalar_type() == at::kDouble, "resample_weights: weights is ", weights->scalar_type(),
                      ", expected float64");
    TORCH_CHECK_VALUE(weights->sizes() == units.sizes(), "resample_weights: weights has shape ", weights->sizes(),
                      ", expected ", units.sizes(), " as units");
    TORCH_CHECK_VALUE(weights->device() == units.device(), "resample_weights: weights is on ", weights->device(),
                      ", expected ", units.device(), " where units is");
}

[[noreturn]] inline void refuse_unit(int64_t row, int64_t unit, int64_t size) {
    TORCH_CHECK_INDEX(false, "resample_weights: units[", row, "] is ", unit, ", expected 0 to size - 1 = ", size - 1);
    std::abort();
}

}  // namespace within
