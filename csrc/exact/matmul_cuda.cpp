// Matrix products on a GPU.
#include "core/torch.h"

#include "core/cuda.h"
#include "exact/matmul_checks.h"
#include "exact/matmul_launch.h"

namespace within {
namespace {

MatrixBatch batch_of(const at::Tensor& of) { return {of.const_data_ptr(), of.stride(0), of.stride(1), of.stride(2)}; }

at::Tensor exact_matmul_cuda(const at::Tensor& a, const at::Tensor& b, const std::optional<at::Tensor>& bias) {
    check_matmul(a, b, bias);
    const c10::cuda::CUDAGuard guard(a.device());
    const int64_t batch = a.size(0), rows = a.size(1), depth = a.size(2), columns = b.size(2);
    at::Tensor result = at::empty({batch, rows, columns}, a.options().memory_format(at::MemoryFormat::Contiguous));
    if (result.numel() == 0) return result;
    const at::Tensor added = bias ? bias->to(wider_of(a.scalar_type())).contiguous() : at::Tensor();
    with_element(dtype_of(a.scalar_type()), [&](auto element) {
        using Element = decltype(element);
        using T = Wider<Element>;
        launch_matmul<Element, T>(batch_of(a), batch_of(b), data_of<T>(added), batch, rows, depth, columns,
                                  out_of<Element>(result), c10::cuda::getCurrentCUDAStream());
    });
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    return result;
}

}  // namespace

TORCH_LIBRARY_IMPL(within, CUDA, m) { m.impl("exact_matmul", &exact_matmul_cuda); }

}  // namespace within
