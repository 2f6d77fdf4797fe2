// Powers on the CPU.
#include "core/torch.h"

#include "core/dispatch.h"
#include "exact/power_checks.h"

namespace within {

using ApplyPower = void(const PowerTask&);
WITHIN_KERNEL(ApplyPower, power_apply)

namespace {

constexpr int64_t kPowerNumbersOfThread = 1 << 13;

at::Tensor run(PowerPart part, const at::Tensor& gradient, const at::Tensor& x, const at::Tensor& y) {
    const at::Tensor bases = x.contiguous(), exponents = y.contiguous();
    at::Tensor result = at::empty((x.dim() == 0 ? y : x).sizes(), x.options());
    const PowerTask task = power_task(part, gradient, bases, exponents, result);
    at::parallel_for(0, task.end, kPowerNumbersOfThread, [&task](int64_t begin, int64_t end) {
        PowerTask part = task;
        part.begin = begin;
        part.end = end;
        power_apply_kernel()(part);
    });
    return result;
}

at::Tensor exact_pow_cpu(const at::Tensor& x, const at::Tensor& y) {
    check_pow(x, y);
    return run(PowerPart::value, {}, x, y);
}

at::Tensor exact_pow_backward_cpu(const at::Tensor& gradient, const at::Tensor& x, const at::Tensor& y, bool of_y) {
    check_pow_backward(gradient, x, y);
    return run(of_y ? PowerPart::of_y : PowerPart::of_x, gradient.contiguous(), x, y);
}

}  // namespace

TORCH_LIBRARY_IMPL(within, CPU, m) {
    m.impl("exact_pow", &exact_pow_cpu);
    m.impl("exact_pow_backward", &exact_pow_backward_cpu);
}

}  // namespace within
