// Exact scatter sums on a GPU: the index is sorted, then one block a (group, column).
#include <ATen/ATen.h>
#include <ATen/Dispatch.h>
#include <ATen/cuda/CUDAContext.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <torch/library.h>

#include "scatter/scatter.cuh"
#include "scatter/types.h"

namespace within {
namespace {

template <typename T>
struct WithoutTorch {
    using type = T;
};
template <>
struct WithoutTorch<at::Half> {
    using type = Float16;
};
template <>
struct WithoutTorch<at::BFloat16> {
    using type = BFloat16;
};

}  // namespace

at::Tensor scatter_sum_cuda(const at::Tensor& values, const at::Tensor& index, int64_t dim_size) {
    check_scatter(values, index, dim_size);
    const c10::cuda::CUDAGuard guard(values.device());
    auto sizes = values.sizes().vec();
    sizes[0] = dim_size;
    at::Tensor result = at::zeros(sizes, values.options());
    const int64_t columns = values.numel() == 0 ? 0 : values.numel() / values.size(0);
    if (columns == 0) return result;
    const auto [sorted, rows] = at::sort(index, /*stable=*/true, /*dim=*/0, /*descending=*/false);
    const int64_t lowest = sorted[0].item<int64_t>(), highest = sorted[-1].item<int64_t>();
    TORCH_CHECK_INDEX(lowest >= 0 && highest < dim_size, "scatter: index holds ", lowest < 0 ? lowest : highest,
                      ", expected 0 to dim_size - 1 = ", dim_size - 1);
    TORCH_CHECK_VALUE(values.size(0) < kAddsBeforeCarry, "scatter: values has ", values.size(0),
                      " rows, expected fewer than ", kAddsBeforeCarry, " on a GPU");
    TORCH_CHECK_VALUE(dim_size * columns < (int64_t{1} << 31), "scatter: ", dim_size * columns,
                      " sums are asked for, expected fewer than 2^31 on a GPU");
    const at::Tensor start = at::searchsorted(sorted, at::arange(dim_size + 1, index.options()));
    const at::Tensor rows_of = values.contiguous();
    AT_DISPATCH_FLOATING_TYPES_AND2(at::kHalf, at::kBFloat16, values.scalar_type(), "scatter_sum", [&] {
        using T = typename WithoutTorch<scalar_t>::type;
        launch_scatter_sum(reinterpret_cast<const T*>(rows_of.const_data_ptr<scalar_t>()),
                           rows.const_data_ptr<int64_t>(), start.const_data_ptr<int64_t>(),
                           reinterpret_cast<T*>(result.mutable_data_ptr<scalar_t>()), dim_size, columns,
                           FormatOf<scalar_t>::value, at::cuda::getCurrentCUDAStream());
        C10_CUDA_KERNEL_LAUNCH_CHECK();
    });
    return result;
}

TORCH_LIBRARY_IMPL(within, CUDA, m) { m.impl("scatter_sum", &scatter_sum_cuda); }

}  // namespace within
