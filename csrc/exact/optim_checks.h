// What the tensors of optimizers must be.
#pragma once

#include <ATen/ATen.h>

#include <cmath>
#include <vector>

#include "core/tensors.h"
#include "exact/optim.h"

namespace within {

inline void check_numbers(const char* op, const char* name, at::TensorList tensors) {
    for (size_t i = 0; i < tensors.size(); ++i) {
        TORCH_CHECK_VALUE(tensors[i].layout() == at::kStrided && has_dtype(tensors[i].scalar_type()), op, ": ", name,
                          "[", i, "] is ", tensors[i].scalar_type(), ", ", tensors[i].layout(),
                          ", expected dense float32, float64, float16 or bfloat16");
        TORCH_CHECK_VALUE(tensors[i].device() == tensors[0].device(), op, ": ", name, "[", i, "] is on ",
                          tensors[i].device(), ", expected ", tensors[0].device(), " where ", name, "[0] is");
    }
}

inline void check_as_parameters(const char* op, const char* name, at::TensorList tensors, at::TensorList parameters) {
    TORCH_CHECK_VALUE(tensors.size() == parameters.size(), op, ": ", name, " has ", tensors.size(),
                      " tensors, expected ", parameters.size(), " as parameters has");
    for (size_t i = 0; i < tensors.size(); ++i) {
        const at::Tensor &of = tensors[i], &parameter = parameters[i];
        TORCH_CHECK_VALUE(of.layout() == at::kStrided, op, ": ", name, "[", i, "] is ", of.layout(),
                          ", expected a dense tensor");
        TORCH_CHECK_VALUE(of.scalar_type() == parameter.scalar_type() && of.device() == parameter.device() &&
                              of.sizes() == parameter.sizes(),
                          op, ": ", name, "[", i, "] is ", of.scalar_type(), " of shape ", of.sizes(), " on ",
                          of.device(), ", expected ", parameter.scalar_type(), " of shape ", parameter.sizes(), " on ",
                          parameter.device(), " as its parameter");
    }
}

// b^exponent, by squares of b for the exponent's bits from the lowest.
inline double power(double base, int64_t exponent) {
    double result = 1;
    for (; exponent > 0; exponent >>= 1, base = base * base)
        if (exponent & 1) result = result * base;
    return result;
}

// Of the step-th step, counted from 1.
inline AdamRates adam_rates(int64_t step, double lr, double beta1, double beta2, double eps, double weight_decay,
                            bool is_decoupled, bool maximize, bool has_largest) {
    AdamRates rates{};
    rates.keep = 1 - lr * weight_decay;
    rates.decay = weight_decay;
    rates.mean_share = 1 - beta1;
    rates.square_keep = beta2;
    rates.square_share = 1 - beta2;
    rates.spread = 1 / std::sqrt(1 - power(beta2, step));
    rates.eps = eps;
    rates.rate = lr / (1 - power(beta1, step));
    rates.is_decoupled = is_decoupled;
    rates.is_decayed = weight_decay != 0;
    rates.is_maximized = maximize;
    rates.has_largest = has_largest;
    return rates;
}

inline SgdRates sgd_rates(double lr, double momentum, double dampening, double weight_decay, bool nesterov,
                          bool maximize, bool is_first) {
    return {lr, weight_decay, momentum, 1 - dampening, weight_decay != 0, maximize, nesterov, is_first};
}

inline Norm norm_named(double norm_type) {
    TORCH_CHECK_VALUE(norm_type == 1 || norm_type == 2 || norm_type == std::numeric_limits<double>::infinity(),
                      "exact_total_norm: norm_type is ", norm_type, ", expected 1, 2 or inf");
    return norm_type == 1 ? Norm::absolute : norm_type == 2 ? Norm::squares : Norm::largest;
}

inline at::ScalarType norm_dtype(at::TensorList tensors) {
    for (const at::Tensor& tensor : tensors)
        if (tensor.scalar_type() == at::kDouble) return at::kDouble;
    return at::kFloat;
}

inline void check_clip(const char* op, at::TensorList tensors, const char* name, double limit) {
    check_numbers(op, "tensors", tensors);
    TORCH_CHECK_VALUE(limit >= 0, op, ": ", name, " is ", limit, ", expected 0 or more");
}

inline void check_total_norm(const at::Tensor& norm, at::TensorList tensors) {
    TORCH_CHECK_VALUE(norm.dim() == 0 && (norm.scalar_type() == at::kFloat || norm.scalar_type() == at::kDouble),
                      "exact_clip_norm_: norm is ", norm.scalar_type(), " of shape ", norm.sizes(),
                      ", expected a scalar, float32 or float64");
    TORCH_CHECK_VALUE(tensors.empty() || norm.device() == tensors[0].device(), "exact_clip_norm_: norm is on ",
                      norm.device(), ", expected ", tensors[0].device(), " where tensors[0] is");
}

// Tensors whose numbers lie in memory in one order, without gaps: copies of those that do not; what was written to
// copies is written back at the end.
class AlikeTensors {
  public:
    // Laid out as those of `like`, or each as it is where it has no gaps.
    explicit AlikeTensors(at::TensorList tensors, const AlikeTensors* like = nullptr) {
        own_.reserve(tensors.size());
        for (size_t i = 0; i < tensors.size(); ++i) {
            const at::Tensor& of = tensors[i];
            const bool fits =
                like == nullptr ? of.is_non_overlapping_and_dense() : of.strides() == (*like)[i].strides();
            own_.push_back(fits ? of : like == nullptr ? of.contiguous() : at::empty_like((*like)[i]).copy_(of));
            if (!fits) copied_.push_back(i);
        }
    }
    const at::Tensor& operator[](size_t i) const { return own_[i]; }
    void write_back(at::TensorList tensors) const {
        for (const size_t i : copied_) tensors[i].copy_(own_[i]);
    }

