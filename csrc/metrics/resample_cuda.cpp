// Resamples of a bootstrap on a GPU.
#include "core/torch.h"

#include "core/cuda.h"
#include "metrics/resample_checks.h"
#include "metrics/resample_launch.h"

namespace within {
namespace {

at::Tensor resample_weights_cuda(const at::Tensor& units, const std::optional<at::Tensor>& weights, int64_t size,
                                 int64_t key, int64_t first, int64_t count) {
    check_resample(units, weights, size, first, count);
    const c10::cuda::CUDAGuard guard(units.device());
    const at::Tensor of = units.contiguous(), own = weights.has_value() ? weights->contiguous() : at::Tensor();
    at::Tensor counts = at::zeros({count, size}, units.options().dtype(at::kInt));
    at::Tensor result = at::empty({count, of.size(0)}, units.options().dtype(at::kDouble));
    at::Tensor outside = at::full({1}, -1, units.options());
    launch_resample(static_cast<uint64_t>(key), first, count, size, of.const_data_ptr<int64_t>(), data_of<double>(own),
                    of.size(0), counts.mutable_data_ptr<int>(), result.mutable_data_ptr<double>(),
                    out_of<unsigned long long>(outside), c10::cuda::getCurrentCUDAStream());
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    const int64_t row = outside.item<int64_t>();
    if (row >= 0) refuse_unit(row, of[row].item<int64_t>(), size);
    return result;
}

}  // namespace

TORCH_LIBRARY_IMPL(within, CUDA, m) { m.impl("resample_weights", &resample_weights_cuda); }

}  // namespace within
