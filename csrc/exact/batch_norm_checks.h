// What the tensors of batch normalisation must be, and how they lie.
#pragma once

#include "exact/batch_norm.h"
#include "exact/norm_checks.h"

namespace within {

struct BatchShape {
    at::Tensor x;  // contiguous in its memory format
    at::MemoryFormat format;
    bool is_columns;  // channels lie side by side
    int64_t samples;  // of columns, places too
    int64_t channels;
    int64_t length;

    int64_t count() const { return samples * length; }
    at::Tensor like() const { return at::empty(x.sizes(), x.options().memory_format(format)); }
    at::Tensor same(const at::Tensor& other) const { return other.contiguous(format); }
    SumLayout layout() const {
        SumLayout sums;
        if (is_columns) {
            sums.inner = channels;
            sums.inner_step = 1;
            sums.length = samples;
            sums.step = channels;
        } else {
            sums.outer = channels;
            sums.outer_step = sums.length = length;
            sums.segments = samples;
            sums.segment_step = channels * length;
        }
        return sums;
    }
};

inline BatchShape check_batch(const at::Tensor& x, const std::optional<at::Tensor>& weight,
                              const std::optional<at::Tensor>& bias) {
    TORCH_CHECK_VALUE(has_dtype(x.scalar_type()), "exact_batch_norm: x is ", x.scalar_type(),
                      ", expected float32, float64, float16 or bfloat16");
    TORCH_CHECK_VALUE(x.dim() >= 2, "exact_batch_norm: x has shape ", x.sizes(), ", expected [N, C, ...]");
    check_affine("exact_batch_norm", "weight", x, weight, {x.size(1)});
    check_affine("exact_batch_norm", "bias", x, bias, {x.size(1)});
    int64_t length = 1;
    for (int64_t d = 2; d < x.dim(); ++d) length *= x.size(d);
    const auto last = x.dim() == 5 ? at::MemoryFormat::ChannelsLast3d : at::MemoryFormat::ChannelsLast;
    const bool is_last = (x.dim() == 4 || x.dim() == 5) && length > 1 && !x.is_contiguous() && x.is_contiguous(last);
    const auto format = is_last ? last : at::MemoryFormat::Contiguous;
    BatchShape shape{x.contiguous(format), format, is_last || length == 1, x.size(0), x.size(1), length};
    if (is_last) {
        shape.samples *= length;
        shape.length = 1;
    }
    return shape;
}

inline BatchShape check_batch_forward(const at::Tensor& x, const std::optional<at::Tensor>& weight,
                                      const std::optional<at::Tensor>& bias,
                                      const std::optional<at::Tensor>& running_mean,
                                      const std::optional<at::Tensor>& running_var, bool training) {
    const BatchShape shape = check_batch(x, weight, bias);
    TORCH_CHECK_VALUE(running_mean.has_value() == running_var.has_value(),
                      "exact_batch_norm: running_mean and running_var are given both or not at all");
    TORCH_CHECK_VALUE(training || running_mean,
                      "exact_batch_norm: running_mean and running_var are missing, which is "
                      "for training alone");
    check_affine("exact_batch_norm", "running_mean", x, running_mean, {shape.channels});
    check_affine("exact_batch_norm", "running_var", x, running_var, {shape.channels});
    return shape;
}

inline BatchShape check_batch_backward(const at::Tensor& gradient, const at::Tensor& x,
                                       const std::optional<at::Tensor>& weight, const at::Tensor& mean,
                                       const at::Tensor& scale) {
    const BatchShape shape = check_batch(x, weight, std::nullopt);
    check_same("exact_batch_norm_backward", gradient, x);
    check_statistic("exact_batch_norm_backward", "mean", mean, x, shape.channels);
    check_statistic("exact_batch_norm_backward", "scale", scale, x, shape.channels);
    return shape;
}

// What a forward pass is made with, and what comes out beside y; all on x's device.
struct BatchTensors {
    at::Tensor weight, bias, old_mean, old_var;  // in the format that sums are held in, or undefined
    at::Tensor mean, squares, scale, factor, new_mean, new_var;

    BatchTensors(const BatchShape& shape, const std::optional<at::Tensor>& of_weight,
                 const std::optional<at::Tensor>& of_bias, const std::optional<at::Tensor>& running_mean,
                 const std::optional<at::Tensor>& running_var, bool training) {
        const auto summed = wider_of(shape.x.scalar_type());
        const auto options = shape.x.options().dtype(summed);
        weight = wide(of_weight, summed);
        bias = wide(of_bias, summed);
        old_mean = wide(running_mean, summed);
        old_var = wide(running_var, summed);
        mean = training ? at::empty({shape.channels}, options) : old_mean.clone();
        squares = at::empty({training ? shape.channels : 0}, options);
        scale = at::empty({shape.channels}, options);
        factor = at::empty({shape.channels}, options);
        const bool is_updated = training && running_mean;
        new_mean = at::empty({is_updated ? shape.channels : 0}, options);
        new_var = at::empty({is_updated ? shape.channels : 0}, options);
    }

    template <typename T>
    ChannelTask<T> task(const BatchShape& shape, bool training, double momentum, double eps) const {
        auto pointer = [](const at::Tensor& of) {
            return of.defined() && of.numel() > 0 ? static_cast<T*>(of.data_ptr()) : nullptr;
        };
        return {static_cast<T>(shape.count()),
                static_cast<T>(eps),
                static_cast<T>(momentum),
                static_cast<T>(1.0 - momentum),
                training ? pointer(squares) : nullptr,
                pointer(old_var),
                pointer(mean),
                pointer(weight),
                pointer(old_mean),
                pointer(old_var),
                pointer(scale),
                pointer(factor),
                pointer(new_mean),
                pointer(new_var)};
    }
};

}  // namespace within
