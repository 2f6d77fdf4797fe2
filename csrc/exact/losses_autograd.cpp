// Gradients of losses.
#include "core/torch.h"

#include <torch/csrc/autograd/autograd_not_implemented_fallback.h>

#include <string>
#include <tuple>

#include "core/gradients.h"
#include "core/operators.h"
#include "exact/losses_checks.h"

namespace within {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

void refuse_gradient(const char* loss, const char* name, const MaybeTensor& of) {
    TORCH_CHECK_VALUE(!wants_gradient(of), loss, ": ", name, " requires a gradient, which is not computed; detach it");
}

at::Tensor or_undefined(const MaybeTensor& of) { return of ? *of : at::Tensor(); }
MaybeTensor or_none(const at::Tensor& of) { return of.defined() ? MaybeTensor(of) : std::nullopt; }

at::Tensor pointwise_loss(const at::Tensor& input, const at::Tensor& target, const MaybeTensor& factor,
                          const MaybeTensor& weight, const std::string& loss, double parameter, int64_t reduction) {
    static const auto op =
        operator_named<at::Tensor(const at::Tensor&, const at::Tensor&, const MaybeTensor&, const MaybeTensor&,
                                  const std::string&, double, int64_t)>("within::exact_pointwise_loss");
    return op.call(input, target, factor, weight, loss, parameter, reduction);
}

at::Tensor pointwise_loss_backward(const at::Tensor& gradient, const at::Tensor& input, const at::Tensor& target,
                                   const MaybeTensor& factor, const MaybeTensor& weight, const std::string& loss,
                                   double parameter, int64_t reduction) {
    static const auto op =
        operator_named<at::Tensor(const at::Tensor&, const at::Tensor&, const at::Tensor&, const MaybeTensor&,
                                  const MaybeTensor&, const std::string&, double, int64_t)>(
            "within::exact_pointwise_loss_backward");
    return op.call(gradient, input, target, factor, weight, loss, parameter, reduction);
}

struct PointwiseLoss : torch::autograd::Function<PointwiseLoss> {
    static at::Tensor forward(AutogradContext* ctx, const at::Tensor& input, const at::Tensor& target,
                              const MaybeTensor& factor, const MaybeTensor& weight, const std::string& loss,
                              double parameter, int64_t reduction) {
        const at::AutoDispatchBelowADInplaceOrView below;
        ctx->save_for_backward({input, target, or_undefined(factor), or_undefined(weight)});
        ctx->saved_data["loss"] = loss;
        ctx->saved_data["parameter"] = parameter;
        ctx->saved_data["reduction"] = reduction;
        ctx->saved_data["of_target"] = target.requires_grad();
        return pointwise_loss(input, target, factor, weight, loss, parameter, reduction);
    }
    static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
        const variable_list saved = ctx->get_saved_variables();
        const at::Tensor of_input =
            pointwise_loss_backward(gradients[0], saved[0], saved[1], or_none(saved[2]), or_none(saved[3]),
                                    ctx->saved_data["loss"].toStringRef(), ctx->saved_data["parameter"].toDouble(),
                                    ctx->saved_data["reduction"].toInt());
        // These losses depend on input - target alone.
        const at::Tensor of_target = ctx->saved_data["of_target"].toBool() ? of_input.neg() : at::Tensor();
        return {of_input, of_target, at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
    }
};

using ClassLossResult = std::tuple<at::Tensor, at::Tensor, at::Tensor>;

ClassLossResult class_loss(const at::Tensor& input, const at::Tensor& target, const MaybeTensor& weight, bool is_log,
                           int64_t reduction, int64_t ignore_index, double label_smoothing) {
    static const auto op = operator_named<ClassLossResult(const at::Tensor&, const at::Tensor&, const MaybeTensor&,
                                                          bool, int64_t, int64_t, double)>("within::exact_class_loss");
    return op.call(input, target, weight, is_log, reduction, ignore_index, label_smoothing);
}

struct ClassLoss : torch::autograd::Function<ClassLoss> {
    static variable_list forward(AutogradContext* ctx, const at::Tensor& input, const at::Tensor& target,
                                 const MaybeTensor& weight, bool is_log, int64_t reduction, int64_t ignore_index,
                                 double label_smoothing) {
        const at::AutoDispatchBelowADInplaceOrView below;
        const auto [loss, rows, divisor] =
            class_loss(input, target, weight, is_log, reduction, ignore_index, label_smoothing);
        ctx->save_for_backward({input, target, or_undefined(weight), rows, divisor});
        ctx->mark_non_differentiable({rows, divisor});
        ctx->saved_data["is_log"] = is_log;
        ctx->saved_data["reduction"] = reduction;
        ctx->saved_data["ignore_index"] = ignore_index;
        ctx->saved_data["label_smoothing"] = label_smoothing;
        return {loss, rows, divisor};
    }
    static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
        static const auto op =
            operator_named<at::Tensor(const at::Tensor&, const at::Tensor&, const at::Tensor&, const MaybeTensor&,
                                      const at::Tensor&, const at::Tensor&, bool, int64_t, int64_t, double)>(
                "within::exact_class_loss_backward");
        const variable_list saved = ctx->get_saved_variables();
        return {op.call(gradients[0], saved[0], saved[1], or_none(saved[2]), saved[3], saved[4],
                        ctx->saved_data["is_log"].toBool(), ctx->saved_data["reduction"].toInt(),
                        ctx->saved_data["ignore_index"].toInt(), ctx->saved_data["label_smoothing"].toDouble()),
                at::Tensor(),
                at::Tensor(),
                at::Tensor(),
                at::Tensor(),
                at::Tensor(),
                at::Tensor()};
    }
};

