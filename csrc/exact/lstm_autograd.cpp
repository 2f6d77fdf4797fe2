// Gradients of LSTM layers.
#include "core/torch.h"

#include <torch/csrc/autograd/autograd_not_implemented_fallback.h>

#include <optional>
#include <tuple>

#include "core/operators.h"

namespace within {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;
using Layer = std::tuple<at::Tensor, at::Tensor, at::Tensor>(const at::Tensor&, const at::Tensor&, const at::Tensor&,
                                                             at::TensorList, const std::optional<at::Tensor>&, bool);
using LayerForward = std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor, at::Tensor>(
    const at::Tensor&, const at::Tensor&, const at::Tensor&, at::TensorList, const std::optional<at::Tensor>&, bool);
using LayerBackward = std::vector<at::Tensor>(const at::Tensor&, const at::Tensor&, const at::Tensor&,
                                              const at::Tensor&, const at::Tensor&, const at::Tensor&, at::TensorList,
                                              const std::optional<at::Tensor>&, bool, const at::Tensor&,
                                              const at::Tensor&, bool);

struct LstmFunction : torch::autograd::Function<LstmFunction> {
    static variable_list forward(AutogradContext* context, const at::Tensor& input, const at::Tensor& h0,
                                 const at::Tensor& c0, at::TensorList weights, const std::optional<at::Tensor>& lengths,
                                 bool batch_first) {
        static const auto op = operator_named<LayerForward>("within::exact_lstm_forward");
        const at::AutoDispatchBelowADInplaceOrView guard;
        auto [output, h, c, kept, wide] = op.call(input, h0, c0, weights, lengths, batch_first);
        const bool is_wide = input.scalar_type() == at::kFloat || input.scalar_type() == at::kDouble;
        variable_list saved = {input, h0, c0, is_wide ? output : wide, kept, lengths ? *lengths : at::Tensor()};
        saved.insert(saved.end(), weights.begin(), weights.end());
        context->save_for_backward(saved);
        context->saved_data["batch_first"] = batch_first;
        return {output, h, c};
    }

    static variable_list backward(AutogradContext* context, const variable_list& gradients) {
        static const auto op = operator_named<LayerBackward>("within::exact_lstm_backward");
        const variable_list saved = context->get_saved_variables();
        const variable_list weights(saved.begin() + 6, saved.end());
        const std::optional<at::Tensor> lengths = saved[5].defined() ? std::optional(saved[5]) : std::nullopt;
        variable_list result =
            op.call(gradients[0], gradients[1], gradients[2], saved[0], saved[1], saved[2], weights, lengths,
                    context->saved_data["batch_first"].toBool(), saved[3], saved[4], context->needs_input_grad(0));
        if (!context->needs_input_grad(0)) result[0] = at::Tensor();
        result.resize(result.size() + 2);  // lengths, batch_first
        return result;
    }
};

std::tuple<at::Tensor, at::Tensor, at::Tensor> exact_lstm_autograd(const at::Tensor& input, const at::Tensor& h0,
                                                                   const at::Tensor& c0, at::TensorList weights,
                                                                   const std::optional<at::Tensor>& lengths,
                                                                   bool batch_first) {
    bool needs = input.requires_grad() || h0.requires_grad() || c0.requires_grad();
    for (const at::Tensor& weight : weights) needs |= weight.requires_grad();
    if (needs && at::GradMode::is_enabled()) {
        const variable_list result = LstmFunction::apply(input, h0, c0, weights, lengths, batch_first);
        return {result[0], result[1], result[2]};
    }
    static const auto op = operator_named<Layer>("within::exact_lstm");
    const at::AutoDispatchBelowADInplaceOrView guard;
    return op.call(input, h0, c0, weights, lengths, batch_first);
}

}  // namespace

TORCH_LIBRARY_IMPL(within, Autograd, m) {
    m.impl("exact_lstm", &exact_lstm_autograd);
    // A second derivative is refused.
    m.impl("exact_lstm_forward", torch::autograd::autogradNotImplementedFallback());
    m.impl("exact_lstm_backward", torch::autograd::autogradNotImplementedFallback());
}

}  // namespace within
