// Elementwise functions on the CPU.
#include "core/torch.h"

#include "core/dispatch.h"
#include "exact/elementwise_checks.h"

namespace within {

using ApplyUnary = void(const UnaryTask&);
WITHIN_KERNEL(ApplyUnary, unary_apply)

namespace {

constexpr int64_t kNumbersOfThread = 1 << 14;

at::Tensor exact_unary_cpu(const at::Tensor& x, const std::string& function) {
    const Dtype dtype = check_unary(x);
    const Unary chosen = unary_named(function);
    const at::Tensor given = x.contiguous();
    at::Tensor result = at::empty(given.sizes(), given.options());
    at::parallel_for(0, given.numel(), kNumbersOfThread, [&](int64_t begin, int64_t end) {
        unary_apply_kernel()({chosen, dtype, given.const_data_ptr(), begin, end, result.mutable_data_ptr()});
    });
    return result;
}

}  // namespace

TORCH_LIBRARY_IMPL(within, CPU, m) { m.impl("exact_unary", &exact_unary_cpu); }

}  // namespace within
