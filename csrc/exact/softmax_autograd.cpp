// The gradient of softmax.
#include "core/torch.h"

#include <torch/csrc/autograd/autograd_not_implemented_fallback.h>

#include "core/gradients.h"
#include "core/operators.h"

namespace within {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

at::Tensor call_softmax(const at::Tensor& x, int64_t dim, bool is_log) {
    static const auto op = operator_named<at::Tensor(const at::Tensor&, int64_t, bool)>("within::exact_softmax");
    return op.call(x, dim, is_log);
}

at::Tensor call_backward(const at::Tensor& gradient, const at::Tensor& result, int64_t dim, bool is_log) {
    static const auto op = operator_named<at::Tensor(const at::Tensor&, const at::Tensor&, int64_t, bool)>(
        "within::exact_softmax_backward");
    return op.call(gradient, result, dim, is_log);
}

struct Softmax : torch::autograd::Function<Softmax> {
    static at::Tensor forward(AutogradContext* context, const at::Tensor& x, int64_t dim, bool is_log) {
        const at::AutoDispatchBelowADInplaceOrView below;
        at::Tensor result = call_softmax(x, dim, is_log);
        context->saved_data["dim"] = dim;
        context->saved_data["is_log"] = is_log;
        context->save_for_backward({result});
        return result;
    }
    static variable_list backward(AutogradContext* context, const variable_list& gradients) {
        const at::Tensor result = context->get_saved_variables()[0];
        return {call_backward(gradients[0], result, context->saved_data["dim"].toInt(),
                              context->saved_data["is_log"].toBool()),
                {},
                {}};
    }
};

at::Tensor softmax(const at::Tensor& x, int64_t dim, bool is_log) {
    if (wants_gradient(x)) return Softmax::apply(x, dim, is_log);
    const at::AutoDispatchBelowADInplaceOrView below;
    return call_softmax(x, dim, is_log);
}

}  // namespace

TORCH_LIBRARY_IMPL(within, Autograd, m) {
    m.impl("exact_softmax", &softmax);
    m.impl("exact_softmax_backward", torch::autograd::autogradNotImplementedFallback());
}

}  // namespace within
