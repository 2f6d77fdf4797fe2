// Softmax on the CPU.
#include "core/torch.h"

#include "core/dispatch.h"
#include "exact/softmax_checks.h"

namespace within {

using RunSoftmax = void(const SoftmaxTask&);
WITHIN_KERNEL(RunSoftmax, softmax_forward)
WITHIN_KERNEL(RunSoftmax, softmax_backward)

namespace {

constexpr int64_t kSoftmaxNumbersOfThread = 1 << 13;

void run(RunSoftmax* kernel, SoftmaxTask task, const SoftmaxShape& shape) {
    const int64_t width = std::min(shape.inner, kSoftmaxColumns);
    const int64_t units = shape.outer * ((shape.inner + kSoftmaxColumns - 1) / kSoftmaxColumns);
    const int64_t grain = std::max<int64_t>(1, kSoftmaxNumbersOfThread / (shape.n * width));
    at::parallel_for(0, units, grain, [&, task](int64_t begin, int64_t end) {
        SoftmaxTask own = task;
        own.begin = begin;
        own.end = end;
        kernel(own);
    });
}

at::Tensor exact_softmax_cpu(const at::Tensor& x, int64_t dim, bool is_log) {
    const SoftmaxShape shape = check_softmax(x, dim);
    const at::Tensor given = x.contiguous();
    at::Tensor out = at::empty(given.sizes(), given.options());
    if (out.numel() == 0) return out;
    run(softmax_forward_kernel(),
        {dtype_of(x.scalar_type()), is_log, given.const_data_ptr(), nullptr, shape.n, shape.inner, 0, 0,
         out.mutable_data_ptr()},
        shape);
    return out;
}

at::Tensor exact_softmax_backward_cpu(const at::Tensor& gradient, const at::Tensor& result, int64_t dim, bool is_log) {
    const SoftmaxShape shape = check_softmax_backward(gradient, result, dim);
    const at::Tensor y = result.contiguous(), g = gradient.contiguous();
    at::Tensor out = at::empty(y.sizes(), y.options());
    if (out.numel() == 0) return out;
    run(softmax_backward_kernel(),
        {dtype_of(y.scalar_type()), is_log, y.const_data_ptr(), g.const_data_ptr(), shape.n, shape.inner, 0, 0,
         out.mutable_data_ptr()},
        shape);
    return out;
}

}  // namespace

TORCH_LIBRARY_IMPL(within, CPU, m) {
    m.impl("exact_softmax", &exact_softmax_cpu);
    m.impl("exact_softmax_backward", &exact_softmax_backward_cpu);
}

}  // namespace within
