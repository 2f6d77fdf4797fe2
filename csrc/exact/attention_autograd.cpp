// The gradients of exact attention.
#include "core/torch.h"

#include <optional>
#include <tuple>

#include "core/operators.h"

namespace within {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;
using Mask = std::optional<at::Tensor>;
using Three = std::tuple<at::Tensor, at::Tensor, at::Tensor>;
using Four = std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor>;

Three forward_below(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, const Mask& mask,
                    bool is_causal, std::optional<double> scale, double dropout_p, c10::SymInt seed,
                    c10::SymInt offset) {
    using Signature = Three(const at::Tensor&, const at::Tensor&, const at::Tensor&, const Mask&, bool,
                            std::optional<double>, double, c10::SymInt, c10::SymInt);
    static const auto op = operator_named<Signature>("within::exact_attention");
    return op.call(query, key, value, mask, is_causal, scale, dropout_p, std::move(seed), std::move(offset));
}

Four backward_below(const at::Tensor& gradient, const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                    const Mask& mask, const at::Tensor& out, const at::Tensor& highest, const at::Tensor& reciprocal,
                    bool is_causal, std::optional<double> scale, double dropout_p, c10::SymInt seed, c10::SymInt offset,
                    bool is_mask_wanted) {
    using Signature =
        Four(const at::Tensor&, const at::Tensor&, const at::Tensor&, const at::Tensor&, const Mask&, const at::Tensor&,
             const at::Tensor&, const at::Tensor&, bool, std::optional<double>, double, c10::SymInt, c10::SymInt, bool);
    static const auto op = operator_named<Signature>("within::exact_attention_backward");
    return op.call(gradient, query, key, value, mask, out, highest, reciprocal, is_causal, scale, dropout_p,
                   std::move(seed), std::move(offset), is_mask_wanted);
}

struct Attention : torch::autograd::Function<Attention> {
    static variable_list forward(AutogradContext* context, const at::Tensor& query, const at::Tensor& key,
                                 const at::Tensor& value, const Mask& mask, bool is_causal, std::optional<double> scale,
                                 double dropout_p, const c10::SymInt& seed, const c10::SymInt& offset) {
        const at::AutoDispatchBelowADInplaceOrView below;
        auto [out, highest, reciprocal] =
            forward_below(query, key, value, mask, is_causal, scale, dropout_p, seed, offset);
        context->save_for_backward({query, key, value, mask.value_or(at::Tensor()), out, highest, reciprocal});
        context->mark_non_differentiable({highest, reciprocal});
        context->saved_data["is_causal"] = is_causal;
        context->saved_data["scale"] = scale;
        context->saved_data["dropout_p"] = dropout_p;
        context->saved_data["seed"] = seed;
        context->saved_data["offset"] = offset;
        context->saved_data["is_mask_wanted"] = mask && mask->requires_grad();
        return {out, highest, reciprocal};
    }

    static variable_list backward(AutogradContext* context, const variable_list& gradients) {
        const variable_list saved = context->get_saved_variables();
        const auto& data = context->saved_data;
        const bool is_mask_wanted = data.at("is_mask_wanted").toBool();
        const Mask mask = saved[3].defined() ? Mask(saved[3]) : std::nullopt;
        auto [query, key, value, of_mask] = backward_below(
            gradients[0], saved[0], saved[1], saved[2], mask, saved[4], saved[5], saved[6],
            data.at("is_causal").toBool(), data.at("scale").toOptional<double>(), data.at("dropout_p").toDouble(),
            data.at("seed").toSymInt(), data.at("offset").toSymInt(), is_mask_wanted);
        const at::Tensor none;
        return {query, key, value, is_mask_wanted ? of_mask : none, none, none, none, none, none};
    }
};

Three exact_attention_autograd(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                               const Mask& mask, bool is_causal, std::optional<double> scale, double dropout_p,
                               c10::SymInt seed, c10::SymInt offset) {
    const variable_list found = Attention::apply(query, key, value, mask, is_causal, scale, dropout_p, seed, offset);
    return {found[0], found[1], found[2]};
}

// Second derivatives are not given.
struct AttentionBackwardOnce : torch::autograd::Function<AttentionBackwardOnce> {
    static variable_list forward(AutogradContext*, const at::Tensor& gradient, const at::Tensor& query,
                                 const at::Tensor& key, const at::Tensor& value, const Mask& mask,
                                 const at::Tensor& out, const at::Tensor& highest, const at::Tensor& reciprocal,
                                 bool is_causal, std::optional<double> scale, double dropout_p, const c10::SymInt& seed,
                                 const c10::SymInt& offset, bool is_mask_wanted) {
        const at::AutoDispatchBelowADInplaceOrView below;
        auto [of_query, of_key, of_value, of_mask] =
            backward_below(gradient, query, key, value, mask, out, highest, reciprocal, is_causal, scale, dropout_p,
                           seed, offset, is_mask_wanted);
        return {of_query, of_key, of_value, of_mask};
    }

    static variable_list backward(AutogradContext*, const variable_list&) {
        TORCH_CHECK_NOT_IMPLEMENTED(false, "exact_attention: second derivatives are not given");
    }
};

Four exact_attention_backward_autograd(const at::Tensor& gradient, const at::Tensor& query, const at::Tensor& key,
                                       const at::Tensor& value, const Mask& mask, const at::Tensor& out,
                                       const at::Tensor& highest, const at::Tensor& reciprocal, bool is_causal,
                                       std::optional<double> scale, double dropout_p, c10::SymInt seed,
                                       c10::SymInt offset, bool is_mask_wanted) {
    const variable_list found =
        AttentionBackwardOnce::apply(gradient, query, key, value, mask, out, highest, reciprocal, is_causal, scale,
                                     dropout_p, seed, offset, is_mask_wanted);
    return {found[0], found[1], found[2], found[3]};
}

}  // namespace

TORCH_LIBRARY_IMPL(within, Autograd, m) {
    m.impl("exact_attention", &exact_attention_autograd);
    m.impl("exact_attention_backward", &exact_attention_backward_autograd);
}

}  // namespace within
