// What the tensors of regression metrics must be.
#pragma once

#include <ATen/ATen.h>

#include <cmath>
#include <optional>

#include "metrics/regression_rows.h"

namespace within {

inline void check_regression_column(const char* name, const at::Tensor& column, const at::Tensor& predictions) {
    const auto type = column.scalar_type();
    TORCH_CHECK_VALUE(type == at::kDouble || type == at::kFloat, "regression_metrics: ", name, " is ", type,
                      ", expected float64 or float32");
    TORCH_CHECK_VALUE(column.dim() == 1, "regression_metrics: ", name, " has shape ", column.sizes(), ", expected [N]");
    TORCH_CHECK_VALUE(column.size(0) == predictions.size(0), "regression_metrics: ", name, " has shape ",
                      column.sizes(), ", expected [", predictions.size(0), "] as predictions has");
    TORCH_CHECK_VALUE(column.device() == predictions.device(), "regression_metrics: ", name, " is on ", column.device(),
                      ", expected ", predictions.device(), " where predictions is");
}

inline void check_regression(const at::Tensor& predictions, const at::Tensor& targets,
                             const std::optional<at::Tensor>& weights, const std::optional<at::Tensor>& groups,
                             int64_t num_groups, at::ArrayRef<double> quantiles) {
    check_regression_column("predictions", predictions, predictions);
    check_regression_column("targets", targets, predictions);
    TORCH_CHECK_VALUE(targets.scalar_type() == predictions.scalar_type(), "regression_metrics: targets is ",
                      targets.scalar_type(), ", expected ", predictions.scalar_type(), " as predictions is");
    TORCH_CHECK_VALUE(predictions.size(0) < int64_t{1} << 31, "regression_metrics: predictions has ",
                      predictions.size(0), " rows, expected fewer than 2^31");
    if (weights) check_regression_column("weights", *weights, predictions);
    TORCH_CHECK_VALUE(num_groups >= 0, "regression_metrics: num_groups is ", num_groups, ", expected 0 or more");
    if (groups) {
        TORCH_CHECK_VALUE(groups->scalar_type() == at::kLong, "regression_metrics: groups is ", groups->scalar_type(),
                          ", expected int64");
        TORCH_CHECK_VALUE(groups->dim() == 1 && groups->size(0) == predictions.size(0),
                          "regression_metrics: groups has shape ", groups->sizes(), ", expected [", predictions.size(0),
                          "] as predictions has");
        TORCH_CHECK_VALUE(groups->device() == predictions.device(), "regression_metrics: groups is on ",
                          groups->device(), ", expected ", predictions.device(), " where predictions is");
    }
    for (size_t i = 0; i < quantiles.size(); ++i)
        TORCH_CHECK_VALUE(quantiles[i] >= 0 && quantiles[i] <= 1, "regression_metrics: quantiles[", i, "] is ",
                          quantiles[i], ", expected 0 to 1");
}

[[noreturn]] inline void refuse_regression_value(RegressionInput input, int64_t row, double value) {
    const char* const name = input == RegressionInput::predictions ? "predictions"
                             : input == RegressionInput::targets   ? "targets"
                                                                   : "weights";
    const char* const expected = input == RegressionInput::weights ? "a number from 0 to 2^400" : "a finite number";
    TORCH_CHECK_VALUE(false, "regression_metrics: ", name, "[", row, "] is ", value, ", expected ", expected);
    std::abort();
}

}  // namespace within