ClassLossResult exact_class_loss_autograd(const at::Tensor& input, const at::Tensor& target, const MaybeTensor& weight,
                                          bool is_log, int64_t reduction, int64_t ignore_index,
                                          double label_smoothing) {
    refuse_gradient("exact_class_loss", "weight", weight);
    refuse_gradient("exact_class_loss", "target", target);
    if (!wants_gradient(input)) {
        const at::AutoDispatchBelowADInplaceOrView below;
        return class_loss(input, target, weight, is_log, reduction, ignore_index, label_smoothing);
    }
    const auto results = ClassLoss::apply(input, target, weight, is_log, reduction, ignore_index, label_smoothing);
    return {results[0], results[1], results[2]};
}

using PairLossResult = std::tuple<at::Tensor, at::Tensor>;

PairLossResult pairwise_loss(const at::Tensor& input, const at::Tensor& target, const MaybeTensor& group,
                             int64_t reduction) {
    static const auto op =
        operator_named<PairLossResult(const at::Tensor&, const at::Tensor&, const MaybeTensor&, int64_t)>(
            "within::exact_pairwise_loss");
    return op.call(input, target, group, reduction);
}

struct PairwiseLoss : torch::autograd::Function<PairwiseLoss> {
    static variable_list forward(AutogradContext* ctx, const at::Tensor& input, const at::Tensor& target,
                                 const MaybeTensor& group, int64_t reduction) {
        const at::AutoDispatchBelowADInplaceOrView below;
        const auto [loss, pairs] = pairwise_loss(input, target, group, reduction);
        ctx->save_for_backward({input, target, or_undefined(group), pairs});
        ctx->mark_non_differentiable({pairs});
        ctx->saved_data["reduction"] = reduction;
        return {loss, pairs};
    }
    static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
        static const auto op =
            operator_named<at::Tensor(const at::Tensor&, const at::Tensor&, const at::Tensor&, const MaybeTensor&,
                                      const at::Tensor&, int64_t)>("within::exact_pairwise_loss_backward");
        const variable_list saved = ctx->get_saved_variables();
        return {op.call(gradients[0], saved[0], saved[1], or_none(saved[2]), saved[3],
                        ctx->saved_data["reduction"].toInt()),
                at::Tensor(), at::Tensor(), at::Tensor()};
    }
};

PairLossResult exact_pairwise_loss_autograd(const at::Tensor& input, const at::Tensor& target, const MaybeTensor& group,
                                            int64_t reduction) {
    refuse_gradient("exact_pairwise_loss", "target", target);
    if (!wants_gradient(input)) {
        const at::AutoDispatchBelowADInplaceOrView below;
        return pairwise_loss(input, target, group, reduction);
    }
    const auto results = PairwiseLoss::apply(input, target, group, reduction);
    return {results[0], results[1]};
}

at::Tensor exact_pointwise_loss_autograd(const at::Tensor& input, const at::Tensor& target, const MaybeTensor& factor,
                                         const MaybeTensor& weight, const std::string& loss, double parameter,
                                         int64_t reduction) {
    refuse_gradient("exact_pointwise_loss", "factor", factor);
    refuse_gradient("exact_pointwise_loss", "weight", weight);
    if (loss == "logistic") refuse_gradient("exact_pointwise_loss", "target", target);
    if (wants_gradient(input, target))
        return PointwiseLoss::apply(input, target, factor, weight, loss, parameter, reduction);
    const at::AutoDispatchBelowADInplaceOrView below;
    return pointwise_loss(input, target, factor, weight, loss, parameter, reduction);
}

}  // namespace

TORCH_LIBRARY_IMPL(within, Autograd, m) {
    m.impl("exact_pointwise_loss", &exact_pointwise_loss_autograd);
    m.impl("exact_class_loss", &exact_class_loss_autograd);
    m.impl("exact_pairwise_loss", &exact_pairwise_loss_autograd);
    // No second derivatives.
    for (const char* const backward :
         {"exact_pointwise_loss_backward", "exact_class_loss_backward", "exact_pairwise_loss_backward"})
        m.impl(backward, torch::autograd::autogradNotImplementedFallback());
}

}  // namespace within
