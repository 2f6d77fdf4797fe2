// Elementwise functions on the CPU.
#include "core/torch.h"

#include <ATen/EmptyTensor.h>

#include "core/dispatch.h"
#include "exact/elementwise_checks.h"

namespace within {

using ApplyUnary = void(const UnaryTask&);
WITHIN_KERNEL(ApplyUnary, unary_apply)

namespace {

constexpr int64_t kElementwiseNumbersOfThread = 1 << 14;

void run(const UnaryTask& task, int64_t count) {
    at::parallel_for(0, count, kElementwiseNumbersOfThread, [&task](int64_t begin, int64_t end) {
        UnaryTask part = task;
        part.begin = begin;
        part.end = end;
        unary_apply_kernel()(part);
    });
}

// As given, without the way through torch's dispatcher where its numbers lie in the order of their indices.
at::Tensor room_like(const at::Tensor& given) {
    return given.is_contiguous() ? at::detail::empty_cpu(given.sizes(), given.options()) : at::empty_like(given);
}

at::Tensor exact_unary_cpu(const at::Tensor& x, std::string_view function, double a, double b) {
    check_unary(x);
    const Unary chosen = unary_named(function);
    const at::Tensor given = dense(x);
    at::Tensor result = room_like(given);
    run({chosen, dtype_of(x.scalar_type()), a, b, nullptr, given.const_data_ptr(), 0, 0, result.mutable_data_ptr()},
        given.numel());
    return result;
}

at::Tensor exact_unary_backward_cpu(const at::Tensor& gradient, const at::Tensor& saved, std::string_view function,
                                    double a, double b) {
    check_unary_backward(gradient, saved);
    const Unary chosen = unary_named(function);
    const at::Tensor given = dense(saved), received = laid_out_as(gradient, given);
    at::Tensor result = room_like(given);
    run({chosen, dtype_of(saved.scalar_type()), a, b, received.const_data_ptr(), given.const_data_ptr(), 0, 0,
         result.mutable_data_ptr()},
        given.numel());
    return result;
}

}  // namespace

TORCH_LIBRARY_IMPL(within, CPU, m) {
    m.impl("exact_unary", &exact_unary_cpu);
    m.impl("exact_unary_backward", &exact_unary_backward_cpu);
}

}  // namespace within
