// What the tensors of drift must be.
#pragma once

#include <ATen/ATen.h>

#include <optional>

namespace within {

inline void check_drift_sample(const char* name, const at::Tensor& sample, const at::Tensor& reference) {
    const auto type = sample.scalar_type();
    TORCH_CHECK_VALUE(type == at::kDouble || type == at::kFloat, "drift_metrics: ", name, " is ", type,
                      ", expected float64 or float32");
    TORCH_CHECK_VALUE(sample.dim() == 2, "drift_metrics: ", name, " has shape ", sample.sizes(),
                      ", expected [N] or [N, columns]");
    TORCH_CHECK_VALUE(type == reference.scalar_type(), "drift_metrics: ", name, " is ", type, ", expected ",
                      reference.scalar_type(), " as reference is");
    TORCH_CHECK_VALUE(sample.size(1) == reference.size(1), "drift_metrics: ", name, " has ", sample.size(1),
                      " columns, expected ", reference.size(1), " as reference has");
    TORCH_CHECK_VALUE(sample.device() == reference.device(), "drift_metrics: ", name, " is on ", sample.device(),
                      ", expected ", reference.device(), " where reference is");
    TORCH_CHECK_VALUE(sample.size(0) < int64_t{1} << 31, "drift_metrics: ", name, " has ", sample.size(0),
                      " rows, expected fewer than 2^31");
}

inline void check_drift_weights(const char* name, const std::optional<at::Tensor>& weights, const at::Tensor& sample) {
    if (!weights) return;
    const auto type = weights->scalar_type();
    TORCH_CHECK_VALUE(type == at::kDouble || type == at::kFloat, "drift_metrics: ", name, " is ", type,
                      ", expected float64 or float32");
    TORCH_CHECK_VALUE(weights->dim() == 1 && weights->size(0) == sample.size(0), "drift_metrics: ", name, " has shape ",
                      weights->sizes(), ", expected [", sample.size(0), "], one for each row");
    TORCH_CHECK_VALUE(weights->device() == sample.device(), "drift_metrics: ", name, " is on ", weights->device(),
                      ", expected ", sample.device(), " where reference is");
}

inline void check_drift(const at::Tensor& reference, const at::Tensor& current, int64_t bins,
                        const std::optional<at::Tensor>& reference_weights,
                        const std::optional<at::Tensor>& current_weights) {
    check_drift_sample("reference", reference, reference);
    check_drift_sample("current", current, reference);
    check_drift_weights("reference_weights", reference_weights, reference);
    check_drift_weights("current_weights", current_weights, current);
    TORCH_CHECK_VALUE(bins >= 1, "drift_metrics: bins is ", bins, ", expected 1 or more");
}

inline void check_drift_group(const char* name, const at::Tensor& groups, const at::Tensor& sample) {
    TORCH_CHECK_VALUE(groups.scalar_type() == at::kLong, "drift_metrics: ", name, " is ", groups.scalar_type(),
                      ", expected int64");
    TORCH_CHECK_VALUE(groups.dim() == 1 && groups.size(0) == sample.size(0), "drift_metrics: ", name, " has shape ",
                      groups.sizes(), ", expected [", sample.size(0), "], one for each row");
    TORCH_CHECK_VALUE(groups.device() == sample.device(), "drift_metrics: ", name, " is on ", groups.device(),
                      ", expected ", sample.device(), " where reference is");
}

inline void check_drift_groups(const at::Tensor& reference, const at::Tensor& current,
                               const std::optional<at::Tensor>& reference_groups,
                               const std::optional<at::Tensor>& current_groups, int64_t num_groups) {
    TORCH_CHECK_VALUE(reference_groups.has_value() == current_groups.has_value(),
                      "drift_metrics: ", reference_groups ? "reference_groups" : "current_groups",
                      " is given alone, expected ", reference_groups ? "current_groups" : "reference_groups",
                      " with it, or neither");
    TORCH_CHECK_VALUE(num_groups >= 0, "drift_metrics: num_groups is ", num_groups, ", expected 0 or more");
    if (!reference_groups) return;
    check_drift_group("reference_groups", *reference_groups, reference);
    check_drift_group("current_groups", *current_groups, current);
}

[[noreturn]] inline void refuse_drift_value(const char* name, int64_t row, int64_t column, double value) {
    TORCH_CHECK_VALUE(false, "drift_metrics: ", name, "[", row, ", ", column, "] is ", value,
                      ", expected a finite number");
    std::abort();
}

[[noreturn]] inline void refuse_drift_weight(const char* name, int64_t row, double value) {
    TORCH_CHECK_VALUE(false, "drift_metrics: ", name, "[", row, "] is ", value,
                      ", expected a finite number, 0 or more");
    std::abort();
}

}  // namespace within
