// Convolutions on the CPU whose groups have one input channel.
#pragma once

#include <ATen/ATen.h>

#include "exact/convolution_plan.h"

namespace within {

constexpr int64_t kDepthwiseOutputs = 8;  // of a group; from so many on a product is as fast

// weight and bias are float32 or float64 and contiguous; images may have any steps but 1 along the rows.
void depthwise_forward(const Convolution& of, const PlanePlan& plan, const at::Tensor& images, const at::Tensor& weight,
                       const void* bias, at::Tensor& out, int64_t threads);
void depthwise_backward(const Convolution& of, const PlanePlan& plan, const at::Tensor& gradient,
                        const at::Tensor& weight, at::Tensor& out, int64_t threads);
void depthwise_weight(const Convolution& of, const PlanePlan& plan, const at::Tensor& gradient,
                      const at::Tensor& images, at::Tensor& out, int64_t threads);

}  // namespace within
