// Gradients of elementwise functions, on any device.
#include "core/torch.h"

#include <mutex>
#include <string>

#include "core/nodes.h"
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

struct UnaryNode : torch::autograd::Node {
    torch::autograd::SavedVariable saved;
    bool is_of_value = false;
    std::string function;
    double a = 0;
    double b = 0;

    variable_list apply(variable_list&& gradients) override {
        if (!gradients[0].defined()) return {at::Tensor()};
        const std::lock_guard<std::mutex> lock(mutex_);
        const at::Tensor of =
            is_of_value ? saved.unpack(c10::intrusive_ptr<Node>::unsafe_reclaim_from_nonowning(this)) : saved.unpack();
        return {call_backward(gradients[0], of, function, a, b)};
    }
    void release_variables() override { saved.reset_data(); }
    std::string name() const override { return "ExactUnary"; }
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
    if (!wants_gradient(x)) {
        const at::AutoDispatchBelowADInplaceOrView below;
        return call_unary(x, function, a, b);
    }
    const auto node = node_of<UnaryNode>("exact_unary", x);
    at::Tensor result;
    {
        const at::AutoDispatchBelowADInplaceOrView below;
        result = call_unary(x, function, a, b);
    }
    torch::autograd::set_history(result, node);
    node->is_of_value = is_slope_of_value(unary_named(function));
    node->saved = torch::autograd::SavedVariable(node->is_of_value ? result : x, node->is_of_value);
    node->function = function;
    node->a = a;
    node->b = b;
    return result;
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
