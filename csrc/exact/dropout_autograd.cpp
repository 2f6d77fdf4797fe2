// The gradient of dropout: dropout of the gradient, whose masks are drawn again.
#include "core/torch.h"

#include <optional>

#include "core/gradients.h"
#include "core/operators.h"

namespace within {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

at::Tensor call_dropout(const at::Tensor& x, const std::optional<at::Tensor>& sample_ids, double p,
                        const c10::SymInt& key, const c10::SymInt& step, const c10::SymInt& shared) {
    static const auto op = operator_named<at::Tensor(const at::Tensor&, const std::optional<at::Tensor>&, double,
                                                     c10::SymInt, c10::SymInt, c10::SymInt)>("within::exact_dropout");
    return op.call(x, sample_ids, p, key, step, shared);
}

struct ExactDropout : torch::autograd::Function<ExactDropout> {
    static at::Tensor forward(AutogradContext* context, const at::Tensor& x,
                              const std::optional<at::Tensor>& sample_ids, double p, const c10::SymInt& key,
                              const c10::SymInt& step, const c10::SymInt& shared) {
        const at::AutoDispatchBelowADInplaceOrView below;
        context->save_for_backward({sample_ids.value_or(at::Tensor())});
        context->saved_data["p"] = p;
        context->saved_data["key"] = key;
        context->saved_data["step"] = step;
        context->saved_data["shared"] = shared;
        return call_dropout(x, sample_ids, p, key, step, shared);
    }
    static variable_list backward(AutogradContext* context, const variable_list& gradients) {
        const at::Tensor ids = context->get_saved_variables()[0];
        auto& saved = context->saved_data;
        variable_list found(6);
        found[0] = call_dropout(gradients[0], ids.defined() ? std::optional(ids) : std::nullopt, saved["p"].toDouble(),
                                saved["key"].toSymInt(), saved["step"].toSymInt(), saved["shared"].toSymInt());
        return found;
    }
};

at::Tensor exact_dropout_autograd(const at::Tensor& x, const std::optional<at::Tensor>& sample_ids, double p,
                                  c10::SymInt key, c10::SymInt step, c10::SymInt shared) {
    if (wants_gradient(x)) return ExactDropout::apply(x, sample_ids, p, key, step, shared);
    const at::AutoDispatchBelowADInplaceOrView below;
    return call_dropout(x, sample_ids, p, key, step, shared);
}

}  // namespace

TORCH_LIBRARY_IMPL(within, Autograd, m) { m.impl("exact_dropout", &exact_dropout_autograd); }

}  // namespace within
