// The gradient of embeddings.
#include "core/torch.h"

#include "core/gradients.h"
#include "core/operators.h"

namespace within {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

at::Tensor call_embedding(const at::Tensor& weight, const at::Tensor& indices, int64_t padding_idx, bool scale) {
    static const auto op =
        operator_named<at::Tensor(const at::Tensor&, const at::Tensor&, int64_t, bool)>("within::exact_embedding");
    return op.call(weight, indices, padding_idx, scale);
}

at::Tensor call_backward(const at::Tensor& gradient, const at::Tensor& indices, const c10::SymInt& rows,
                         int64_t padding_idx, bool scale) {
    static const auto op = operator_named<at::Tensor(const at::Tensor&, const at::Tensor&, c10::SymInt, int64_t, bool)>(
        "within::exact_embedding_backward");
    return op.call(gradient, indices, rows, padding_idx, scale);
}

struct ExactEmbedding : torch::autograd::Function<ExactEmbedding> {
    static at::Tensor forward(AutogradContext* context, const at::Tensor& weight, const at::Tensor& indices,
                              int64_t padding_idx, bool scale) {
        const at::AutoDispatchBelowADInplaceOrView below;
        context->save_for_backward({indices});
        context->saved_data["rows"] = weight.sym_size(0);
        context->saved_data["padding_idx"] = padding_idx;
        context->saved_data["scale"] = scale;
        return call_embedding(weight, indices, padding_idx, scale);
    }
    static variable_list backward(AutogradContext* context, const variable_list& gradients) {
        auto& saved = context->saved_data;
        variable_list found(4);
        found[0] = call_backward(gradients[0], context->get_saved_variables()[0], saved["rows"].toSymInt(),
                                 saved["padding_idx"].toInt(), saved["scale"].toBool());
        return found;
    }
};

struct ExactEmbeddingBackward : torch::autograd::Function<ExactEmbeddingBackward> {
    static at::Tensor forward(AutogradContext*, const at::Tensor& gradient, const at::Tensor& indices,
                              const c10::SymInt& rows, int64_t padding_idx, bool scale) {
        const at::AutoDispatchBelowADInplaceOrView below;
        return call_backward(gradient, indices, rows, padding_idx, scale);
    }
    static variable_list backward(AutogradContext*, const variable_list&) {
        TORCH_CHECK_NOT_IMPLEMENTED(false, "exact_embedding: second derivatives are not given");
    }
};

at::Tensor exact_embedding_autograd(const at::Tensor& weight, const at::Tensor& indices, int64_t padding_idx,
                                    bool scale) {
    if (wants_gradient(weight)) return ExactEmbedding::apply(weight, indices, padding_idx, scale);
    const at::AutoDispatchBelowADInplaceOrView below;
    return call_embedding(weight, indices, padding_idx, scale);
}

at::Tensor exact_embedding_backward_autograd(const at::Tensor& gradient, const at::Tensor& indices, c10::SymInt rows,
                                             int64_t padding_idx, bool scale) {
    if (wants_gradient(gradient)) return ExactEmbeddingBackward::apply(gradient, indices, rows, padding_idx, scale);
    const at::AutoDispatchBelowADInplaceOrView below;
    return call_backward(gradient, indices, rows, padding_idx, scale);
}

}  // namespace

TORCH_LIBRARY_IMPL(within, Autograd, m) {
    m.impl("exact_embedding", &exact_embedding_autograd);
    m.impl("exact_embedding_backward", &exact_embedding_backward_autograd);
}

}  // namespace within
