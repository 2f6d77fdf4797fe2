// What the tensors of layer, RMS and group normalisation must be.
#pragma once

#include <ATen/ATen.h>

#include <cmath>
#include <optional>

#include "core/tensors.h"
#include "exact/norm.h"
#include "exact/reduce.h"

namespace within {

// A tensor in a format, a NaN being the one of that format; torch's own conversion gives others.
inline at::Tensor in_format(const at::Tensor& of, at::ScalarType dtype) {
    if (of.scalar_type() == dtype) return of;
    return of.to(dtype).masked_fill(of.isnan(), NAN);
}

// Contiguous, in the format that sums are held in; undefined where there is none.
inline at::Tensor wide(const std::optional<at::Tensor>& of, at::ScalarType dtype) {
    return of ? of->to(dtype).contiguous() : at::Tensor();
}
inline const void* data_or_null(const at::Tensor& of) { return of.defined() ? of.const_data_ptr() : nullptr; }

inline void check_affine(const char* op, const char* name, const at::Tensor& x, const std::optional<at::Tensor>& given,
                         at::IntArrayRef shape) {
    if (!given) return;
    TORCH_CHECK_VALUE(given->sizes() == shape, op, ": ", name, " has shape ", given->sizes(), ", expected ", shape);
    TORCH_CHECK_VALUE(given->scalar_type() == x.scalar_type() || given->scalar_type() == wider_of(x.scalar_type()), op,
                      ": ", name, " is ", given->scalar_type(), ", expected ", x.scalar_type(), " as x, or ",
                      wider_of(x.scalar_type()));
    TORCH_CHECK_VALUE(given->device() == x.device(), op, ": ", name, " is on ", given->device(), ", expected ",
                      x.device(), " where x is");
}

inline void check_same(const char* op, const at::Tensor& gradient, const at::Tensor& x) {
    TORCH_CHECK_VALUE(
        gradient.sizes() == x.sizes() && gradient.scalar_type() == x.scalar_type() && gradient.device() == x.device(),
        op, ": gradient is ", gradient.scalar_type(), " ", gradient.sizes(), " on ", gradient.device(), ", expected ",
        x.scalar_type(), " ", x.sizes(), " on ", x.device(), " as x");
}

inline void check_statistic(const char* op, const char* name, const at::Tensor& given, const at::Tensor& x,
                            int64_t count) {
    TORCH_CHECK_VALUE(
        given.numel() == count && given.scalar_type() == wider_of(x.scalar_type()) && given.device() == x.device(), op,
        ": ", name, " is ", given.scalar_type(), " ", given.sizes(), " on ", given.device(), ", expected ", count,
        " of ", wider_of(x.scalar_type()), " on ", x.device());
}

struct NormShape {
    int64_t rows;
    int64_t n;

    // Of sums down the rows.
    SumLayout of_columns() const {
        SumLayout layout;
        layout.inner = n;
        layout.inner_step = 1;
        layout.segments = rows;
        layout.segment_step = n;
        layout.step = n;
        return layout;
    }
};

// The last `dims` dimensions of x are normalised.
inline NormShape check_norm(const at::Tensor& x, int64_t dims, const std::optional<at::Tensor>& weight,
                            const std::optional<at::Tensor>& bias) {
    TORCH_CHECK_VALUE(has_dtype(x.scalar_type()), "exact_norm: x is ", x.scalar_type(),
                      ", expected float32, float64, float16 or bfloat16");
    TORCH_CHECK_VALUE(1 <= dims && dims <= x.dim(), "exact_norm: dims is ", dims, ", expected 1 to the ", x.dim(),
                      " of x");
    const auto shape = x.sizes().slice(x.dim() - dims);
    check_affine("exact_norm", "weight", x, weight, shape);
    check_affine("exact_norm", "bias", x, bias, shape);
    NormShape found{1, 1};
    for (int64_t d = 0; d < x.dim(); ++d) (d < x.dim() - dims ? found.rows : found.n) *= x.size(d);
    return found;
}

inline NormShape check_norm_backward(const at::Tensor& gradient, const at::Tensor& x, int64_t dims,
                                     const std::optional<at::Tensor>& weight, const at::Tensor& mean,
                                     const at::Tensor& scale, bool is_centred) {
    const NormShape shape = check_norm(x, dims, weight, std::nullopt);
    check_same("exact_norm_backward", gradient, x);
    if (is_centred) check_statistic("exact_norm_backward", "mean", mean, x, shape.rows);
    check_statistic("exact_norm_backward", "scale", scale, x, shape.rows);
    return shape;
}

struct GroupShape {
    int64_t samples;
    int64_t channels;
    int64_t length;
    int64_t groups;

    int64_t rows() const { return samples * groups; }
    int64_t n() const { return channels / groups * length; }
    // Of sums over samples and places, one a channel.
    SumLayout of_channels() const {
        SumLayout layout;
        layout.outer = channels;
        layout.outer_step = layout.length = length;
        layout.segments = samples;
        layout.segment_step = channels * length;
        return layout;
    }
};

inline GroupShape check_group_norm(const at::Tensor& x, int64_t groups, const std::optional<at::Tensor>& weight,
                                   const std::optional<at::Tensor>& bias) {
    TORCH_CHECK_VALUE(has_dtype(x.scalar_type()), "exact_group_norm: x is ", x.scalar_type(),
                      ", expected float32, float64, float16 or bfloat16");
    TORCH_CHECK_VALUE(x.dim() >= 2, "exact_group_norm: x has shape ", x.sizes(), ", expected [N, C, ...]");
    TORCH_CHECK_VALUE(groups >= 1 && x.size(1) % groups == 0, "exact_group_norm: groups is ", groups,
                      ", expected a divisor of the ", x.size(1), " channels");
    check_affine("exact_group_norm", "weight", x, weight, {x.size(1)});
    check_affine("exact_group_norm", "bias", x, bias, {x.size(1)});
    int64_t length = 1;
    for (int64_t d = 2; d < x.dim(); ++d) length *= x.size(d);
    return {x.size(0), x.size(1), length, groups};
}

inline GroupShape check_group_norm_backward(const at::Tensor& gradient, const at::Tensor& x, int64_t groups,
                                            const std::optional<at::Tensor>& weight, const at::Tensor& mean,
                                            const at::Tensor& scale) {
    const GroupShape shape = check_group_norm(x, groups, weight, std::nullopt);
    check_same("exact_group_norm_backward", gradient, x);
    check_statistic("exact_group_norm_backward", "mean", mean, x, shape.rows());
    check_statistic("exact_group_norm_backward", "scale", scale, x, shape.rows());
    return shape;
}

// A weight or bias of channels for each number of a sample.
inline at::Tensor of_each_number(const std::optional<at::Tensor>& of, const GroupShape& shape, at::ScalarType dtype) {
    if (!of) return at::Tensor();
    return of->to(dtype).unsqueeze(1).expand({shape.channels, shape.length}).contiguous();
}

}  // namespace within
