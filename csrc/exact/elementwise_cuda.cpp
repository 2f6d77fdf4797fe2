// Elementwise functions on a GPU.
#include "core/torch.h"

#include "core/cuda.h"
#include "exact/elementwise_checks.h"
#include "exact/elementwise_launch.h"

namespace within {
namespace {

at::Tensor run(Unary function, double a, double b, const at::Tensor* gradient, const at::Tensor& x) {
    at::Tensor result = at::empty_like(x);
    if (x.numel() == 0) return result;
    with_element(dtype_of(x.scalar_type()), [&](auto element) {
        using Element = decltype(element);
        launch_unary(function, a, b, gradient == nullptr ? nullptr : data_of<Element>(*gradient), data_of<Element>(x),
                     x.numel(), out_of<Element>(result), c10::cuda::getCurrentCUDAStream());
    });
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    return result;
}

at::Tensor exact_unary_cuda(const at::Tensor& x, std::string_view function, double a, double b) {
    check_unary(x);
    const Unary chosen = unary_named(function);
    const c10::cuda::CUDAGuard guard(x.device());
    return run(chosen, a, b, nullptr, dense(x));
}

at::Tensor exact_unary_backward_cuda(const at::Tensor& gradient, const at::Tensor& saved, std::string_view function,
                                     double a, double b) {
    check_unary_backward(gradient, saved);
    const Unary chosen = unary_named(function);
    const c10::cuda::CUDAGuard guard(saved.device());
    const at::Tensor given = dense(saved), received = laid_out_as(gradient, given);
    return run(chosen, a, b, &received, given);
}

}  // namespace

TORCH_LIBRARY_IMPL(within, CUDA, m) {
    m.impl("exact_unary", &exact_unary_cuda);
    m.impl("exact_unary_backward", &exact_unary_backward_cuda);
}

}  // namespace within
