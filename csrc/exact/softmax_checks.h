// What the tensors of softmax must be.
#pragma once

#include <ATen/ATen.h>

#include "core/tensors.h"
#include "exact/softmax.h"

namespace within {

// [outer, n, inner] of a contiguous tensor.
struct SoftmaxShape {
    int64_t outer = 1;
    int64_t n = 1;
    int64_t inner = 1;
};

inline SoftmaxShape check_softmax(const at::Tensor& x, int64_t dim) {
    TORCH_CHECK_VALUE(has_dtype(x.scalar_type()), "exact_softmax: x is ", x.scalar_type(),
                      ", expected float32, float64, float16 or bfloat16");
    const int64_t dims = std::max<int64_t>(x.dim(), 1);
    TORCH_CHECK_VALUE(-dims <= dim && dim < dims, "exact_softmax: dim is ", dim, ", expected one of the ", dims,
                      " of x");
    SoftmaxShape shape;
    for (int64_t d = 0, at = dim < 0 ? dim + dims : dim; d < x.dim(); ++d)
        (d < at ? shape.outer : d > at ? shape.inner : shape.n) *= x.size(d);
    return shape;
}

inline SoftmaxShape check_softmax_backward(const at::Tensor& gradient, const at::Tensor& result, int64_t dim) {
    const SoftmaxShape shape = check_softmax(result, dim);
    TORCH_CHECK_VALUE(gradient.sizes() == result.sizes() && gradient.scalar_type() == result.scalar_type() &&
                          gradient.device() == result.device(),
                      "exact_softmax_backward: gradient is ", gradient.scalar_type(), " ", gradient.sizes(), " on ",
                      gradient.device(), ", expected ", result.scalar_type(), " ", result.sizes(), " on ",
                      result.device(), " as the result");
    return shape;
}

}  // namespace within