  private:
    std::vector<at::Tensor> own_;
    std::vector<size_t> copied_;
};

// Tells torch that a tensor is written to.
inline void mark_written(at::TensorList tensors) {
    for (const at::Tensor& tensor : tensors) tensor.unsafeGetTensorImpl()->bump_version();
}

// The tensors of a step of Adam.
struct AdamTensors {
    AlikeTensors parameters, gradients, means, squares, largest;
    std::vector<int64_t> steps;  // with this one

    AdamTensors(at::TensorList of, at::TensorList gradient_of, at::TensorList mean_of, at::TensorList square_of,
                at::TensorList largest_of, at::TensorList step_of)
        : parameters(of),
          gradients(gradient_of, &parameters),
          means(mean_of, &parameters),
          squares(square_of, &parameters),
          largest(largest_of, &parameters) {
        for (const at::Tensor& step : step_of) {
            if (step.is_cpu() && step.scalar_type() == at::kFloat) {
                steps.push_back(static_cast<int64_t>(*step.mutable_data_ptr<float>() += 1));
            } else {
                step.add_(1);
                steps.push_back(step.item<int64_t>());
            }
        }
    }
    void write_back(at::TensorList of, at::TensorList mean_of, at::TensorList square_of,
                    at::TensorList largest_of) const {
        parameters.write_back(of);
        means.write_back(mean_of);
        squares.write_back(square_of);
        largest.write_back(largest_of);
    }
};

inline void check_adam(at::TensorList parameters, at::TensorList gradients, at::TensorList means,
                       at::TensorList squares, at::TensorList largest, at::TensorList steps) {
    constexpr const char* kName = "exact_adam_";
    check_numbers(kName, "parameters", parameters);
    check_as_parameters(kName, "gradients", gradients, parameters);
    check_as_parameters(kName, "means", means, parameters);
    check_as_parameters(kName, "squares", squares, parameters);
    if (!largest.empty()) check_as_parameters(kName, "largest", largest, parameters);
    TORCH_CHECK_VALUE(steps.size() == parameters.size(), kName, ": steps has ", steps.size(), " tensors, expected ",
                      parameters.size(), " as parameters has");
    for (size_t i = 0; i < steps.size(); ++i)
        TORCH_CHECK_VALUE(steps[i].numel() == 1 && steps[i].is_floating_point(), kName, ": steps[", i, "] is ",
                          steps[i].scalar_type(), " of shape ", steps[i].sizes(), ", expected one float32");
}

inline void check_sgd(at::TensorList parameters, at::TensorList gradients, at::TensorList momenta, double momentum) {
    constexpr const char* kName = "exact_sgd_";
    check_numbers(kName, "parameters", parameters);
    check_as_parameters(kName, "gradients", gradients, parameters);
    if (momentum != 0 || !momenta.empty()) check_as_parameters(kName, "momenta", momenta, parameters);
}

}  // namespace within
