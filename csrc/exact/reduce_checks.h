// What the tensors of reductions must be, and where the numbers of their sums lie.
#pragma once

#include <ATen/ATen.h>

#include <cmath>
#include <string_view>
#include <vector>

#include "core/operators.h"
#include "core/tensors.h"
#include "exact/reduce.h"

namespace within {

struct ReducePlan {
    Reduction reduction;
    at::Tensor x;                // perhaps copied
    SumLayout layout;            // of x
    std::vector<int64_t> shape;  // of what comes out
    int64_t sums = 1;
    int64_t numbers = 1;
    double divisor = 0;

    // Along rows of numbers side by side; down columns that lie side by side otherwise.
    bool is_rows() const { return layout.step == 1; }
};

inline Reduction reduction_named(std::string_view name) {
    for (size_t i = 0; i < std::size(kReductionNames); ++i)
        if (name == kReductionNames[i]) return static_cast<Reduction>(i);
    TORCH_CHECK_VALUE(false, "exact_reduce: reduction is ", name,
                      ", expected sum, mean, var, std, logsumexp, amax or amin");
}

namespace reduce_detail {

struct Axis {
    int64_t size;
    int64_t step;
};

// Neighbours whose numbers follow each other are one.
inline void append(std::vector<Axis>* axes, Axis axis) {
    if (axis.size == 1) return;
    if (!axes->empty() && axes->back().step == axis.size * axis.step) {
        axes->back() = {axes->back().size * axis.size, axis.step};
    } else {
        axes->push_back(axis);
    }
}

// Of axes, outer ones first; false where a layout cannot say it.
inline bool fill(const std::vector<Axis>& kept, const std::vector<Axis>& reduced, SumLayout* layout) {
    if (kept.size() > 2 || reduced.size() > 2) return false;
    const bool is_rows = reduced.empty() || reduced.back().step == 1;
    if (!is_rows && (kept.empty() || kept.back().step != 1)) return false;
    if (!reduced.empty()) {
        layout->length = reduced.back().size;
        layout->step = reduced.back().step;
    }
    if (reduced.size() == 2) {
        layout->segments = reduced.front().size;
        layout->segment_step = reduced.front().step;
    }
    if (kept.size() == 2 || (kept.size() == 1 && !is_rows)) {
        layout->inner = kept.back().size;
        layout->inner_step = kept.back().step;
    }
    if (kept.size() == 2 || (kept.size() == 1 && is_rows)) {
        layout->outer = kept.front().size;
        layout->outer_step = kept.front().step;
    }
    return true;
}

}  // namespace reduce_detail

inline ReducePlan plan_reduce(const at::Tensor& x, at::IntArrayRef dim, bool keepdim, std::string_view name,
                              double correction) {
    TORCH_CHECK_VALUE(has_dtype(x.scalar_type()), "exact_reduce: x is ", x.scalar_type(),
                      ", expected float32, float64, float16 or bfloat16");
    ReducePlan plan;
    plan.reduction = reduction_named(name);
    const int64_t dims = std::max<int64_t>(x.dim(), 1);
    std::vector<char> is_reduced(dims, dim.empty());
    for (const int64_t d : dim) {
        TORCH_CHECK_VALUE(-dims <= d && d < dims, "exact_reduce: dim has ", d, ", expected some of the ", dims,
                          " of x");
        char& mark = is_reduced[d < 0 ? d + dims : d];
        TORCH_CHECK_VALUE(!mark, "exact_reduce: dim ", dim, " has ", d, " twice");
        mark = 1;
    }
    for (int64_t d = 0; d < x.dim(); ++d) {
        (is_reduced[d] ? plan.numbers : plan.sums) *= x.size(d);
        if (!is_reduced[d]) {
            plan.shape.push_back(x.size(d));
        } else if (keepdim) {
            plan.shape.push_back(1);
        }
    }
    TORCH_CHECK_VALUE(plan.numbers > 0 || plan.sums == 0 || name[0] != 'a', "exact_reduce: x has shape ", x.sizes(),
                      ", expected numbers along dim for ", name);
    plan.divisor = std::max(0.0, static_cast<double>(plan.numbers) - correction);
    plan.x = x;
    if (plan.numbers == 0 || plan.sums == 0) return plan;
    std::vector<reduce_detail::Axis> kept, reduced;
    std::vector<int64_t> order;
    for (const bool wanted : {false, true}) {
        for (int64_t d = 0; d < x.dim(); ++d) {
            if (static_cast<bool>(is_reduced[d]) != wanted) continue;
            reduce_detail::append(wanted ? &reduced : &kept, {x.size(d), x.stride(d)});
            order.push_back(d);
        }
    }
    if (!reduce_detail::fill(kept, reduced, &plan.layout)) {
        plan.x = x.permute(order).contiguous();
        plan.layout = SumLayout{};
        plan.layout.outer = plan.sums;
        plan.layout.outer_step = plan.layout.length = plan.numbers;
    }
    return plan;
}

// Of x, [outer, n, inner], and of centre and factor, [outer, 1, inner]; not plain where dimensions of n do not follow
// each other.
struct SlopeShape {
    bool is_plain = true;
    int64_t outer = 1;
    int64_t n = 1;
    int64_t inner = 1;
};

inline SlopeShape check_slope(const at::Tensor& x, const at::Tensor& centre, const at::Tensor& factor) {
    TORCH_CHECK_VALUE(has_dtype(x.scalar_type()), "exact_reduce_slope: x is ", x.scalar_type(),
                      ", expected float32, float64, float16 or bfloat16");
    for (const at::Tensor& of : {centre, factor}) {
        TORCH_CHECK_VALUE(of.sizes() == centre.sizes() && of.scalar_type() == wider_of(x.scalar_type()) &&
                              of.device() == x.device() && of.dim() == x.dim(),
                          "exact_reduce_slope: centre and factor are ", centre.sizes(), " and ", of.scalar_type(), " ",
                          of.sizes(), " on ", of.device(), ", expected ", wider_of(x.scalar_type()), " of the ",
                          x.dim(), " dimensions of x on ", x.device());
    }
    SlopeShape shape;
    for (int64_t d = x.dim() - 1; d >= 0; --d) {
        TORCH_CHECK_VALUE(centre.size(d) == x.size(d) || centre.size(d) == 1, "exact_reduce_slope: centre has shape ",
                          centre.sizes(), ", expected 1 or the sizes of x, ", x.sizes());
        if (x.size(d) == 1) continue;
        if (centre.size(d) == 1) {
            shape.is_plain = shape.is_plain && shape.outer == 1;
            shape.n *= x.size(d);
        } else {
            (shape.n == 1 ? shape.inner : shape.outer) *= x.size(d);
        }
    }
    return shape;
}

// The same, one operation after the other; with a gradient.
inline at::Tensor reduce_slope_by_steps(const at::Tensor& x, const at::Tensor& centre, const at::Tensor& factor,
                                        bool is_power) {
    static const auto unary =
        operator_named<at::Tensor(const at::Tensor&, std::string_view, double, double)>("within::exact_unary");
    const at::Tensor deviation = x.to(wider_of(x.scalar_type())) - centre;
    // Of numbers that are all -inf none weighs anything.
    const at::Tensor slope = is_power
                                 ? (factor * unary.call(deviation, "exp", 0, 0)).masked_fill(centre == -INFINITY, 0)
                                 : deviation * factor;
    return slope.to(x.scalar_type()).masked_fill(slope.isnan(), NAN);
}

// What comes out where there are no numbers along dim.
inline at::Tensor reduce_nothing(const ReducePlan& plan) {
    const double value = plan.reduction == Reduction::sum         ? 0.0
                         : plan.reduction == Reduction::logsumexp ? -INFINITY
                                                                  : NAN;
    return at::full(plan.shape, value, plan.x.options());
}

}  // namespace within
