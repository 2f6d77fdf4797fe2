// Pooling on a GPU.
#include "core/torch.h"

#include "core/cuda.h"
#include "exact/pooling_entries.h"
#include "exact/pooling_launch.h"

namespace within {
namespace {

struct PoolOnGpu {
    static void forward(const at::Tensor& x, const Pool& pool, PoolKind kind, at::Tensor& out, at::Tensor* places) {
        const c10::cuda::CUDAGuard guard(x.device());
        with_element(dtype_of(x.scalar_type()), [&](auto element) {
            using Element = decltype(element);
            using T = Wider<Element>;
            const auto* const from = data_of<Element>(x);
            auto* const to = out_of<Element>(out);
            const int64_t planes = x.size(0) * x.size(1);
            if (kind == PoolKind::largest)
                launch_max_pool<Element, T>(pool, planes, from, to, places->mutable_data_ptr<int64_t>(),
                                            c10::cuda::getCurrentCUDAStream());
            else
                launch_average_pool<Element, T>(pool, planes, from, to, c10::cuda::getCurrentCUDAStream());
        });
        C10_CUDA_KERNEL_LAUNCH_CHECK();
    }

    static void backward(const at::Tensor& gradient, const at::Tensor* places, const Pool& pool, PoolKind,
                         at::Tensor& out) {
        const c10::cuda::CUDAGuard guard(gradient.device());
        with_element(dtype_of(gradient.scalar_type()), [&](auto element) {
            using Element = decltype(element);
            launch_pool_backward<Element, Wider<Element>>(
                pool, gradient.size(0) * gradient.size(1), data_of<Element>(gradient),
                places == nullptr ? nullptr : places->const_data_ptr<int64_t>(), out_of<Element>(out),
                c10::cuda::getCurrentCUDAStream());
        });
        C10_CUDA_KERNEL_LAUNCH_CHECK();
    }
};

}  // namespace

TORCH_LIBRARY_IMPL(within, CUDA, m) { PoolOperators<PoolOnGpu>::register_all(m); }

}  // namespace within
