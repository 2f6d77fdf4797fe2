// Dropout on a GPU.
#include "core/torch.h"

#include "core/cuda.h"
#include "exact/dropout_checks.h"
#include "exact/dropout_launch.h"

namespace within {
namespace {

at::Tensor exact_dropout_cuda(const at::Tensor& x, const std::optional<at::Tensor>& sample_ids, double p, int64_t key,
                              int64_t step, int64_t shared) {
    DropoutTask task = dropout_task(x, sample_ids, p, key, step, shared);
    const c10::cuda::CUDAGuard guard(x.device());
    const at::Tensor given = x.contiguous();
    if (given.numel() == 0 || p == 1) return at::zeros_like(given);
    const at::Tensor ids = sample_ids ? sample_ids->contiguous() : at::Tensor();
    at::Tensor result = at::empty_like(given);
    task.x = given.const_data_ptr();
    task.sample_ids = ids.defined() ? ids.const_data_ptr<int64_t>() : nullptr;
    task.out = result.mutable_data_ptr();
    with_element(task.dtype, [&](auto element) {
        launch_dropout<decltype(element)>(task, given.numel() / task.row, c10::cuda::getCurrentCUDAStream());
    });
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    return result;
}

}  // namespace

TORCH_LIBRARY_IMPL(within, CUDA, m) { m.impl("exact_dropout", &exact_dropout_cuda); }

}  // namespace within
