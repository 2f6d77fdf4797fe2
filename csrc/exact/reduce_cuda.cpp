// Reductions on a GPU.
#include "core/torch.h"

#include "core/cuda.h"
#include "exact/reduce_checks.h"
#include "exact/reduce_launch.h"

namespace within {
namespace {

at::Tensor exact_reduce_cuda(const at::Tensor& x, at::IntArrayRef dim, bool keepdim, std::string_view name,
                             double correction) {
    const ReducePlan plan = plan_reduce(x, dim, keepdim, name, correction);
    const c10::cuda::CUDAGuard guard(x.device());
    if (plan.numbers == 0) return reduce_nothing(plan);
    at::Tensor out = at::empty(plan.shape, x.options());
    if (plan.sums == 0) return out;
    const auto options = x.options().dtype(wider_of(x.scalar_type()));
    const at::Tensor partial = at::empty({blocks_of_sum(plan.layout), plan.sums}, options);
    const at::Tensor centre = at::empty({plan.sums}, options);
    with_element(dtype_of(x.scalar_type()), [&](auto element) {
        using Element = decltype(element);
        using T = Wider<Element>;
        launch_reduce<Element>(data_of<Element>(plan.x), plan.layout, plan.reduction, static_cast<T>(plan.divisor),
                               out_of<T>(partial), out_of<T>(centre), out_of<Element>(out), nullptr,
                               c10::cuda::getCurrentCUDAStream());
    });
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    return out;
}

}  // namespace

TORCH_LIBRARY_IMPL(within, CUDA, m) { m.impl("exact_reduce", &exact_reduce_cuda); }

}  // namespace within
