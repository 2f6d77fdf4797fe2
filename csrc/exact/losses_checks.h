// What the tensors of losses must be.
#pragma once

#include <ATen/ATen.h>

#include <optional>
#include <string>

#include "core/tensors.h"
#include "exact/class_loss.h"
#include "exact/pairwise_loss.h"
#include "exact/pointwise_loss.h"

namespace within {

using MaybeTensor = std::optional<at::Tensor>;

inline PointLoss point_loss_named(const std::string& name) {
    for (size_t i = 0; i < std::size(kPointLossNames); ++i)
        if (name == kPointLossNames[i]) return static_cast<PointLoss>(i);
    TORCH_CHECK_VALUE(false, "exact_pointwise_loss: loss is ", name, ", expected mse, l1, huber, smooth_l1, logistic, ",
                      "quantile or margin");
}

inline LossReduction reduction_of(const char* loss, int64_t reduction) {
    TORCH_CHECK_VALUE(reduction >= 0 && reduction <= 3, loss, ": reduction is ", reduction,
                      ", expected 0 (none), 1 (mean), 2 (sum) or 3 (mean by the weights)");
    return static_cast<LossReduction>(reduction);
}

inline void check_number(const char* loss, const char* name, const at::Tensor& of) {
    TORCH_CHECK_VALUE(has_dtype(of.scalar_type()), loss, ": ", name, " is ", of.scalar_type(),
                      ", expected float32, float64, float16 or bfloat16");
}

inline void check_like(const char* loss, const char* name, const at::Tensor& of, const char* like_name,
                       const at::Tensor& like) {
    TORCH_CHECK_VALUE(of.scalar_type() == like.scalar_type(), loss, ": ", name, " is ", of.scalar_type(), ", expected ",
                      like.scalar_type(), " as ", like_name);
    TORCH_CHECK_VALUE(of.device() == like.device(), loss, ": ", name, " is on ", of.device(), ", expected ",
                      like.device(), " where ", like_name, " is");
}

// A gradient that comes in: of every loss, or of the one that they were reduced to.
inline void check_incoming(const char* loss, const at::Tensor& gradient, LossReduction reduction, at::IntArrayRef shape,
                           const at::Tensor& input) {
    check_like(loss, "gradient", gradient, "input", input);
    const at::IntArrayRef expected = reduction == LossReduction::none ? shape : at::IntArrayRef();
    TORCH_CHECK_VALUE(gradient.sizes() == expected, loss, ": gradient has shape ", gradient.sizes(), ", expected ",
                      expected);
}

inline LossReduction check_pointwise_loss(const at::Tensor& input, const at::Tensor& target, const MaybeTensor& factor,
                                          const MaybeTensor& weight, PointLoss loss, int64_t reduction) {
    constexpr const char* kName = "exact_pointwise_loss";
    check_number(kName, "input", input);
    check_like(kName, "target", target, "input", input);
    TORCH_CHECK_VALUE(target.sizes() == input.sizes(), kName, ": target has shape ", target.sizes(), ", expected ",
                      input.sizes(), " as input");
    for (const auto& [name, other] : {std::pair{"factor", factor}, {"weight", weight}}) {
        if (!other) continue;
        check_like(kName, name, *other, "input", input);
        bool fits = other->dim() <= input.dim();
        for (int64_t d = 1; fits && d <= other->dim(); ++d)
            fits = other->size(-d) == 1 || other->size(-d) == input.size(-d);
        TORCH_CHECK_VALUE(fits, kName, ": ", name, " has shape ", other->sizes(),
                          ", expected one that broadcasts to that of input, ", input.sizes());
    }
    TORCH_CHECK_VALUE(factor || loss != PointLoss::margin, kName, ": factor is None, expected the pairs' order");
    const LossReduction reduced = reduction_of(kName, reduction);
    TORCH_CHECK_VALUE(reduced != LossReduction::weighted_mean || weight, kName,
                      ": reduction is 3, the mean by the weights, and weight is None");
    return reduced;
}

// [N, C, D] of an input.
struct ClassShape {
    int64_t outer = 1;
    int64_t classes = 1;
    int64_t depth = 1;
    at::DimVector rows;  // the shape without classes
    bool has_labels;

