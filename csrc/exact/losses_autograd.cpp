// Gradients of losses.
#include "core/torch.h"

#include <mutex>
#include <string>
#include <tuple>

#include "core/nodes.h"
#include "core/operators.h"
#include "exact/losses_checks.h"

namespace within {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::SavedVariable;
using torch::autograd::variable_list;

void refuse_gradient(const char* loss, const char* name, const MaybeTensor& of) {
    TORCH_CHECK_VALUE(!wants_gradient(of), loss, ": ", name, " requires a gradient, which is not computed; detach it");
}

at::Tensor or_undefined(const MaybeTensor& of) { return of ? *of : at::Tensor(); }
MaybeTensor or_none(const at::Tensor& of) { return of.defined() ? MaybeTensor(of) : std::nullopt; }
SavedVariable saved(const MaybeTensor& of) { return {or_undefined(of), /*is_output=*/false}; }

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

struct PointwiseLoss : torch::autograd::Node {
    SavedVariable input, target, factor, weight;
    std::string loss;
    double parameter = 0;
    int64_t reduction = 0;

    variable_list apply(variable_list&& gradients) override {
        if (!gradients[0].defined()) return variable_list(2);
        const std::lock_guard<std::mutex> lock(mutex_);
        const at::Tensor of_input =
            pointwise_loss_backward(gradients[0], input.unpack(), target.unpack(), or_none(factor.unpack()),
                                    or_none(weight.unpack()), loss, parameter, reduction);
        // These losses depend on input - target alone.
        return {of_input, task_should_compute_output(1) ? of_input.neg() : at::Tensor()};
    }
    void release_variables() override {
        for (SavedVariable* const of : {&input, &target, &factor, &weight}) of->reset_data();
    }
    std::string name() const override { return "ExactPointwiseLoss"; }
};

using ClassLossResult = std::tuple<at::Tensor, at::Tensor, at::Tensor>;

ClassLossResult class_loss(const at::Tensor& input, const at::Tensor& target, const MaybeTensor& weight, bool is_log,
                           int64_t reduction, int64_t ignore_index, double label_smoothing) {
    static const auto op = operator_named<ClassLossResult(const at::Tensor&, const at::Tensor&, const MaybeTensor&,
                                                          bool, int64_t, int64_t, double)>("within::exact_class_loss");
    return op.call(input, target, weight, is_log, reduction, ignore_index, label_smoothing);
}

at::Tensor class_loss_backward(const at::Tensor& gradient, const at::Tensor& input, const at::Tensor& target,
                               const MaybeTensor& weight, const at::Tensor& rows, const at::Tensor& divisor,
                               bool is_log, int64_t reduction, int64_t ignore_index, double label_smoothing) {
    static const auto op =
        operator_named<at::Tensor(const at::Tensor&, const at::Tensor&, const at::Tensor&, const MaybeTensor&,
                                  const at::Tensor&, const at::Tensor&, bool, int64_t, int64_t, double)>(
            "within::exact_class_loss_backward");
    return op.call(gradient, input, target, weight, rows, divisor, is_log, reduction, ignore_index, label_smoothing);
}

struct ClassLoss : torch::autograd::Node {
    SavedVariable input, target, weight, rows, divisor;
    bool is_log = false;
    int64_t reduction = 0;
    int64_t ignore_index = 0;
    double label_smoothing = 0;

