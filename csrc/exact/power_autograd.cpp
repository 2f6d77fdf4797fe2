// Gradients of powers, on any device.
#include "core/torch.h"

#include "core/gradients.h"
#include "core/operators.h"

namespace within {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

at::Tensor call_pow(const at::Tensor& x, const at::Tensor& y) {
    static const auto op = operator_named<at::Tensor(const at::Tensor&, const at::Tensor&)>("within::exact_pow");
    return op.call(x, y);
}

at::Tensor call_backward(const at::Tensor& gradient, const at::Tensor& x, const at::Tensor& y, bool of_y) {
    static const auto op = operator_named<at::Tensor(const at::Tensor&, const at::Tensor&, const at::Tensor&, bool)>(
        "within::exact_pow_backward");
    return op.call(gradient, x, y, of_y);
}

struct ExactPow : torch::autograd::Function<ExactPow> {
    static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& y) {
        const at::AutoDispatchBelowADInplaceOrView below;
        context->save_for_backward({x, y});
        return call_pow(x, y);
    }
    static variable_list backward(AutogradContext* context, const variable_list& gradients) {
        const variable_list saved = context->get_saved_variables();
        variable_list found(2);
        for (int i = 0; i < 2; ++i)
            if (context->needs_input_grad(i)) found[i] = call_backward(gradients[0], saved[0], saved[1], i == 1);
        return found;
    }
};

struct ExactPowBackward : torch::autograd::Function<ExactPowBackward> {
    static at::Tensor forward(AutogradContext*, const at::Tensor& gradient, const at::Tensor& x, const at::Tensor& y,
                              bool of_y) {
        const at::AutoDispatchBelowADInplaceOrView below;
        return call_backward(gradient, x, y, of_y);
    }
    static variable_list backward(AutogradContext*, const variable_list&) {
        TORCH_CHECK_NOT_IMPLEMENTED(false, "exact_pow: second derivatives are not given");
    }
};

at::Tensor exact_pow_autograd(const at::Tensor& x, const at::Tensor& y) {
    // The gradient of a number that is taken for all would be a sum.
    TORCH_CHECK_VALUE(!(x.dim() == 0 && y.dim() > 0 && x.requires_grad()),
                      "exact_pow: x is one number for all and requires a gradient, expected the shape of y");
    TORCH_CHECK_VALUE(!(y.dim() == 0 && x.dim() > 0 && y.requires_grad()),
                      "exact_pow: y is one number for all and requires a gradient, expected the shape of x");
    if (wants_gradient(x, y)) return ExactPow::apply(x, y);
    const at::AutoDispatchBelowADInplaceOrView below;
    return call_pow(x, y);
}

at::Tensor exact_pow_backward_autograd(const at::Tensor& gradient, const at::Tensor& x, const at::Tensor& y,
                                       bool of_y) {
    if (wants_gradient(gradient, x, y)) return ExactPowBackward::apply(gradient, x, y, of_y);
    const at::AutoDispatchBelowADInplaceOrView below;
    return call_backward(gradient, x, y, of_y);
}

}  // namespace

TORCH_LIBRARY_IMPL(within, Autograd, m) {
    m.impl("exact_pow", &exact_pow_autograd);
    m.impl("exact_pow_backward", &exact_pow_backward_autograd);
}

}  // namespace within