    int64_t row_count() const { return outer * depth; }
};

inline ClassShape check_class_loss(const at::Tensor& input, const at::Tensor& target, const MaybeTensor& weight,
                                   bool is_log, int64_t reduction, double label_smoothing) {
    const char* const name = is_log ? "exact_nll_loss" : "exact_cross_entropy";
    check_number(name, "input", input);
    TORCH_CHECK_VALUE(input.dim() >= 1, name, ": input is a scalar, expected [C], [N, C] or [N, C, ...]");
    const int64_t of_classes = input.dim() == 1 ? 0 : 1;
    ClassShape shape;
    shape.classes = input.size(of_classes);
    for (int64_t d = 0; d < input.dim(); ++d) {
        if (d == of_classes) continue;
        (d < of_classes ? shape.outer : shape.depth) *= input.size(d);
        shape.rows.push_back(input.size(d));
    }
    TORCH_CHECK_VALUE(shape.classes > 0, name, ": input has shape ", input.sizes(), ", expected at least one class");
    shape.has_labels = target.scalar_type() == at::kLong;
    if (shape.has_labels) {
        TORCH_CHECK_VALUE(target.sizes() == at::IntArrayRef(shape.rows), name, ": target has shape ", target.sizes(),
                          ", expected ", at::IntArrayRef(shape.rows), " as input has shape ", input.sizes());
        TORCH_CHECK_VALUE(target.device() == input.device(), name, ": target is on ", target.device(), ", expected ",
                          input.device(), " where input is");
    } else {
        TORCH_CHECK_VALUE(!is_log && has_dtype(target.scalar_type()), name, ": target is ", target.scalar_type(),
                          ", expected int64", is_log ? "" : " or the dtype of input");
        check_like(name, "target", target, "input", input);
        TORCH_CHECK_VALUE(target.sizes() == input.sizes(), name, ": target has shape ", target.sizes(), ", expected ",
                          input.sizes(), " as input");
    }
    if (weight) {
        check_like(name, "weight", *weight, "input", input);
        TORCH_CHECK_VALUE(weight->dim() == 1 && weight->size(0) == shape.classes, name, ": weight has shape ",
                          weight->sizes(), ", expected [", shape.classes, "], one of each class");
    }
    TORCH_CHECK_VALUE(label_smoothing >= 0 && label_smoothing <= 1, name, ": label_smoothing is ", label_smoothing,
                      ", expected 0 to 1");
    TORCH_CHECK_VALUE(reduction_of(name, reduction) != LossReduction::weighted_mean, name,
                      ": reduction is 3, expected 0, 1 ", "or 2");
    return shape;
}

// What the loss gave for its gradient.
inline void check_rows(const at::Tensor& rows, const at::Tensor& divisor, const ClassShape& shape, bool is_log,
                       const at::Tensor& input) {
    constexpr const char* kName = "exact_class_loss_backward";
    const int64_t kinds = is_log ? 0 : shape.has_labels ? 2 : 3;
    for (const auto& [name, of] : {std::pair{"rows", rows}, {"divisor", divisor}})
        TORCH_CHECK_VALUE(of.scalar_type() == wider_of(input.scalar_type()) && of.device() == input.device(), kName,
                          ": ", name, " is ", of.scalar_type(), " on ", of.device(), ", expected what the loss gave");
    TORCH_CHECK_VALUE(rows.dim() == 2 && rows.size(0) == kinds && rows.size(1) == shape.row_count(), kName,
                      ": rows has shape ", rows.sizes(), ", expected [", kinds, ", ", shape.row_count(), "]");
    TORCH_CHECK_VALUE(divisor.dim() == 0, kName, ": divisor has shape ", divisor.sizes(), ", expected a scalar");
}

[[noreturn]] inline void refuse_class(int64_t row, int64_t label, int64_t classes) {
    TORCH_CHECK_INDEX(false, "exact_class_loss: target[", row, "] is ", label, ", expected 0 to ", classes - 1,
                      " or ignore_index");
    std::abort();
}

inline LossReduction check_pairwise_loss(const at::Tensor& input, const at::Tensor& target, const MaybeTensor& group,
                                         int64_t reduction) {
    constexpr const char* kName = "exact_pairwise_loss";
    check_number(kName, "input", input);
    TORCH_CHECK_VALUE(input.dim() == 1, kName, ": input has shape ", input.sizes(), ", expected [N]");
    check_like(kName, "target", target, "input", input);
    TORCH_CHECK_VALUE(target.sizes() == input.sizes(), kName, ": target has shape ", target.sizes(), ", expected ",
                      input.sizes(), " as input");
    if (group) {
        TORCH_CHECK_VALUE(group->scalar_type() == at::kLong, kName, ": group is ", group->scalar_type(),
                          ", expected int64");
        TORCH_CHECK_VALUE(group->sizes() == input.sizes(), kName, ": group has shape ", group->sizes(), ", expected ",
                          input.sizes(), " as input");
        TORCH_CHECK_VALUE(group->device() == input.device(), kName, ": group is on ", group->device(), ", expected ",
                          input.device(), " where input is");
    }
    const LossReduction reduced = reduction_of(kName, reduction);
    TORCH_CHECK_VALUE(reduced != LossReduction::weighted_mean, kName, ": reduction is 3, expected 0, 1 or 2");
    return reduced;
}

inline void check_pairs(const at::Tensor& pairs, const at::Tensor& input) {
    TORCH_CHECK_VALUE(pairs.scalar_type() == at::kLong && pairs.dim() == 0 && pairs.device() == input.device(),
                      "exact_pairwise_loss_backward: pairs is ", pairs.scalar_type(), " of shape ", pairs.sizes(),
                      " on ", pairs.device(), ", expected what the loss gave");
}

// Where there is no pair the mean is 0.
inline double pair_divisor(LossReduction reduction, int64_t pairs) {
    return reduction == LossReduction::mean && pairs > 0 ? static_cast<double>(pairs) : 1;
}

// What comes in for the loss of each row, in the format that sums are made in.
inline at::Tensor pair_scales(const at::Tensor& gradient, const at::Tensor& pairs, LossReduction reduction,
                              const at::Tensor& input) {
    const at::Tensor wide = gradient.to(wider_of(input.scalar_type()));
    if (reduction == LossReduction::none) return wide;
    // A tensor on the CPU divides by a number rounded to its format, not by a float64.
    const at::Tensor divisor = at::full({}, pair_divisor(reduction, pairs.item<int64_t>()), wide.options());
    return (wide / divisor).expand(input.sizes());
}

// Of a format that sums are made in, rounded to a dtype, with the one NaN.
inline at::Tensor narrowed(const at::Tensor& wide, at::ScalarType dtype) {
    if (wide.scalar_type() == dtype) return wide;
    return wide.to(dtype).masked_fill_(wide.isnan(), std::numeric_limits<double>::quiet_NaN());
}

// Rows of a pairwise loss in the order of their groups, and where each one's group begins and ends.
struct PairGroups {
    at::Tensor order;  // undefined where rows stay as they are
    at::Tensor from;
    at::Tensor to;

    at::Tensor sorted(const at::Tensor& rows) const {
        return order.defined() ? rows.index_select(0, order) : rows.contiguous();
    }
    at::Tensor unsorted(const at::Tensor& rows) const {
        return order.defined() ? at::empty_like(rows).index_copy_(0, order, rows) : rows;
    }
};

inline PairGroups groups_of_pairs(const at::Tensor& input, const MaybeTensor& group) {
    const int64_t rows = input.size(0);
    if (!group) {
        const auto options = input.options().dtype(at::kLong);
        return {at::Tensor(), at::zeros({rows}, options), at::full({rows}, rows, options)};
    }
    auto [groups, order] = group->sort(/*stable=*/true, /*dim=*/0, /*descending=*/false);
    return {order, at::searchsorted(groups, groups), at::searchsorted(groups, groups, /*out_int32=*/false, true)};
}

}  // namespace within
