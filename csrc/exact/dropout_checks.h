// What the tensors and numbers of dropout must be.
#pragma once

#include <ATen/ATen.h>

#include <cmath>
#include <optional>

#include "core/tensors.h"
#include "exact/dropout.h"

namespace within {

// The task but for where numbers lie; x is contiguous, p below 1.
inline DropoutTask dropout_task(const at::Tensor& x, const std::optional<at::Tensor>& sample_ids, double p, int64_t key,
                                int64_t step, int64_t shared) {
    TORCH_CHECK_VALUE(has_dtype(x.scalar_type()), "exact_dropout: x is ", x.scalar_type(),
                      ", expected float64, float32, float16 or bfloat16");
    TORCH_CHECK_VALUE(p >= 0 && p <= 1, "exact_dropout: p is ", p, ", expected a share in [0, 1]");
    TORCH_CHECK_VALUE(step >= 0 && step <= 0xffffffff, "exact_dropout: step is ", step, ", expected [0, 2^32)");
    const int64_t samples = x.dim() == 0 ? 1 : x.size(0), row = samples == 0 ? 0 : x.numel() / samples;
    TORCH_CHECK_VALUE(shared >= 1 && row % shared == 0, "exact_dropout: shared is ", shared,
                      ", expected a divisor of a sample's ", row, " numbers");
    TORCH_CHECK_VALUE(row / shared <= int64_t{1} << 34, "exact_dropout: a sample has ", row / shared,
                      " masks, expected at most 2^34");
    if (sample_ids) {
        TORCH_CHECK_VALUE(sample_ids->scalar_type() == at::kLong && sample_ids->dim() == 1 && x.dim() > 0 &&
                              sample_ids->size(0) == samples && sample_ids->device() == x.device(),
                          "exact_dropout: sample_ids is ", sample_ids->scalar_type(), " ", sample_ids->sizes(), " on ",
                          sample_ids->device(), ", expected int64 [", samples, "] on ", x.device(),
                          ", one for each of the first dimension of x");
    }
    const uint64_t words = static_cast<uint64_t>(key);
    return {dtype_of(x.scalar_type()),
            nullptr,
            nullptr,
            row,
            shared,
            static_cast<uint32_t>(p == 1 ? 0xffffffffu : std::min(std::nearbyint(p * 0x1p32), 0x1p32 - 1)),
            1 / (1 - p),
            {{static_cast<uint32_t>(words), static_cast<uint32_t>(words >> 32)}},
            static_cast<uint32_t>(step),
            0,
            0,
            nullptr};
}

}  // namespace within
