// Gradients of exact matrix products: products again, and the sum of a bias' rows.
#include "core/torch.h"

#include <string>

#include "core/gradients.h"
#include "core/operators.h"
#include "exact/matmul_checks.h"

namespace within {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

at::Tensor call_matmul(const at::Tensor& a, const at::Tensor& b, const OptionalTensor& bias = std::nullopt) {
    static const auto op =
        operator_named<at::Tensor(const at::Tensor&, const at::Tensor&, const OptionalTensor&)>("within::exact_matmul");
    return op.call(a, b, bias);
}

at::Tensor call_mm(const at::Tensor& a, const at::Tensor& b, const OptionalTensor& bias = std::nullopt) {
    static const auto op =
        operator_named<at::Tensor(const at::Tensor&, const at::Tensor&, const OptionalTensor&)>("within::exact_mm");
    return op.call(a, b, bias);
}

at::Tensor call_linear(const at::Tensor& input, const at::Tensor& weight, const OptionalTensor& bias) {
    static const auto op =
        operator_named<at::Tensor(const at::Tensor&, const at::Tensor&, const OptionalTensor&)>("within::exact_linear");
    return op.call(input, weight, bias);
}

at::Tensor call_linear_activated(const at::Tensor& input, const at::Tensor& weight, const OptionalTensor& bias,
                                 std::string_view activation) {
    static const auto op =
        operator_named<at::Tensor(const at::Tensor&, const at::Tensor&, const OptionalTensor&, std::string_view)>(
            "within::exact_linear_activated");
    return op.call(input, weight, bias, activation);
}

std::tuple<at::Tensor, at::Tensor> call_linear_kept(const at::Tensor& input, const at::Tensor& weight,
                                                    const OptionalTensor& bias, std::string_view activation) {
    static const auto op = operator_named<std::tuple<at::Tensor, at::Tensor>(
        const at::Tensor&, const at::Tensor&, const OptionalTensor&, std::string_view)>("within::exact_linear_kept");
    return op.call(input, weight, bias, activation);
}

at::Tensor call_sum_rows(const at::Tensor& x) {
    static const auto op = operator_named<at::Tensor(const at::Tensor&)>("within::exact_sum_rows");
    return op.call(x);
}

// Of what the activation gave, or of what it was given, as is_slope_of_value says.
at::Tensor call_unary_backward(const at::Tensor& gradient, const at::Tensor& saved, std::string_view function) {
    static const auto op =
        operator_named<at::Tensor(const at::Tensor&, const at::Tensor&, std::string_view, double, double)>(
            "within::exact_unary_backward");
    return op.call(gradient, saved, function, 0, 0);
}

// Rows that lie in the leading dimensions of x.
at::Tensor as_rows(const at::Tensor& x) {
    if (x.dim() == 2) return x;
    return x.reshape({c10::multiply_integers(x.sizes().slice(0, x.dim() - 1)), x.size(-1)});
}

// What a gradient needs of each operand is the other one.
void keep(AutogradContext* context, const at::Tensor& a, const at::Tensor& b) {
    context->save_for_backward({b.requires_grad() ? a : at::Tensor(), a.requires_grad() ? b : at::Tensor()});
}

// Of a product of matrices or of batches of them.
template <bool has_bias>
struct Matmul : Function<Matmul<has_bias>> {
    static at::Tensor forward(AutogradContext* context, const at::Tensor& a, const at::Tensor& b,
                              const OptionalTensor& bias) {
        keep(context, a, b);
        const at::AutoDispatchBelowADInplaceOrView below;
        return a.dim() == 2 ? call_mm(a, b, bias) : call_matmul(a, b, bias);
    }
    static variable_list backward(AutogradContext* context, const variable_list& gradients) {
        const variable_list saved = context->get_saved_variables();
        const at::Tensor& gradient = gradients[0];
        auto times = [](const at::Tensor& a, const at::Tensor& b) {
            return a.dim() == 2 ? call_mm(a, b) : call_matmul(a, b);
        };
        variable_list result(3);
        if (context->needs_input_grad(0)) result[0] = times(gradient, saved[1].mT());
        if (context->needs_input_grad(1)) result[1] = times(saved[0].mT(), gradient);
        if (has_bias && context->needs_input_grad(2)) result[2] = call_sum_rows(as_rows(gradient));
        return result;
    }
};

// Of a layer, whose leading dimensions are those of the gradient.
template <bool has_bias>
variable_list linear_gradients(AutogradContext* context, const at::Tensor& input, const at::Tensor& weight,
                               const at::Tensor& gradient) {
    variable_list result(3);
    const at::Tensor rows = as_rows(gradient);
    if (context->needs_input_grad(0)) {
        result[0] = call_mm(rows, weight);
        if (gradient.dim() != 2) {
            at::DimVector shape(gradient.sizes());
            shape.back() = weight.size(1);
            result[0] = result[0].view(shape);
        }
    }
    if (context->needs_input_grad(1)) result[1] = call_mm(rows.t(), as_rows(input));
    if (has_bias && context->needs_input_grad(2)) result[2] = call_sum_rows(rows);
    return result;
}

template <bool has_bias>
struct Linear : Function<Linear<has_bias>> {
    static at::Tensor forward(AutogradContext* context, const at::Tensor& input, const at::Tensor& weight,
                              const OptionalTensor& bias) {
        keep(context, input, weight);
        const at::AutoDispatchBelowADInplaceOrView below;
        return call_linear(input, weight, bias);
    }
    static variable_list backward(AutogradContext* context, const variable_list& gradients) {
        const variable_list saved = context->get_saved_variables();
        return linear_gradients<has_bias>(context, saved[0], saved[1], gradients[0]);
    }
};

// As a layer and its activation one after the other; what the activation's gradient is made of is kept: its result, or
// the sums, a result as well so that a gradient of this gradient is known to go through them.
template <bool has_bias>
struct LinearActivated : Function<LinearActivated<has_bias>> {
    static variable_list forward(AutogradContext* context, const at::Tensor& input, const at::Tensor& weight,
                                 const OptionalTensor& bias, std::string activation) {
        const at::AutoDispatchBelowADInplaceOrView below;
        variable_list results;
        if (is_slope_of_value(activation_named(activation))) {
            results = {call_linear_activated(input, weight, bias, activation)};
        } else {
            auto [result, sums] = call_linear_kept(input, weight, bias, activation);
            results = {std::move(result), std::move(sums)};
        }
        context->saved_data["activation"] = std::move(activation);
        context->save_for_backward({weight.requires_grad() ? input : at::Tensor(),
                                    input.requires_grad() ? weight : at::Tensor(), results.back()});
        context->set_materialize_grads(false);
        return results;
    }
    static variable_list backward(AutogradContext* context, const variable_list& gradients) {
        if (!gradients[0].defined()) return variable_list(4);
        const variable_list saved = context->get_saved_variables();
        const at::Tensor gradient =
            call_unary_backward(gradients[0], saved[2], context->saved_data["activation"].toStringView());
        variable_list result = linear_gradients<has_bias>(context, saved[0], saved[1], gradient);
        result.emplace_back();
        return result;
    }
};

at::Tensor exact_matmul_autograd(const at::Tensor& a, const at::Tensor& b, const OptionalTensor& bias) {
    if (!wants_gradient(a, b, bias)) {
        const at::AutoDispatchBelowADInplaceOrView below;
        return call_matmul(a, b, bias);
    }
    return bias ? Matmul<true>::apply(a, b, bias) : Matmul<false>::apply(a, b, bias);
}

at::Tensor exact_mm_autograd(const at::Tensor& a, const at::Tensor& b, const OptionalTensor& bias) {
    if (!wants_gradient(a, b, bias)) {
        const at::AutoDispatchBelowADInplaceOrView below;
        return call_mm(a, b, bias);
    }
    return bias ? Matmul<true>::apply(a, b, bias) : Matmul<false>::apply(a, b, bias);
}

at::Tensor exact_linear_autograd(const at::Tensor& input, const at::Tensor& weight, const OptionalTensor& bias) {
    if (!wants_gradient(input, weight, bias)) {
        const at::AutoDispatchBelowADInplaceOrView below;
        return call_linear(input, weight, bias);
    }
    return bias ? Linear<true>::apply(input, weight, bias) : Linear<false>::apply(input, weight, bias);
}

at::Tensor exact_linear_activated_autograd(const at::Tensor& input, const at::Tensor& weight,
                                           const OptionalTensor& bias, std::string_view activation) {
    if (!wants_gradient(input, weight, bias)) {
        const at::AutoDispatchBelowADInplaceOrView below;
        return call_linear_activated(input, weight, bias, activation);
    }
    const std::string name(activation);
    return (bias ? LinearActivated<true>::apply(input, weight, bias, name)
                 : LinearActivated<false>::apply(input, weight, bias, name))[0];
}

std::tuple<at::Tensor, at::Tensor> exact_linear_kept_autograd(const at::Tensor& input, const at::Tensor& weight,
                                                              const OptionalTensor& bias, std::string_view activation) {
    TORCH_CHECK_NOT_IMPLEMENTED(!wants_gradient(input, weight, bias),
                                "exact_linear_kept: gradients are not given; exact_linear_activated has them");
    const at::AutoDispatchBelowADInplaceOrView below;
    return call_linear_kept(input, weight, bias, activation);
}

}  // namespace

TORCH_LIBRARY_IMPL(within, Autograd, m) {
    m.impl("exact_matmul", &exact_matmul_autograd);
    m.impl("exact_mm", &exact_mm_autograd);
    m.impl("exact_linear", &exact_linear_autograd);
    m.impl("exact_linear_activated", &exact_linear_activated_autograd);
    m.impl("exact_linear_kept", &exact_linear_kept_autograd);
}

}  // namespace within
