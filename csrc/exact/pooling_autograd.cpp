// Gradients of pooling; gradients of these are refused.
#include "core/torch.h"

#include <torch/csrc/autograd/autograd_not_implemented_fallback.h>

#include <tuple>
#include <vector>

#include "core/operators.h"

namespace within {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;
using Ints = at::IntArrayRef;
using Kept = std::vector<int64_t>;
using Pair = std::tuple<at::Tensor, at::Tensor>;

void keep_shape(AutogradContext* context, const at::Tensor& x) {
    context->saved_data["shape"] = c10::IValue(x.sym_sizes().vec());
}
std::vector<c10::SymInt> kept_shape(AutogradContext* context) {
    return context->saved_data["shape"].to<std::vector<c10::SymInt>>();
}

struct MaxPool : Function<MaxPool> {
    static variable_list forward(AutogradContext* context, const at::Tensor& x, Kept kernel, Kept stride, Kept padding,
                                 Kept dilation, bool ceil_mode) {
        static const auto op =
            operator_named<Pair(const at::Tensor&, Ints, Ints, Ints, Ints, bool)>("within::exact_max_pool");
        const at::AutoDispatchBelowADInplaceOrView below;
        auto [out, places] = op.call(x, kernel, stride, padding, dilation, ceil_mode);
        keep_shape(context, x);
        context->save_for_backward({places});
        context->mark_non_differentiable({places});
        context->saved_data["kernel"] = kernel;
        context->saved_data["stride"] = stride;
        context->saved_data["padding"] = padding;
        context->saved_data["dilation"] = dilation;
        context->saved_data["ceil_mode"] = ceil_mode;
        return {out, places};
    }
    static variable_list backward(AutogradContext* context, const variable_list& gradients) {
        static const auto op =
            operator_named<at::Tensor(const at::Tensor&, const at::Tensor&, c10::SymIntArrayRef, Ints, Ints, Ints, Ints,
                                      bool)>("within::exact_max_pool_backward");
        auto& data = context->saved_data;
        variable_list result(6);
        result[0] = op.call(gradients[0], context->get_saved_variables()[0], kept_shape(context),
                            data["kernel"].toIntVector(), data["stride"].toIntVector(), data["padding"].toIntVector(),
                            data["dilation"].toIntVector(), data["ceil_mode"].toBool());
        return result;
    }
};

struct AveragePool : Function<AveragePool> {
    static at::Tensor forward(AutogradContext* context, const at::Tensor& x, Kept kernel, Kept stride, Kept padding,
                              bool ceil_mode, bool counts_padding, std::optional<int64_t> divisor) {
        static const auto op =
            operator_named<at::Tensor(const at::Tensor&, Ints, Ints, Ints, bool, bool, std::optional<int64_t>)>(
                "within::exact_average_pool");
        const at::AutoDispatchBelowADInplaceOrView below;
        keep_shape(context, x);
        context->saved_data["kernel"] = kernel;
        context->saved_data["stride"] = stride;
        context->saved_data["padding"] = padding;
        context->saved_data["ceil_mode"] = ceil_mode;
        context->saved_data["counts_padding"] = counts_padding;
        context->saved_data["divisor"] = divisor;
        return op.call(x, kernel, stride, padding, ceil_mode, counts_padding, divisor);
    }
    static variable_list backward(AutogradContext* context, const variable_list& gradients) {
        static const auto op =
            operator_named<at::Tensor(const at::Tensor&, c10::SymIntArrayRef, Ints, Ints, Ints, bool, bool,
                                      std::optional<int64_t>)>("within::exact_average_pool_backward");
        auto& data = context->saved_data;
        variable_list result(7);
        result[0] = op.call(gradients[0], kept_shape(context), data["kernel"].toIntVector(),
                            data["stride"].toIntVector(), data["padding"].toIntVector(), data["ceil_mode"].toBool(),
                            data["counts_padding"].toBool(), data["divisor"].toOptional<int64_t>());
        return result;
    }
};

struct AdaptiveMaxPool : Function<AdaptiveMaxPool> {
    static variable_list forward(AutogradContext* context, const at::Tensor& x, Kept output) {
        static const auto op = operator_named<Pair(const at::Tensor&, Ints)>("within::exact_adaptive_max_pool");
        const at::AutoDispatchBelowADInplaceOrView below;
        auto [out, places] = op.call(x, output);
        keep_shape(context, x);
        context->save_for_backward({places});
        context->mark_non_differentiable({places});
        return {out, places};
    }
    static variable_list backward(AutogradContext* context, const variable_list& gradients) {
        static const auto op = operator_named<at::Tensor(const at::Tensor&, const at::Tensor&, c10::SymIntArrayRef)>(
            "within::exact_adaptive_max_pool_backward");
        return {op.call(gradients[0], context->get_saved_variables()[0], kept_shape(context)), {}};
    }
};

struct AdaptiveAveragePool : Function<AdaptiveAveragePool> {
    static at::Tensor forward(AutogradContext* context, const at::Tensor& x, Kept output) {
        static const auto op =
            operator_named<at::Tensor(const at::Tensor&, Ints)>("within::exact_adaptive_average_pool");
        const at::AutoDispatchBelowADInplaceOrView below;
        keep_shape(context, x);
        return op.call(x, output);
    }
    static variable_list backward(AutogradContext* context, const variable_list& gradients) {
        static const auto op = operator_named<at::Tensor(const at::Tensor&, c10::SymIntArrayRef)>(
            "within::exact_adaptive_average_pool_backward");
        return {op.call(gradients[0], kept_shape(context)), {}};
    }
};

Pair pair_of(const variable_list& two) { return {two[0], two[1]}; }

Pair max_pool(const at::Tensor& x, Ints kernel, Ints stride, Ints padding, Ints dilation, bool ceil_mode) {
    return pair_of(MaxPool::apply(x, kernel.vec(), stride.vec(), padding.vec(), dilation.vec(), ceil_mode));
}
at::Tensor average_pool(const at::Tensor& x, Ints kernel, Ints stride, Ints padding, bool ceil_mode,
                        bool counts_padding, std::optional<int64_t> divisor) {
    return AveragePool::apply(x, kernel.vec(), stride.vec(), padding.vec(), ceil_mode, counts_padding, divisor);
}
Pair adaptive_max_pool(const at::Tensor& x, Ints output) { return pair_of(AdaptiveMaxPool::apply(x, output.vec())); }
at::Tensor adaptive_average_pool(const at::Tensor& x, Ints output) {
    return AdaptiveAveragePool::apply(x, output.vec());
}

}  // namespace

TORCH_LIBRARY_IMPL(within, Autograd, m) {
    m.impl("exact_max_pool", &max_pool);
    m.impl("exact_average_pool", &average_pool);
    m.impl("exact_adaptive_max_pool", &adaptive_max_pool);
    m.impl("exact_adaptive_average_pool", &adaptive_average_pool);
    for (const char* const name : {"exact_max_pool_backward", "exact_average_pool_backward",
                                   "exact_adaptive_max_pool_backward", "exact_adaptive_average_pool_backward"})
        m.impl(name, torch::autograd::autogradNotImplementedFallback());
}

}  // namespace within