    variable_list apply(variable_list&& gradients) override {
        if (!gradients[0].defined()) return variable_list(1);
        const std::lock_guard<std::mutex> lock(mutex_);
        return {class_loss_backward(gradients[0], input.unpack(), target.unpack(), or_none(weight.unpack()),
                                    rows.unpack(), divisor.unpack(), is_log, reduction, ignore_index, label_smoothing)};
    }
    void release_variables() override {
        for (SavedVariable* const of : {&input, &target, &weight, &rows, &divisor}) of->reset_data();
    }
    std::string name() const override { return "ExactClassLoss"; }
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
    const auto node = node_of<ClassLoss>("exact_class_loss", input);
    ClassLossResult result;
    {
        const at::AutoDispatchBelowADInplaceOrView below;
        result = class_loss(input, target, weight, is_log, reduction, ignore_index, label_smoothing);
    }
    const auto& [loss, rows, divisor] = result;
    torch::autograd::set_history(loss, node);
    node->input = saved(input);
    node->target = saved(target);
    node->weight = saved(weight);
    node->rows = saved(rows);
    node->divisor = saved(divisor);
    node->is_log = is_log;
    node->reduction = reduction;
    node->ignore_index = ignore_index;
    node->label_smoothing = label_smoothing;
    return result;
}

using PairLossResult = std::tuple<at::Tensor, at::Tensor>;

PairLossResult pairwise_loss(const at::Tensor& input, const at::Tensor& target, const MaybeTensor& group,
                             int64_t reduction) {
    static const auto op =
        operator_named<PairLossResult(const at::Tensor&, const at::Tensor&, const MaybeTensor&, int64_t)>(
            "within::exact_pairwise_loss");
    return op.call(input, target, group, reduction);
}

at::Tensor pairwise_loss_backward(const at::Tensor& gradient, const at::Tensor& input, const at::Tensor& target,
                                  const MaybeTensor& group, const at::Tensor& pairs, int64_t reduction) {
    static const auto op =
        operator_named<at::Tensor(const at::Tensor&, const at::Tensor&, const at::Tensor&, const MaybeTensor&,
                                  const at::Tensor&, int64_t)>("within::exact_pairwise_loss_backward");
    return op.call(gradient, input, target, group, pairs, reduction);
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
        const variable_list saved = ctx->get_saved_variables();
        return {pairwise_loss_backward(gradients[0], saved[0], saved[1], or_none(saved[2]), saved[3],
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
    if (!wants_gradient(input, target)) {
        const at::AutoDispatchBelowADInplaceOrView below;
        return pointwise_loss(input, target, factor, weight, loss, parameter, reduction);
    }
    const auto node = node_of<PointwiseLoss>("exact_pointwise_loss", input, target);
    at::Tensor result;
    {
        const at::AutoDispatchBelowADInplaceOrView below;
        result = pointwise_loss(input, target, factor, weight, loss, parameter, reduction);
    }
    torch::autograd::set_history(result, node);
    node->input = saved(input);
    node->target = saved(target);
    node->factor = saved(factor);
    node->weight = saved(weight);
    node->loss = loss;
    node->parameter = parameter;
    node->reduction = reduction;
    return result;
}

// No second derivatives.

at::Tensor pointwise_loss_backward_autograd(const at::Tensor& gradient, const at::Tensor& input,
                                            const at::Tensor& target, const MaybeTensor& factor,
                                            const MaybeTensor& weight, const std::string& loss, double parameter,
                                            int64_t reduction) {
    at::Tensor result;
    {
        const at::AutoDispatchBelowADInplaceOrView below;
        result = pointwise_loss_backward(gradient, input, target, factor, weight, loss, parameter, reduction);
    }
    return once_differentiable("within::exact_pointwise_loss_backward", result, gradient, input, target,
                               or_undefined(factor), or_undefined(weight));
}

at::Tensor class_loss_backward_autograd(const at::Tensor& gradient, const at::Tensor& input, const at::Tensor& target,
                                        const MaybeTensor& weight, const at::Tensor& rows, const at::Tensor& divisor,
                                        bool is_log, int64_t reduction, int64_t ignore_index, double label_smoothing) {
    at::Tensor result;
    {
        const at::AutoDispatchBelowADInplaceOrView below;
        result = class_loss_backward(gradient, input, target, weight, rows, divisor, is_log, reduction, ignore_index,
                                     label_smoothing);
    }
    return once_differentiable("within::exact_class_loss_backward", result, gradient, input, target,
                               or_undefined(weight), rows, divisor);
}

at::Tensor pairwise_loss_backward_autograd(const at::Tensor& gradient, const at::Tensor& input,
                                           const at::Tensor& target, const MaybeTensor& group, const at::Tensor& pairs,
                                           int64_t reduction) {
    at::Tensor result;
    {
        const at::AutoDispatchBelowADInplaceOrView below;
        result = pairwise_loss_backward(gradient, input, target, group, pairs, reduction);
    }
    return once_differentiable("within::exact_pairwise_loss_backward", result, gradient, input, target);
}

}  // namespace

TORCH_LIBRARY_IMPL(within, Autograd, m) {
    m.impl("exact_pointwise_loss", &exact_pointwise_loss_autograd);
    m.impl("exact_class_loss", &exact_class_loss_autograd);
    m.impl("exact_pairwise_loss", &exact_pairwise_loss_autograd);
    m.impl("exact_pointwise_loss_backward", &pointwise_loss_backward_autograd);
    m.impl("exact_class_loss_backward", &class_loss_backward_autograd);
    m.impl("exact_pairwise_loss_backward", &pairwise_loss_backward_autograd);
}

}  // namespace within
