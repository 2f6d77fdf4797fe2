// Softmax on a GPU.
#include "core/torch.h"

#include "core/cuda.h"
#include "exact/softmax_checks.h"
#include "exact/softmax_launch.h"

namespace within {
namespace {

at::Tensor exact_softmax_cuda(const at::Tensor& x, int64_t dim, bool is_log) {
    const SoftmaxShape shape = check_softmax(x, dim);
    const c10::cuda::CUDAGuard guard(x.device());
    const at::Tensor given = x.contiguous();
    at::Tensor out = at::empty(given.sizes(), given.options());
    if (out.numel() == 0) return out;
    with_element(dtype_of(x.scalar_type()), [&](auto element) {
        using Element = decltype(element);
        launch_softmax(data_of<Element>(given), shape.outer * shape.inner, shape.n, shape.inner, is_log,
                       out_of<Element>(out), c10::cuda::getCurrentCUDAStream());
    });
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    return out;
}

at::Tensor exact_softmax_backward_cuda(const at::Tensor& gradient, const at::Tensor& result, int64_t dim, bool is_log) {
    const SoftmaxShape shape = check_softmax_backward(gradient, result, dim);
    const c10::cuda::CUDAGuard guard(result.device());
    const at::Tensor y = result.contiguous(), g = gradient.contiguous();
    at::Tensor out = at::empty(y.sizes(), y.options());
    if (out.numel() == 0) return out;
    with_element(dtype_of(y.scalar_type()), [&](auto element) {
        using Element = decltype(element);
        launch_softmax_backward(data_of<Element>(y), data_of<Element>(g), shape.outer * shape.inner, shape.n,
                                shape.inner, is_log, out_of<Element>(out), c10::cuda::getCurrentCUDAStream());
    });
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    return out;
}

}  // namespace

TORCH_LIBRARY_IMPL(within, CUDA, m) {
    m.impl("exact_softmax", &exact_softmax_cuda);
    m.impl("exact_softmax_backward", &exact_softmax_backward_cuda);
}

}  // namespace within
