// Gradients of exact convolutions; gradients of these are refused.
#include "core/torch.h"

#include <torch/csrc/autograd/autograd_not_implemented_fallback.h>

#include <vector>

#include "core/gradients.h"
#include "core/operators.h"

namespace within {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;
using Ints = at::IntArrayRef;
using OptionalTensor = std::optional<at::Tensor>;

struct Steps {
    std::vector<int64_t> stride, padding, dilation;
    int64_t groups;

    void keep(AutogradContext* context) const {
        context->saved_data["stride"] = stride;
        context->saved_data["padding"] = padding;
        context->saved_data["dilation"] = dilation;
        context->saved_data["groups"] = groups;
    }
    static Steps kept(AutogradContext* context) {
        auto& data = context->saved_data;
        return {data["stride"].toIntVector(), data["padding"].toIntVector(), data["dilation"].toIntVector(),
                data["groups"].toInt()};
    }
};

at::Tensor convolution(const at::Tensor& input, const at::Tensor& weight, const OptionalTensor& bias,
                       const Steps& steps) {
    static const auto op = operator_named<at::Tensor(const at::Tensor&, const at::Tensor&, const OptionalTensor&, Ints,
                                                     Ints, Ints, int64_t)>("within::exact_convolution");
    return op.call(input, weight, bias, steps.stride, steps.padding, steps.dilation, steps.groups);
}

at::Tensor backward_input(const at::Tensor& gradient, const at::Tensor& weight, c10::SymIntArrayRef input,
                          const Steps& steps) {
    static const auto op = operator_named<at::Tensor(const at::Tensor&, const at::Tensor&, c10::SymIntArrayRef, Ints,
                                                     Ints, Ints, int64_t)>("within::exact_convolution_backward_input");
    return op.call(gradient, weight, input, steps.stride, steps.padding, steps.dilation, steps.groups);
}

at::Tensor backward_weight(const at::Tensor& gradient, const at::Tensor& input, Ints kernel, const Steps& steps) {
    static const auto op =
        operator_named<at::Tensor(const at::Tensor&, const at::Tensor&, Ints, Ints, Ints, Ints, int64_t)>(
            "within::exact_convolution_backward_weight");
    return op.call(gradient, input, kernel, steps.stride, steps.padding, steps.dilation, steps.groups);
}

at::Tensor backward_bias(const at::Tensor& gradient) {
    static const auto op = operator_named<at::Tensor(const at::Tensor&)>("within::exact_convolution_backward_bias");
    return op.call(gradient);
}

template <bool has_bias>
struct Convolve : Function<Convolve<has_bias>> {
    static at::Tensor forward(AutogradContext* context, const at::Tensor& input, const at::Tensor& weight,
                              const OptionalTensor& bias, const Steps& steps) {
        context->save_for_backward({input, weight});
        steps.keep(context);
        const at::AutoDispatchBelowADInplaceOrView below;
        return convolution(input, weight, bias, steps);
    }
    static variable_list backward(AutogradContext* context, const variable_list& gradients) {
        const variable_list saved = context->get_saved_variables();
        const Steps steps = Steps::kept(context);
        const at::Tensor &gradient = gradients[0], &input = saved[0], &weight = saved[1];
        variable_list result(4);
        if (context->needs_input_grad(0)) result[0] = backward_input(gradient, weight, input.sym_sizes(), steps);
        if (context->needs_input_grad(1)) result[1] = backward_weight(gradient, input, weight.sizes().slice(2), steps);
        if (has_bias && context->needs_input_grad(2)) result[2] = backward_bias(gradient);
        return result;
    }
};

at::Tensor exact_convolution_autograd(const at::Tensor& input, const at::Tensor& weight, const OptionalTensor& bias,
                                      Ints stride, Ints padding, Ints dilation, int64_t groups) {
    const Steps steps{stride.vec(), padding.vec(), dilation.vec(), groups};
    if (!wants_gradient(input, weight, bias)) {
        const at::AutoDispatchBelowADInplaceOrView below;
        return convolution(input, weight, bias, steps);
    }
    return bias ? Convolve<true>::apply(input, weight, bias, steps)
                : Convolve<false>::apply(input, weight, bias, steps);
}

}  // namespace

TORCH_LIBRARY_IMPL(within, Autograd, m) {
    m.impl("exact_convolution", &exact_convolution_autograd);
    m.impl("exact_convolution_backward_input", torch::autograd::autogradNotImplementedFallback());
    m.impl("exact_convolution_backward_weight", torch::autograd::autogradNotImplementedFallback());
    m.impl("exact_convolution_backward_bias", torch::autograd::autogradNotImplementedFallback());
}

}  // namespace within
