// Pooling on the CPU: planes are shared among threads.
#include "core/torch.h"

#include <atomic>

#include "core/dispatch.h"
#include "core/kept_memory.h"
#include "exact/pooling_entries.h"

namespace within {

using PoolPlanes = void(const PoolForward&);
using SpreadPlanes = bool(const PoolBackward&);
WITHIN_KERNEL(PoolPlanes, pool_forward)
WITHIN_KERNEL(SpreadPlanes, pool_backward)

namespace {

// Planes that are worth a thread.
int64_t planes_of_thread(const Pool& pool) {
    return std::max<int64_t>(1, (int64_t{1} << 15) / (pool.y.in * pool.x.in + pool.y.out * pool.x.out));
}

struct PoolOnCpu {
    static void forward(const at::Tensor& x, const Pool& pool, PoolKind kind, at::Tensor& out, at::Tensor* places) {
        const int64_t planes = x.size(0) * x.size(1), size = x.scalar_type() == at::kDouble ? 8 : 4;
        const int64_t line = pool.y.kernel == 0 ? pool.y.in * pool.x.in : pool.x.out;
        at::parallel_for(0, planes, planes_of_thread(pool), [&](int64_t begin, int64_t end) {
            const KeptMemory lines(line * size), found(pool.x.out * sizeof(int32_t));
            pool_forward_kernel()({dtype_of(x.scalar_type()), pool, kind, x.const_data_ptr(), begin, end,
                                   out.mutable_data_ptr(),
                                   places == nullptr ? nullptr : places->mutable_data_ptr<int64_t>(), lines.as<void>(),
                                   found.as<int32_t>()});
        });
    }

    static void backward(const at::Tensor& gradient, const at::Tensor* places, const Pool& pool, PoolKind kind,
                         at::Tensor& out) {
        const int64_t planes = gradient.size(0) * gradient.size(1);
        const bool is_narrow = gradient.element_size() == 2;
        std::atomic<bool> is_inside{true};
        at::parallel_for(0, planes, planes_of_thread(pool), [&](int64_t begin, int64_t end) {
            const KeptMemory sums(is_narrow ? pool.y.in * pool.x.in * sizeof(float) : 0);
            const bool is_done =
                pool_backward_kernel()({dtype_of(gradient.scalar_type()), pool, kind, gradient.const_data_ptr(),
                                        places == nullptr ? nullptr : places->const_data_ptr<int64_t>(), begin, end,
                                        out.mutable_data_ptr(), sums.as<void>()});
            if (!is_done) is_inside = false;
        });
        TORCH_CHECK_VALUE(is_inside, "exact pooling: places has one outside of its plane, expected 0 to ",
                          pool.y.in * pool.x.in - 1);
    }
};

}  // namespace

TORCH_LIBRARY_IMPL(within, CPU, m) { PoolOperators<PoolOnCpu>::register_all(m); }

}  // namespace within
