// Gradients of layer, RMS, group and batch normalisation; gradients of these are refused.
#include "core/torch.h"

#include <torch/csrc/autograd/autograd_not_implemented_fallback.h>

#include <tuple>

#include "core/gradients.h"
#include "core/operators.h"
#include "exact/norm_checks.h"

namespace within {
namespace {

using Maybe = std::optional<at::Tensor>;
using Three = std::tuple<at::Tensor, at::Tensor, at::Tensor>;
using Five = std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor, at::Tensor>;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// What backward needs of an optional weight, and of both for their formats.
void keep_affine(AutogradContext* context, const Maybe& weight, const Maybe& bias) {
    auto is_wanted = [](const Maybe& of) { return of && of->requires_grad(); };
    context->saved_data["weight_type"] = weight ? static_cast<int64_t>(weight->scalar_type()) : int64_t{-1};
    context->saved_data["bias_type"] = bias ? static_cast<int64_t>(bias->scalar_type()) : int64_t{-1};
    context->saved_data["of_weights"] = is_wanted(weight) || is_wanted(bias);
}
Maybe given_or_none(const at::Tensor& of) { return of.defined() ? Maybe(of) : std::nullopt; }

// Of x, weight and bias, as many gradients as there are arguments, weight's place and bias's behind it.
variable_list in_places(AutogradContext* context, const Three& found, size_t count, size_t place) {
    auto in_format_of = [&](const char* name, const at::Tensor& gradient) {
        const int64_t type = context->saved_data[name].toInt();
        if (type < 0 || !context->saved_data["of_weights"].toBool()) return at::Tensor();
        return in_format(gradient, static_cast<at::ScalarType>(type));
    };
    variable_list gradients(count);
    if (context->needs_input_grad(0)) gradients[0] = std::get<0>(found);
    gradients[place] = in_format_of("weight_type", std::get<1>(found));
    gradients[place + 1] = in_format_of("bias_type", std::get<2>(found));
    return gradients;
}

Three call_norm(const at::Tensor& x, int64_t dims, const Maybe& weight, const Maybe& bias, double eps,
                bool is_centred) {
    static const auto op = operator_named<Three(const at::Tensor&, int64_t, const Maybe&, const Maybe&, double, bool)>(
        "within::exact_norm");
    const at::AutoDispatchBelowADInplaceOrView below;
    return op.call(x, dims, weight, bias, eps, is_centred);
}

struct Norm : torch::autograd::Function<Norm> {
    static variable_list forward(AutogradContext* context, const at::Tensor& x, int64_t dims, const Maybe& weight,
                                 const Maybe& bias, double eps, bool is_centred) {
        const auto [out, mean, scale] = call_norm(x, dims, weight, bias, eps, is_centred);
        context->saved_data["dims"] = dims;
        context->saved_data["is_centred"] = is_centred;
        keep_affine(context, weight, bias);
        context->save_for_backward({x, weight.value_or(at::Tensor()), mean, scale});
        context->mark_non_differentiable({mean, scale});
        return {out, mean, scale};
    }
    static variable_list backward(AutogradContext* context, const variable_list& gradients) {
        static const auto op =
            operator_named<Three(const at::Tensor&, const at::Tensor&, int64_t, const Maybe&, const at::Tensor&,
                                 const at::Tensor&, bool, bool, bool)>("within::exact_norm_backward");
        const auto kept = context->get_saved_variables();
        const auto found = op.call(gradients[0], kept[0], context->saved_data["dims"].toInt(), given_or_none(kept[1]),
                                   kept[2], kept[3], context->saved_data["is_centred"].toBool(),
                                   context->needs_input_grad(0), context->saved_data["of_weights"].toBool());
        return in_places(context, found, 6, 2);
    }
};

Three norm(const at::Tensor& x, int64_t dims, const Maybe& weight, const Maybe& bias, double eps, bool is_centred) {
    if (!wants_gradient(x, weight, bias)) return call_norm(x, dims, weight, bias, eps, is_centred);
    const auto made = Norm::apply(x, dims, weight, bias, eps, is_centred);
    return {made[0], made[1], made[2]};
}

Three call_group_norm(const at::Tensor& x, int64_t groups, const Maybe& weight, const Maybe& bias, double eps) {
    static const auto op = operator_named<Three(const at::Tensor&, int64_t, const Maybe&, const Maybe&, double)>(
        "within::exact_group_norm");
    const at::AutoDispatchBelowADInplaceOrView below;
    return op.call(x, groups, weight, bias, eps);
}

struct GroupNorm : torch::autograd::Function<GroupNorm> {
    static variable_list forward(AutogradContext* context, const at::Tensor& x, int64_t groups, const Maybe& weight,
                                 const Maybe& bias, double eps) {
        const auto [out, mean, scale] = call_group_norm(x, groups, weight, bias, eps);
        context->saved_data["groups"] = groups;
        keep_affine(context, weight, bias);
        context->save_for_backward({x, weight.value_or(at::Tensor()), mean, scale});
        context->mark_non_differentiable({mean, scale});
        return {out, mean, scale};
    }
    static variable_list backward(AutogradContext* context, const variable_list& gradients) {
        static const auto op =
            operator_named<Three(const at::Tensor&, const at::Tensor&, int64_t, const Maybe&, const at::Tensor&,
                                 const at::Tensor&, bool, bool)>("within::exact_group_norm_backward");
        const auto kept = context->get_saved_variables();
        const auto found =
            op.call(gradients[0], kept[0], context->saved_data["groups"].toInt(), given_or_none(kept[1]), kept[2],
                    kept[3], context->needs_input_grad(0), context->saved_data["of_weights"].toBool());
        return in_places(context, found, 5, 2);
    }
};

Three group_norm(const at::Tensor& x, int64_t groups, const Maybe& weight, const Maybe& bias, double eps) {
    if (!wants_gradient(x, weight, bias)) return call_group_norm(x, groups, weight, bias, eps);
    const auto made = GroupNorm::apply(x, groups, weight, bias, eps);
    return {made[0], made[1], made[2]};
}

Five call_batch_norm(const at::Tensor& x, const Maybe& weight, const Maybe& bias, const Maybe& running_mean,
                     const Maybe& running_var, bool training, double momentum, double eps) {
    static const auto op = operator_named<Five(const at::Tensor&, const Maybe&, const Maybe&, const Maybe&,
                                               const Maybe&, bool, double, double)>("within::exact_batch_norm");
    const at::AutoDispatchBelowADInplaceOrView below;
    return op.call(x, weight, bias, running_mean, running_var, training, momentum, eps);
}

struct BatchNorm : torch::autograd::Function<BatchNorm> {
    static variable_list forward(AutogradContext* context, const at::Tensor& x, const Maybe& weight, const Maybe& bias,
                                 const Maybe& running_mean, const Maybe& running_var, bool training, double momentum,
                                 double eps) {
        const auto [out, mean, scale, new_mean, new_var] =
            call_batch_norm(x, weight, bias, running_mean, running_var, training, momentum, eps);
        context->saved_data["training"] = training;
        keep_affine(context, weight, bias);
        context->save_for_backward({x, weight.value_or(at::Tensor()), mean, scale});
        context->mark_non_differentiable({mean, scale, new_mean, new_var});
        return {out, mean, scale, new_mean, new_var};
    }
    static variable_list backward(AutogradContext* context, const variable_list& gradients) {
        static const auto op =
            operator_named<Three(const at::Tensor&, const at::Tensor&, const Maybe&, const at::Tensor&,
                                 const at::Tensor&, bool, bool, bool)>("within::exact_batch_norm_backward");
        const auto kept = context->get_saved_variables();
        const auto found = op.call(gradients[0], kept[0], given_or_none(kept[1]), kept[2], kept[3],
                                   context->saved_data["training"].toBool(), context->needs_input_grad(0),
                                   context->saved_data["of_weights"].toBool());
        return in_places(context, found, 8, 1);
    }
};

Five batch_norm(const at::Tensor& x, const Maybe& weight, const Maybe& bias, const Maybe& running_mean,
                const Maybe& running_var, bool training, double momentum, double eps) {
    if (!wants_gradient(x, weight, bias))
        return call_batch_norm(x, weight, bias, running_mean, running_var, training, momentum, eps);
    const auto made = BatchNorm::apply(x, weight, bias, running_mean, running_var, training, momentum, eps);
    return {made[0], made[1], made[2], made[3], made[4]};
}

}  // namespace

TORCH_LIBRARY_IMPL(within, Autograd, m) {
    m.impl("exact_norm", &norm);
    m.impl("exact_group_norm", &group_norm);
    m.impl("exact_batch_norm", &batch_norm);
    for (const char* name : {"exact_norm_backward", "exact_group_norm_backward", "exact_batch_norm_backward"})
        m.impl(name, torch::autograd::autogradNotImplementedFallback());
}

}  // namespace within
