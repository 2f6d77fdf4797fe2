// Powers on a GPU.
#include "core/torch.h"

#include "core/cuda.h"
#include "exact/power_checks.h"
#include "exact/power_launch.h"

namespace within {
namespace {

at::Tensor run(PowerPart part, const at::Tensor& gradient, const at::Tensor& x, const at::Tensor& y) {
    const c10::cuda::CUDAGuard guard(x.device());
    const at::Tensor bases = x.contiguous(), exponents = y.contiguous();
    at::Tensor result = at::empty((x.dim() == 0 ? y : x).sizes(), x.options());
    if (result.numel() == 0) return result;
    const PowerTask task = power_task(part, gradient, bases, exponents, result);
    with_element(task.dtype,
                 [&](auto element) { launch_power<decltype(element)>(task, c10::cuda::getCurrentCUDAStream()); });
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    return result;
}

at::Tensor exact_pow_cuda(const at::Tensor& x, const at::Tensor& y) {
    check_pow(x, y);
    return run(PowerPart::value, {}, x, y);
}

at::Tensor exact_pow_backward_cuda(const at::Tensor& gradient, const at::Tensor& x, const at::Tensor& y, bool of_y) {
    check_pow_backward(gradient, x, y);
    return run(of_y ? PowerPart::of_y : PowerPart::of_x, gradient.contiguous(), x, y);
}

}  // namespace

TORCH_LIBRARY_IMPL(within, CUDA, m) {
    m.impl("exact_pow", &exact_pow_cuda);
    m.impl("exact_pow_backward", &exact_pow_backward_cuda);
}

}  // namespace within
