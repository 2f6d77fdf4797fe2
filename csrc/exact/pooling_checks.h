// What the tensors of pooling must be.
#pragma once

#include <ATen/ATen.h>

#include <limits>
#include <optional>

#include "exact/convolution_checks.h"
#include "exact/pooling.h"

namespace within {

struct PoolSteps {
    at::IntArrayRef kernel;
    at::IntArrayRef stride;
    at::IntArrayRef padding;
    at::IntArrayRef dilation;
    bool ceil_mode;
};

inline PoolAxis pool_axis(const char* op, int64_t in, const PoolSteps& steps, int which) {
    const char* const lines = which == 0 ? " rows" : " columns";
    const int64_t kernel = steps.kernel[which], stride = steps.stride[which], padding = steps.padding[which];
    const int64_t dilation = steps.dilation[which], wide = dilation * (kernel - 1) + 1;
    TORCH_CHECK_VALUE(padding <= wide / 2, op, ": padding is ", padding, lines, ", expected at most half of the ", wide,
                      " that a window reaches over");
    const int64_t room = in + 2 * padding - wide;
    TORCH_CHECK_VALUE(room >= 0 || (steps.ceil_mode && room + stride - 1 >= 0), op, ": a window reaches over ", wide,
                      lines, ", expected at most the ", in + 2 * padding, " that the padded input has");
    int64_t out = (room + (steps.ceil_mode ? stride - 1 : 0)) / stride + 1;
    // A last window that would begin in the padding at the end is left out.
    if (steps.ceil_mode && (out - 1) * stride >= in + padding) --out;
    const PoolAxis axis{in, out, kernel, stride, padding, dilation};
    for (int64_t o = 0; o < out; ++o) {
        const PoolWindow window = window_of(axis, o, false);
        TORCH_CHECK_VALUE(window.first < window.end, op, ": window ", o, " along the", lines, " has no number of the ",
                          in, ", expected less dilation or padding");
    }
    return axis;
}

inline void check_planes(const char* op, at::IntArrayRef shape) {
    TORCH_CHECK_VALUE(shape.size() == 4 && shape[2] >= 1 && shape[3] >= 1, op, ": x has shape ", shape,
                      ", expected [batch, channels, rows, columns] of at least one row and column");
    TORCH_CHECK_VALUE(shape[2] <= std::numeric_limits<int32_t>::max() / shape[3], op, ": x has planes of ", shape[2],
                      " x ", shape[3], ", expected less than 2^31 numbers");
}

inline Pool pool_of(const char* op, at::IntArrayRef shape, const PoolSteps& steps) {
    check_planes(op, shape);
    check_pair(op, "kernel", steps.kernel, 1);
    check_pair(op, "stride", steps.stride, 1);
    check_pair(op, "padding", steps.padding, 0);
    check_pair(op, "dilation", steps.dilation, 1);
    return {pool_axis(op, shape[2], steps, 0), pool_axis(op, shape[3], steps, 1), false, 0};
}

constexpr int64_t kNoDilation[] = {1, 1};

inline Pool average_pool_of(const char* op, at::IntArrayRef shape, at::IntArrayRef kernel, at::IntArrayRef stride,
                            at::IntArrayRef padding, bool ceil_mode, bool counts_padding,
                            std::optional<int64_t> divisor) {
    Pool pool = pool_of(op, shape, {kernel, stride, padding, kNoDilation, ceil_mode});
    TORCH_CHECK_VALUE(!divisor || *divisor != 0, op, ": divisor is 0, expected another number");
    pool.counts_padding = counts_padding;
    pool.divisor = divisor.value_or(0);
    return pool;
}

inline Pool adaptive_pool_of(const char* op, at::IntArrayRef shape, at::IntArrayRef output) {
    check_planes(op, shape);
    check_pair(op, "output", output, 1);
    return {{shape[2], output[0], 0, 1, 0, 1}, {shape[3], output[1], 0, 1, 0, 1}, false, 0};
}

inline void check_pool_gradient(const char* op, const at::Tensor& gradient, const std::optional<at::Tensor>& places,
                                at::IntArrayRef shape, const Pool& pool) {
    check_images(op, "gradient", gradient);
    const int64_t want[] = {shape[0], shape[1], pool.y.out, pool.x.out};
    TORCH_CHECK_VALUE(gradient.sizes() == at::IntArrayRef(want), op, ": gradient has shape ", gradient.sizes(),
                      ", expected ", at::IntArrayRef(want), " as the output");
    if (!places) return;
    TORCH_CHECK_VALUE(places->scalar_type() == at::kLong && places->sizes() == gradient.sizes(), op, ": places is ",
                      places->scalar_type(), " of shape ", places->sizes(), ", expected int64 of shape ",
                      gradient.sizes());
    TORCH_CHECK_VALUE(places->device() == gradient.device(), op, ": places is on ", places->device(), ", expected ",
                      gradient.device(), " where gradient is");
}

}  // namespace within
