// What the tensors of a convolution must be.
#pragma once

#include <ATen/ATen.h>

#include <optional>

#include "core/tensors.h"
#include "exact/convolution.h"

namespace within {

// The numbers beside the tensors of a convolution.
struct ConvolutionSteps {
    at::IntArrayRef stride;
    at::IntArrayRef padding;
    at::IntArrayRef dilation;
    int64_t groups;
};

inline void check_same(const char* op, const char* name, const at::Tensor& other, const char* of,
                       const at::Tensor& one) {
    TORCH_CHECK_VALUE(other.scalar_type() == one.scalar_type(), op, ": ", name, " is ", other.scalar_type(),
                      ", expected ", one.scalar_type(), " as ", of);
    TORCH_CHECK_VALUE(other.device() == one.device(), op, ": ", name, " is on ", other.device(), ", expected ",
                      one.device(), " where ", of, " is");
}

inline void check_images(const char* op, const char* name, const at::Tensor& images) {
    TORCH_CHECK_VALUE(has_dtype(images.scalar_type()), op, ": ", name, " is ", images.scalar_type(),
                      ", expected float32, float64, float16 or bfloat16");
    TORCH_CHECK_VALUE(images.dim() == 4, op, ": ", name, " has shape ", images.sizes(),
                      ", expected [batch, channels, rows, columns]");
}

inline void check_pair(const char* op, const char* name, at::IntArrayRef pair, int64_t least) {
    TORCH_CHECK_VALUE(pair.size() == 2 && pair[0] >= least && pair[1] >= least, op, ": ", name, " is ", pair,
                      ", expected two numbers of at least ", least);
}

inline ConvolutionAxis axis_of(const char* op, int64_t in, int64_t kernel, const ConvolutionSteps& steps, int which) {
    const int64_t stride = steps.stride[which], padding = steps.padding[which], dilation = steps.dilation[which];
    const int64_t room = in + 2 * padding - dilation * (kernel - 1) - 1;
    TORCH_CHECK_VALUE(room >= 0, op, ": the kernel reaches over ", dilation * (kernel - 1) + 1,
                      which == 0 ? " rows" : " columns", ", expected at most the ", in + 2 * padding,
                      " that the padded input has");
    return {in, room / stride + 1, kernel, stride, padding, dilation};
}

inline Convolution convolution_of(const char* op, at::IntArrayRef input, at::IntArrayRef weight,
                                  const ConvolutionSteps& steps) {
    check_pair(op, "stride", steps.stride, 1);
    check_pair(op, "padding", steps.padding, 0);
    check_pair(op, "dilation", steps.dilation, 1);
    TORCH_CHECK_VALUE(steps.groups >= 1, op, ": groups is ", steps.groups, ", expected at least 1");
    TORCH_CHECK_VALUE(input.size() == 4, op, ": input has shape ", input,
                      ", expected [batch, channels, rows, columns]");
    TORCH_CHECK_VALUE(weight.size() == 4 && weight[2] >= 1 && weight[3] >= 1, op, ": weight has shape ", weight,
                      ", expected [outputs, channels of a group, kernel rows, kernel columns]");
    TORCH_CHECK_VALUE(weight[0] % steps.groups == 0, op, ": weight has ", weight[0],
                      " outputs, expected a multiple of the ", steps.groups, " groups");
    TORCH_CHECK_VALUE(input[1] == weight[1] * steps.groups, op, ": input has ", input[1], " channels, expected ",
                      weight[1] * steps.groups, ": ", steps.groups, " groups of ", weight[1], " as weight has");
    return {input[0],
            steps.groups,
            weight[1],
            weight[0] / steps.groups,
            axis_of(op, input[2], weight[2], steps, 0),
            axis_of(op, input[3], weight[3], steps, 1)};
}

inline Convolution check_convolution(const at::Tensor& input, const at::Tensor& weight,
                                     const std::optional<at::Tensor>& bias, const ConvolutionSteps& steps) {
    constexpr const char* kOp = "exact_convolution";
    check_images(kOp, "input", input);
    check_same(kOp, "weight", weight, "input", input);
    const Convolution found = convolution_of(kOp, input.sizes(), weight.sizes(), steps);
    if (bias) {
        check_same(kOp, "bias", *bias, "input", input);
        TORCH_CHECK_VALUE(bias->dim() == 1 && bias->size(0) == weight.size(0), kOp, ": bias has shape ", bias->sizes(),
                          ", expected [", weight.size(0), "]");
    }
    return found;
}

inline void check_gradient(const char* op, const at::Tensor& gradient, const Convolution& of) {
    const int64_t want[] = {of.batch, of.groups * of.outputs, of.y.out, of.x.out};
    TORCH_CHECK_VALUE(gradient.sizes() == at::IntArrayRef(want), op, ": gradient has shape ", gradient.sizes(),
                      ", expected ", at::IntArrayRef(want), " as the output");
}

inline Convolution check_convolution_backward_input(const at::Tensor& gradient, const at::Tensor& weight,
                                                    at::IntArrayRef input, const ConvolutionSteps& steps) {
    constexpr const char* kOp = "exact_convolution_backward_input";
    check_images(kOp, "gradient", gradient);
    check_same(kOp, "weight", weight, "gradient", gradient);
    const Convolution found = convolution_of(kOp, input, weight.sizes(), steps);
    check_gradient(kOp, gradient, found);
    return found;
}

inline Convolution check_convolution_backward_weight(const at::Tensor& gradient, const at::Tensor& input,
                                                     at::IntArrayRef kernel, const ConvolutionSteps& steps) {
    constexpr const char* kOp = "exact_convolution_backward_weight";
    check_images(kOp, "gradient", gradient);
    check_images(kOp, "input", input);
    check_same(kOp, "input", input, "gradient", gradient);
    check_pair(kOp, "kernel", kernel, 1);
    TORCH_CHECK_VALUE(steps.groups >= 1, kOp, ": groups is ", steps.groups, ", expected at least 1");
    const int64_t weight[] = {gradient.size(1), input.size(1) / steps.groups, kernel[0], kernel[1]};
    const Convolution found = convolution_of(kOp, input.sizes(), weight, steps);
    check_gradient(kOp, gradient, found);
    return found;
}

}  // namespace within
