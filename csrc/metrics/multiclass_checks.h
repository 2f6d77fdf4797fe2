// What the tensors of multiclass metrics must be.
#pragma once

#include <ATen/ATen.h>

#include <cmath>
#include <optional>

#include "metrics/weights.h"

namespace within {

inline void check_multiclass(const at::Tensor& probabilities, const at::Tensor& labels) {
    const auto type = probabilities.scalar_type();
    TORCH_CHECK_VALUE(type == at::kDouble || type == at::kFloat, "multiclass_metrics: probabilities is ", type,
                      ", expected float64 or float32");
    TORCH_CHECK_VALUE(probabilities.dim() == 2 && probabilities.size(1) >= 2, "multiclass_metrics: probabilities has ",
                      "shape ", probabilities.sizes(), ", expected [N, C] with 2 classes or more");
    TORCH_CHECK_VALUE(probabilities.size(0) < int64_t{1} << 30, "multiclass_metrics: probabilities has ",
                      probabilities.size(0), " rows, expected fewer than 2^30");
    TORCH_CHECK_VALUE(labels.scalar_type() == at::kLong, "multiclass_metrics: labels is ", labels.scalar_type(),
                      ", expected int64");
    TORCH_CHECK_VALUE(labels.dim() == 1 && labels.size(0) == probabilities.size(0),
                      "multiclass_metrics: labels has shape ", labels.sizes(), ", expected [", probabilities.size(0),
                      "] as probabilities has ", probabilities.size(0), " rows");
    TORCH_CHECK_VALUE(labels.device() == probabilities.device(), "multiclass_metrics: labels is on ", labels.device(),
                      ", expected ", probabilities.device(), " where probabilities is");
}

// Weightings [R, N], groups [N].
inline void check_multiclass_parts(const at::Tensor& probabilities, const std::optional<at::Tensor>& weights,
                                   const std::optional<at::Tensor>& groups, int64_t num_groups) {
    const int64_t rows = probabilities.size(0);
    if (weights.has_value()) {
        TORCH_CHECK_VALUE(weights->scalar_type() == at::kDouble, "multiclass_metrics: weights is ",
                          weights->scalar_type(), ", expected float64");
        TORCH_CHECK_VALUE(weights->dim() == 2 && weights->size(1) == rows, "multiclass_metrics: weights has shape ",
                          weights->sizes(), ", expected [R, ", rows, "] as probabilities has ", rows, " rows");
        TORCH_CHECK_VALUE(weights->device() == probabilities.device(), "multiclass_metrics: weights is on ",
                          weights->device(), ", expected ", probabilities.device(), " where probabilities is");
    }
    TORCH_CHECK_VALUE(num_groups >= 0, "multiclass_metrics: num_groups is ", num_groups, ", expected 0 or more");
    if (!groups.has_value()) return;
    TORCH_CHECK_VALUE(groups->scalar_type() == at::kLong, "multiclass_metrics: groups is ", groups->scalar_type(),
                      ", expected int64");
    TORCH_CHECK_VALUE(groups->dim() == 1 && groups->size(0) == rows, "multiclass_metrics: groups has shape ",
                      groups->sizes(), ", expected [", rows, "] as probabilities has ", rows, " rows");
    TORCH_CHECK_VALUE(groups->device() == probabilities.device(), "multiclass_metrics: groups is on ", groups->device(),
                      ", expected ", probabilities.device(), " where probabilities is");
}

// Refuses the first weight, in the order of rows, that is none.
[[noreturn]] inline void refuse_multiclass_weight(const at::Tensor& weights, int64_t at) {
    const int64_t rows = weights.size(1);
    const double value = weights.reshape(-1)[at].item<double>();
    if (weights.size(0) == 1)
        TORCH_CHECK_VALUE(false, "multiclass_metrics: weights[", at, "] is ", value,
                          ", expected a number from 0 to 2^960");
    TORCH_CHECK_VALUE(false, "multiclass_metrics: weights[", at / rows, ", ", at % rows, "] is ", value,
                      ", expected a number from 0 to 2^960");
    std::abort();
}

// Names what is wrong in a row that is refused.
[[noreturn]] inline void refuse_multiclass_row(const at::Tensor& probabilities, const at::Tensor& labels, int64_t row) {
    const int64_t classes = probabilities.size(1), label = labels[row].item<int64_t>();
    TORCH_CHECK_INDEX(label >= 0 && label < classes, "multiclass_metrics: labels[", row, "] is ", label,
                      ", expected 0 to C - 1 = ", classes - 1);
    const at::Tensor values = probabilities[row].to(at::kDouble).to(at::kCPU).contiguous();
    for (int64_t c = 0; c < classes; ++c) {
        const double value = values.const_data_ptr<double>()[c];
        TORCH_CHECK_VALUE(value >= 0 && value <= 1, "multiclass_metrics: probabilities[", row, ", ", c, "] is ", value,
                          ", expected a number from 0 to 1");
    }
    std::abort();
}

}  // namespace within
