// Matrix products of tensors on the CPU.
#include "core/torch.h"

#include "exact/matmul_cpu.h"

#include "exact/matmul_checks.h"

namespace within {
namespace {

at::Tensor exact_matmul_cpu(const at::Tensor& a, const at::Tensor& b, const OptionalTensor& bias) {
    return matmul_with(multiply_on_cpu, a, b, bias);
}

at::Tensor exact_mm_cpu(const at::Tensor& a, const at::Tensor& b, const OptionalTensor& bias) {
    return mm_with(multiply_on_cpu, a, b, bias);
}

at::Tensor exact_linear_cpu(const at::Tensor& input, const at::Tensor& weight, const OptionalTensor& bias) {
    return linear_with(multiply_on_cpu, input, weight, bias);
}

at::Tensor exact_linear_activated_cpu(const at::Tensor& input, const at::Tensor& weight, const OptionalTensor& bias,
                                      std::string_view activation) {
    return std::get<0>(activated_with(multiply_on_cpu, input, weight, bias, activation, false));
}

std::tuple<at::Tensor, at::Tensor> exact_linear_kept_cpu(const at::Tensor& input, const at::Tensor& weight,
                                                         const OptionalTensor& bias, std::string_view activation) {
    return activated_with(multiply_on_cpu, input, weight, bias, activation, true);
}

}  // namespace

TORCH_LIBRARY_IMPL(within, CPU, m) {
    m.impl("exact_matmul", &exact_matmul_cpu);
    m.impl("exact_mm", &exact_mm_cpu);
    m.impl("exact_linear", &exact_linear_cpu);
    m.impl("exact_linear_activated", &exact_linear_activated_cpu);
    m.impl("exact_linear_kept", &exact_linear_kept_cpu);
}

}  // namespace within
