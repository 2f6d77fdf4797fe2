// Dropout on the CPU.
#include "core/torch.h"

#include "core/dispatch.h"
#include "exact/dropout_checks.h"

namespace within {

using ApplyDropout = void(const DropoutTask&);
WITHIN_KERNEL(ApplyDropout, dropout_apply)

namespace {

constexpr int64_t kDropoutNumbersOfThread = 1 << 14;

at::Tensor exact_dropout_cpu(const at::Tensor& x, const std::optional<at::Tensor>& sample_ids, double p, int64_t key,
                             int64_t step, int64_t shared) {
    DropoutTask task = dropout_task(x, sample_ids, p, key, step, shared);
    const at::Tensor given = x.contiguous();
    if (given.numel() == 0 || p == 1) return at::zeros_like(given);
    const at::Tensor ids = sample_ids ? sample_ids->contiguous() : at::Tensor();
    at::Tensor result = at::empty_like(given);
    task.x = given.const_data_ptr();
    task.sample_ids = ids.defined() ? ids.const_data_ptr<int64_t>() : nullptr;
    task.out = result.mutable_data_ptr();
    const int64_t blocks = task.blocks(), samples = given.numel() / task.row;
    const int64_t grain = std::max<int64_t>(1, kDropoutNumbersOfThread / (4 * shared));
    at::parallel_for(0, samples * blocks, grain, [&task](int64_t begin, int64_t end) {
        DropoutTask part = task;
        part.begin = begin;
        part.end = end;
        dropout_apply_kernel()(part);
    });
    return result;
}

}  // namespace

TORCH_LIBRARY_IMPL(within, CPU, m) { m.impl("exact_dropout", &exact_dropout_cpu); }

}  // namespace within
