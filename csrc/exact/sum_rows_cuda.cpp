// Sums over rows on a GPU.
#include "core/torch.h"

#include "core/cuda.h"
#include "exact/sum_rows_checks.h"
#include "exact/sum_rows_launch.h"

namespace within {
namespace {

at::Tensor exact_sum_rows_cuda(const at::Tensor& x) {
    check_sum_rows(x);
    const c10::cuda::CUDAGuard guard(x.device());
    const at::Tensor given = with_flat_rows(x);
    const int64_t rows = x.size(0), columns = x.size(1), blocks = sum_blocks_of(rows);
    at::Tensor result = at::empty({columns}, x.options().memory_format(at::MemoryFormat::Contiguous));
    if (columns == 0) return result;
    const at::Tensor sums = at::empty({blocks, columns}, x.options().dtype(wider_of(x.scalar_type())));
    with_element(dtype_of(x.scalar_type()), [&](auto element) {
        using Element = decltype(element);
        using T = Wider<Element>;
        launch_sum_rows(static_cast<const Element*>(given.const_data_ptr()), given.stride(0), rows, columns, blocks,
                        static_cast<T*>(sums.mutable_data_ptr()), static_cast<Element*>(result.mutable_data_ptr()),
                        c10::cuda::getCurrentCUDAStream());
    });
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    return result;
}

}  // namespace

TORCH_LIBRARY_IMPL(within, CUDA, m) { m.impl("exact_sum_rows", &exact_sum_rows_cuda); }

}  // namespace within
