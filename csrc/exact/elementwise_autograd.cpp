// Gradients of elementwise functions, on any device.
#include "core/torch.h"

#include "core/gradients.h"
#include "core/operators.h"
#include "exact/elementwise_checks.h"

namespace within {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

at::Tensor call_unary(const at::Tensor& x, std::string_view function, double a, double b) {
    static const auto op =
        operator_named<at::Tensor(const at::Tensor&, std::string_view, double, double)>("within::exact_unary");
    return op.call(x, function, a, b);
}

at::Tensor call_backward(const at::Tensor& gradient, const at::Tensor& saved, std::string_view function, double a,
                         double b) {
    static const auto op =
        operator_named<at::Tensor(const at::Tensor&, const at::Tensor&, std::string_view, double, double)>(
            "within::exact_unary_backward");
    return op.call(gradient, saved, function, a, b);
}

struct ExactUnary : torch::autograd::Function<ExactUnary> {
    static at::Tensor forward(AutogradContext* context, const at::Tensor& x, std::string function, double a, double b) {
        const at::AutoDispatchBelowADInplaceOrView below;
        at::Tensor result = call_unary(x, function, a, b);
        context->save_for_backward({is_slope_of_value(unary_named(function)) ? result : x});
        context->saved_data["function"] = std::move(function);
        context->saved_data["a"] = a;
        context->saved_data["b"] = b;
        return result;
    }
    static variable_list backward(AutogradContext* context, const variable_list& gradients) {
        const at::Tensor saved = context->get_saved_variables()[0];
        return {call_backward(gradients[0], saved, context->saved_data["function"].toStringView(),
                              context->saved_data["a"].toDouble(), context->saved_data["b"].toDouble()),
                at::Tensor(), at::Tensor(), at::Tensor()};
    }
};

struct ExactUnaryBackward : torch::autograd::Function<ExactUnaryBackward> {
    static at::Tensor forward(AutogradContext*, const at::Tensor& gradient, const at::Tensor& saved,
                              std::string function, double a, double b) {
        const at::AutoDispatchBelowADInplaceOrView below;
        return call_backward(gradient, saved, function, a, b);
    }
    static variable_list backward(AutogradContext*, const variable_list&) {
        TORCH_CHECK_NOT_IMPLEMENTED(false, "exact_unary: second derivatives are not given");
    }
};

at::Tensor exact_unary_autograd(const at::Tensor& x, std::string_view function, double a, double b) {
    if (wants_gradient(x)) return ExactUnary::apply(x, std::string(function), a, b);
    const at::AutoDispatchBelowADInplaceOrView below;
    return call_unary(x, function, a, b);
}

at::Tensor exact_unary_backward_autograd(const at::Tensor& gradient, const at::Tensor& saved, std::string_view function,
                                         double a, double b) {
    if (wants_gradient(gradient, saved)) return ExactUnaryBackward::apply(gradient, saved, std::string(function), a, b);
    const at::AutoDispatchBelowADInplaceOrView below;
    return call_backward(gradient, saved, function, a, b);
}

}  // namespace

TORCH_LIBRARY_IMPL(within, Autograd, m) {
    m.impl("exact_unary", &exact_unary_autograd);
    m.impl("exact_unary_backward", &exact_unary_backward_autograd);
}

}  // namespace within
