// Resamples of a bootstrap on a GPU.
#include <ATen/ATen.h>
#include <ATen/cuda/CUDAContext.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <torch/library.h>

#include "metrics/resample.cuh"
//
#include "metrics/resample_checks.h"

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
    launch_resample(static_cast<uint64_t>(key), first, count, size, of.const_data_ptr<int64_t>(),
                    own.defined() ? own.const_data_ptr<double>() : nullptr, of.size(0), counts.mutable_data_ptr<int>(),
                    result.mutable_data_ptr<double>(),
                    reinterpret_cast<unsigned long long*>(outside.mutable_data_ptr<int64_t>()),
                    at::cuda::getCurrentCUDAStream());
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    const int64_t row = outside.item<int64_t>();
    if (row >= 0) refuse_unit(row, of[row].item<int64_t>(), size);
    return result;
}

}  // namespace

TORCH_LIBRARY_IMPL(within, CUDA, m) { m.impl("resample_weights", &resample_weights_cuda); }

}  // namespace within
