// Matrix products on a GPU.
#include "core/torch.h"

#include "core/cuda.h"
#include "exact/elementwise_launch.h"
#include "exact/matmul_checks.h"
#include "exact/matmul_launch.h"

namespace within {
namespace {

void multiply_on_gpu(const MatrixProduct& p) {
    const int64_t count = p.batch * p.rows * p.columns;
    if (count == 0) return;
    with_element(p.dtype, [&](auto element) {
        using Element = decltype(element);
        using T = Wider<Element>;
        const Stream stream = c10::cuda::getCurrentCUDAStream();
        Element* const out = static_cast<Element*>(p.out);
        Element* const sums = p.before == nullptr ? out : static_cast<Element*>(p.before);
        launch_matmul<Element, T>({p.a.data, p.a_step, p.a.row_step, p.a.column_step},
                                  {p.b.data, p.b_step, p.b.row_step, p.b.column_step}, static_cast<const T*>(p.bias),
                                  p.batch, p.rows, p.depth, p.columns, sums, stream);
        C10_CUDA_KERNEL_LAUNCH_CHECK();
        if (p.is_activated) launch_unary<Element>(p.activation, 0, 0, nullptr, sums, count, out, stream);
    });
    C10_CUDA_KERNEL_LAUNCH_CHECK();
}

at::Tensor exact_matmul_cuda(const at::Tensor& a, const at::Tensor& b, const OptionalTensor& bias) {
    const c10::cuda::CUDAGuard guard(a.device());
    return matmul_with(multiply_on_gpu, a, b, bias);
}

at::Tensor exact_mm_cuda(const at::Tensor& a, const at::Tensor& b, const OptionalTensor& bias) {
    const c10::cuda::CUDAGuard guard(a.device());
    return mm_with(multiply_on_gpu, a, b, bias);
}

at::Tensor exact_linear_cuda(const at::Tensor& input, const at::Tensor& weight, const OptionalTensor& bias) {
    const c10::cuda::CUDAGuard guard(input.device());
    return linear_with(multiply_on_gpu, input, weight, bias);
}

at::Tensor exact_linear_activated_cuda(const at::Tensor& input, const at::Tensor& weight, const OptionalTensor& bias,
                                       std::string_view activation) {
    const c10::cuda::CUDAGuard guard(input.device());
    return std::get<0>(activated_with(multiply_on_gpu, input, weight, bias, activation, false));
}

std::tuple<at::Tensor, at::Tensor> exact_linear_kept_cuda(const at::Tensor& input, const at::Tensor& weight,
                                                          const OptionalTensor& bias, std::string_view activation) {
    const c10::cuda::CUDAGuard guard(input.device());
    return activated_with(multiply_on_gpu, input, weight, bias, activation, true);
}

}  // namespace

TORCH_LIBRARY_IMPL(within, CUDA, m) {
    m.impl("exact_matmul", &exact_matmul_cuda);
    m.impl("exact_mm", &exact_mm_cuda);
    m.impl("exact_linear", &exact_linear_cuda);
    m.impl("exact_linear_activated", &exact_linear_activated_cuda);
    m.impl("exact_linear_kept", &exact_linear_kept_cuda);
}

}  // namespace within
