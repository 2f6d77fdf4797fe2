// Gradients of reductions, of single IEEE operations and exact ones, so that they have gradients too.
#include "core/torch.h"

#include <torch/csrc/autograd/autograd_not_implemented_fallback.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "core/gradients.h"
#include "core/operators.h"
#include "core/tensors.h"
#include "exact/reduce_checks.h"

namespace within {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

at::Tensor call_reduce(const at::Tensor& x, at::IntArrayRef dim, bool keepdim, std::string_view reduction,
                       double correction) {
    static const auto op =
        operator_named<at::Tensor(const at::Tensor&, at::IntArrayRef, bool, std::string_view, double)>(
            "within::exact_reduce");
    return op.call(x, dim, keepdim, reduction, correction);
}

// In a format, a NaN being the one of that format.
at::Tensor finished(const at::Tensor& of, at::ScalarType dtype) { return of.to(dtype).masked_fill(of.isnan(), NAN); }

// (x - centre) * factor, or factor * exp(x - centre); in one pass where no gradient of it is asked for.
at::Tensor call_slope(const at::Tensor& x, const at::Tensor& centre, const at::Tensor& factor, bool is_power) {
    static const auto op = operator_named<at::Tensor(const at::Tensor&, const at::Tensor&, const at::Tensor&, bool)>(
        "within::exact_reduce_slope");
    return wants_gradient(x, centre, factor) ? reduce_slope_by_steps(x, centre, factor, is_power)
                                             : op.call(x, centre, factor, is_power);
}

// The gradient of x but of sums and means; the gradient of what came out, in the format that sums are held in, and that
// have the dimensions of x. `n` numbers were reduced to each.
at::Tensor slope(const std::string& reduction, const at::Tensor& x, const at::Tensor& result,
                 const at::Tensor& gradient, at::IntArrayRef dim, double n, double correction) {
    if (reduction == "logsumexp") return call_slope(x, result, gradient, true);
    const at::Tensor wide = x.to(wider_of(x.scalar_type()));
    if (reduction == "amax" || reduction == "amin") {
        const at::Tensor is_result = wide == result;
        return finished(is_result * (gradient / is_result.sum(dim, true)), x.scalar_type());
    }
    const double divisor = std::max(0.0, n - correction);
    const at::Tensor mean = call_reduce(wide, dim, true, "mean", 0);
    if (reduction == "var") return call_slope(x, mean, gradient * (2 / divisor), false);
    return call_slope(x, mean, (gradient / (result * divisor)).masked_fill(result == 0, 0), false);
}

struct Reduce : torch::autograd::Function<Reduce> {
    static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const std::vector<int64_t>& dim,
                              bool keepdim, const std::string& reduction, double correction) {
        const at::AutoDispatchBelowADInplaceOrView below;
        at::Tensor result = call_reduce(x, dim, keepdim, reduction, correction);
        const int64_t dims = x.dim();
        std::vector<int64_t> along;
        for (const int64_t d : dim) along.push_back(d < 0 ? d + std::max<int64_t>(dims, 1) : d);
        for (int64_t d = 0; d < dims && dim.empty(); ++d) along.push_back(d);
        std::sort(along.begin(), along.end());
        if (dims == 0) along.clear();
        context->saved_data["dim"] = along;
        context->saved_data["sizes"] = x.sym_sizes();
        context->saved_data["type"] = static_cast<int64_t>(x.scalar_type());
        context->saved_data["keepdim"] = keepdim;
        context->saved_data["reduction"] = reduction;
        context->saved_data["correction"] = correction;
        const bool is_linear = reduction == "sum" || reduction == "mean";
        context->save_for_backward({is_linear ? at::Tensor() : x, is_linear ? at::Tensor() : result});
        return result;
    }
    static variable_list backward(AutogradContext* context, const variable_list& gradients) {
        const auto kept = context->get_saved_variables();
        const auto sizes = context->saved_data["sizes"].toSymIntVector();
        const auto dim = context->saved_data["dim"].toIntVector();
        const auto type = static_cast<at::ScalarType>(context->saved_data["type"].toInt());
        const std::string reduction = context->saved_data["reduction"].toStringRef();
        const bool keepdim = context->saved_data["keepdim"].toBool();
        auto whole = [&](at::Tensor of) {
            for (const int64_t d : dim)
                if (!keepdim) of = of.unsqueeze(d);
            return of.to(wider_of(type));
        };
        const at::Tensor gradient = whole(gradients[0]);
        if (reduction == "sum") return {gradient.to(type).expand_symint(sizes), {}, {}, {}, {}};
        c10::SymInt count = 1;
        for (const int64_t d : dim) count *= sizes[d];
        const double n = static_cast<double>(count.guard_int(__FILE__, __LINE__));
        if (reduction == "mean") return {finished(gradient / n, type).expand_symint(sizes), {}, {}, {}, {}};
        return {
            slope(reduction, kept[0], whole(kept[1]), gradient, dim, n, context->saved_data["correction"].toDouble()),
            {},
            {},
            {},
            {}};
    }
};

at::Tensor exact_reduce_autograd(const at::Tensor& x, at::IntArrayRef dim, bool keepdim, std::string_view reduction,
                                 double correction) {
    if (!wants_gradient(x)) {
        const at::AutoDispatchBelowADInplaceOrView below;
        return call_reduce(x, dim, keepdim, reduction, correction);
    }
    return Reduce::apply(x, dim.vec(), keepdim, std::string(reduction), correction);
}

}  // namespace

TORCH_LIBRARY_IMPL(within, Autograd, m) {
    m.impl("exact_reduce", &exact_reduce_autograd);
    m.impl("exact_reduce_slope", torch::autograd::autogradNotImplementedFallback());
}
TORCH_LIBRARY_IMPL(within, CUDA, m) { m.impl("exact_reduce_slope", &reduce_slope_by_steps); }

}  // namespace within
