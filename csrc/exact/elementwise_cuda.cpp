// Elementwise functions on a GPU.
#include "core/torch.h"

#include "core/cuda.h"
#include "exact/elementwise_checks.h"
#include "exact/elementwise_launch.h"

namespace within {
namespace {

at::Tensor exact_unary_cuda(const at::Tensor& x, const std::string& function) {
    const Dtype dtype = check_unary(x);
    const Unary chosen = unary_named(function);
    const c10::cuda::CUDAGuard guard(x.device());
    const at::Tensor given = x.contiguous();
    at::Tensor result = at::empty(given.sizes(), given.options());
    if (given.numel() == 0) return result;
    auto run = [&](auto element) {
        using Element = decltype(element);
        launch_unary(chosen, data_of<Element>(given), given.numel(), out_of<Element>(result),
                     c10::cuda::getCurrentCUDAStream());
    };
    switch (dtype) {
        case Dtype::float16:
            run(Float16{});
            break;
        case Dtype::bfloat16:
            run(BFloat16{});
            break;
        default:
            run(float{});
    }
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    return result;
}

}  // namespace

TORCH_LIBRARY_IMPL(within, CUDA, m) { m.impl("exact_unary", &exact_unary_cuda); }

}  // namespace within
