// What the tensors of binary metrics must be.
#pragma once

#include <ATen/ATen.h>

#include <optional>

namespace within {

constexpr int64_t kMostBins = 1 << 16;

inline void check_column(const char* name, const at::Tensor& column, const at::Tensor& scores) {
    TORCH_CHECK_VALUE(column.dim() == 1 && column.size(0) == scores.size(0), "binary_metrics: ", name, " has shape ",
                      column.sizes(), ", expected [", scores.size(0), "] as scores has");
    TORCH_CHECK_VALUE(column.device() == scores.device(), "binary_metrics: ", name, " is on ", column.device(),
                      ", expected ", scores.device(), " where scores is");
}

inline bool is_float_or_double(const at::Tensor& tensor) {
    return tensor.scalar_type() == at::kFloat || tensor.scalar_type() == at::kDouble;
}

inline void check_binary(const at::Tensor& scores, const at::Tensor& labels, const std::optional<at::Tensor>& weights,
                         const std::optional<at::Tensor>& groups, int64_t num_groups, double threshold, int64_t bins) {
    TORCH_CHECK_VALUE(is_float_or_double(scores), "binary_metrics: scores is ", scores.scalar_type(),
                      ", expected float32 or float64");
    TORCH_CHECK_VALUE(scores.dim() == 1, "binary_metrics: scores has shape ", scores.sizes(), ", expected [N]");
    TORCH_CHECK_VALUE(scores.size(0) < (int64_t{1} << 31), "binary_metrics: scores has ", scores.size(0),
                      " rows, expected fewer than 2^31");
    check_column("labels", labels, scores);
    TORCH_CHECK_VALUE(!labels.is_complex(), "binary_metrics: labels is ", labels.scalar_type(),
                      ", expected bool, an integer or a float");
    if (weights) {
        check_column("weights", *weights, scores);
        TORCH_CHECK_VALUE(is_float_or_double(*weights), "binary_metrics: weights is ", weights->scalar_type(),
                          ", expected float32 or float64");
    }
    if (groups) {
        check_column("groups", *groups, scores);
        TORCH_CHECK_VALUE(groups->scalar_type() == at::kLong, "binary_metrics: groups is ", groups->scalar_type(),
                          ", expected int64");
    }
    TORCH_CHECK_VALUE(num_groups >= 0, "binary_metrics: num_groups is ", num_groups, ", expected 0 or more");
    TORCH_CHECK_VALUE(groups || num_groups == 0, "binary_metrics: num_groups is ", num_groups,
                      " and there are no groups");
    TORCH_CHECK_VALUE(threshold == threshold, "binary_metrics: threshold is NaN, expected a number");
    TORCH_CHECK_VALUE(bins >= 1 && bins <= kMostBins, "binary_metrics: bins is ", bins, ", expected 1 to ", kMostBins);
}

// Labels as bytes, int64, float32 or float64.
inline at::Tensor readable_labels(const at::Tensor& labels) {
    switch (labels.scalar_type()) {
        case at::kBool:
        case at::kByte:
        case at::kLong:
        case at::kFloat:
        case at::kDouble:
            return labels.contiguous();
        default:
            return labels.to(labels.is_floating_point() ? at::kFloat : at::kLong).contiguous();
    }
}

// The first row in question is named with what it holds.
[[noreturn]] inline void refuse_score(int64_t row, double score) {
    TORCH_CHECK_VALUE(false, "binary_metrics: scores[", row, "] is ", score, ", expected a number in [0, 1]");
    std::abort();
}
[[noreturn]] inline void refuse_label(int64_t row, double label) {
    TORCH_CHECK_VALUE(false, "binary_metrics: labels[", row, "] is ", label, ", expected 0 or 1");
    std::abort();
}
[[noreturn]] inline void refuse_weight(int64_t row, double weight) {
    TORCH_CHECK_VALUE(false, "binary_metrics: weights[", row, "] is ", weight, ", expected a number from 0 to 2^960");
    std::abort();
}

}  // namespace within
