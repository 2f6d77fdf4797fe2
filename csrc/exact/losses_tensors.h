// The tensors of losses, laid out for their kernels, on any device.
#pragma once

#include "exact/losses_checks.h"

namespace within {

// Of a tensor that is none, no memory.
inline const void* memory_of(const at::Tensor& tensor) { return tensor.defined() ? tensor.const_data_ptr() : nullptr; }

// Those of a loss of elements, one like another.
struct PointLossTensors {
    at::Tensor input, target, factor, weight;
    PointLossTask task{};

    PointLossTensors(const at::Tensor& given, const at::Tensor& wanted, const MaybeTensor& factors,
                     const MaybeTensor& weights, PointLoss loss, double parameter)
        : input(given.contiguous()), target(wanted.contiguous()) {
        if (factors) factor = factors->expand(given.sizes()).contiguous();
        if (weights) weight = weights->expand(given.sizes()).contiguous();
        task.loss = loss;
        task.dtype = dtype_of(input.scalar_type());
        task.input = memory_of(input);
        task.target = memory_of(target);
        task.factor = memory_of(factor);
        task.weight = memory_of(weight);
        task.parameter = parameter;
        task.count = input.numel();
    }
};

struct ClassLossTensors {
    at::Tensor input, target, weight;
    ClassLossTask task{};

    ClassLossTensors(const at::Tensor& given, const at::Tensor& wanted, const MaybeTensor& weights,
                     const ClassShape& shape, int64_t ignore_index, double label_smoothing)
        : input(given.contiguous()), target(wanted.contiguous()) {
        if (weights) weight = weights->to(wider_of(given.scalar_type())).contiguous();
        task.dtype = dtype_of(input.scalar_type());
        task.input = memory_of(input);
        if (shape.has_labels) {
            task.labels = target.const_data_ptr<int64_t>();
        } else {
            task.shares = target.const_data_ptr();
        }
        task.weight = memory_of(weight);
        task.classes = shape.classes;
        task.depth = shape.depth;
        task.ignored = ignore_index;
        task.smoothing = label_smoothing;
        task.end = shape.row_count();
    }
    // What the loss keeps of rows for its gradient, [kinds, rows].
    void place(const at::Tensor& rows) {
        char* const data = static_cast<char*>(const_cast<void*>(rows.const_data_ptr()));
        const int64_t bytes = task.end * rows.element_size();
        task.largest = data;
        task.inverse = data + bytes;
        task.totals = data + 2 * bytes;
    }
};

// Rows of a pairwise loss in the order of their groups, in the format that sums are made in.
struct PairLossTensors {
    PairGroups groups;
    at::Tensor scores, targets;
    PairLossTask task{};

    PairLossTensors(const at::Tensor& input, const at::Tensor& target, const MaybeTensor& group)
        : groups(groups_of_pairs(input, group)) {
        const auto wide = wider_of(input.scalar_type());
        scores = groups.sorted(input.to(wide));
        targets = groups.sorted(target.to(wide));
        task.is_double = wide == at::kDouble;
        task.scores = scores.const_data_ptr();
        task.targets = targets.const_data_ptr();
        task.from = groups.from.const_data_ptr<int64_t>();
        task.to = groups.to.const_data_ptr<int64_t>();
        task.end = scores.numel();
    }
};

}  // namespace within
