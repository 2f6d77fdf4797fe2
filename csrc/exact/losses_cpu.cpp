// Losses on the CPU: sums of blocks on all threads, added in their one order.
#include "core/torch.h"

#include <limits>
#include <tuple>

#include "core/dispatch.h"
#include "core/kept_memory.h"
#include "exact/losses_tensors.h"
#include "exact/sum.h"

namespace within {

using PointLossKernel = void(const PointLossTask&);
using ClassLossKernel = void(const ClassLossTask&);
using ClassLossScratch = int64_t();
using PairLossKernel = void(const PairLossTask&);
WITHIN_KERNEL(PointLossKernel, point_loss_values)
WITHIN_KERNEL(PointLossKernel, point_loss_sums)
WITHIN_KERNEL(PointLossKernel, point_loss_gradients)
WITHIN_KERNEL(PointLossKernel, number_sums)
WITHIN_KERNEL(ClassLossScratch, class_loss_scratch)
WITHIN_KERNEL(ClassLossKernel, class_loss_rows)
WITHIN_KERNEL(ClassLossKernel, class_loss_gradients)
WITHIN_KERNEL(ClassLossKernel, nll_losses)
WITHIN_KERNEL(ClassLossKernel, nll_gradients)
WITHIN_KERNEL(PairLossKernel, pair_loss_rows)
WITHIN_KERNEL(PairLossKernel, pair_loss_gradients)

namespace {

constexpr int64_t kLossNumbersOfThread = 1 << 14;
constexpr int64_t kRowsOfThread = 16;  // whose pairs are compared

// Of the blocks of a task, in the order of exact/sum.h; a float's value where the task's format is not float64.
double sum_blocks(PointLossTask task, PointLossKernel* kernel) {
    const int64_t blocks = sum_blocks_of(task.count);
    const bool is_double = task.dtype == Dtype::float64;
    const KeptMemory sums(blocks * (is_double ? sizeof(double) : sizeof(float)));
    task.out = sums.as<void>();
    at::parallel_for(0, blocks, kLossNumbersOfThread / kSumBlock, [&](int64_t begin, int64_t end) {
        PointLossTask part = task;
        part.begin = begin;
        part.end = end;
        kernel(part);
    });
    const auto total = [&](const auto* of) {
        BlockSums<std::decay_t<decltype(*of)>> all;
        for (int64_t block = 0; block < blocks; ++block) all.add(of[block]);
        return static_cast<double>(all.total());
    };
    return is_double ? total(sums.as<double>()) : total(sums.as<float>());
}

double sum_numbers(const void* numbers, Dtype dtype, int64_t count) {
    PointLossTask task{};
    task.dtype = dtype;
    task.input = numbers;
    task.count = count;
    return sum_blocks(task, number_sums_kernel());
}

Dtype summed_in(Dtype dtype) { return dtype == Dtype::float64 ? Dtype::float64 : Dtype::float32; }

// sum / divisor in the format that sums are made in, rounded to the dtype.
at::Tensor reduced(double sum, double divisor, const at::TensorOptions& options) {
    at::Tensor result = at::empty({}, options);
    with_element(dtype_of(result.scalar_type()), [&](auto element) {
        using T = Wider<decltype(element)>;
        write<OneLane<decltype(element)>>(static_cast<T>(sum) / static_cast<T>(divisor),
                                          static_cast<decltype(element)*>(result.mutable_data_ptr()));
    });
    return result;
}

// Calls a kernel for all of a task's elements or rows.
template <typename Task>
void run(const Task& task, int64_t count, int64_t of_thread, void (*kernel)(const Task&)) {
    at::parallel_for(0, count, of_thread, [&](int64_t begin, int64_t end) {
        Task part = task;
        part.begin = begin;
        part.end = end;
        kernel(part);
    });
}

double divisor_of(const PointLossTask& task, LossReduction reduction) {
    if (reduction == LossReduction::weighted_mean) return sum_numbers(task.weight, task.dtype, task.count);
    return reduction == LossReduction::mean ? static_cast<double>(task.count) : 1;
}

at::Tensor exact_pointwise_loss_cpu(const at::Tensor& input, const at::Tensor& target, const MaybeTensor& factor,
                                    const MaybeTensor& weight, const std::string& loss, double parameter,
                                    int64_t reduction) {
    const PointLoss chosen = point_loss_named(loss);
    const LossReduction wanted = check_pointwise_loss(input, target, factor, weight, chosen, reduction);
    PointLossTensors tensors(input, target, factor, weight, chosen, parameter);
    if (wanted != LossReduction::none)
        return reduced(sum_blocks(tensors.task, point_loss_sums_kernel()), divisor_of(tensors.task, wanted),
                       input.options());
    at::Tensor result = at::empty_like(tensors.input);
    tensors.task.out = result.mutable_data_ptr();
    run(tensors.task, tensors.task.count, kLossNumbersOfThread, point_loss_values_kernel());
    return result;
}

at::Tensor exact_pointwise_loss_backward_cpu(const at::Tensor& gradient, const at::Tensor& input,
                                             const at::Tensor& target, const MaybeTensor& factor,
                                             const MaybeTensor& weight, const std::string& loss, double parameter,
                                             int64_t reduction) {
    const PointLoss chosen = point_loss_named(loss);
    const LossReduction wanted = check_pointwise_loss(input, target, factor, weight, chosen, reduction);
    check_incoming("exact_pointwise_loss_backward", gradient, wanted, input.sizes(), input);
    PointLossTensors tensors(input, target, factor, weight, chosen, parameter);
    const at::Tensor incoming = gradient.contiguous();
    at::Tensor result = at::empty_like(tensors.input);
    tensors.task.out = result.mutable_data_ptr();
    tensors.task.incoming = incoming.const_data_ptr();
    tensors.task.is_one_incoming = wanted != LossReduction::none;
    tensors.task.divisor = divisor_of(tensors.task, wanted);
    run(tensors.task, tensors.task.count, kLossNumbersOfThread, point_loss_gradients_kernel());
    return result;
}

// Calls the kernel for all rows, each thread with memory of its own.
void run_rows(const ClassLossTask& task, const ClassShape& shape, bool is_log, ClassLossKernel* kernel) {
    const int64_t bytes = shape.classes * class_loss_scratch_kernel()() * (task.dtype == Dtype::float64 ? 8 : 4);
    const int64_t rows_of_thread = std::max<int64_t>(1, kLossNumbersOfThread / 4 / shape.classes);
    at::parallel_for(0, shape.row_count(), rows_of_thread, [&](int64_t begin, int64_t end) {
        const KeptMemory scratch(is_log ? 0 : bytes);
        ClassLossTask part = task;
        part.begin = begin;
        part.end = end;
        part.scratch = scratch.as<void>();
        kernel(part);
    });
}

void check_labels(const ClassLossTask& task, int64_t rows) {
    if (task.labels == nullptr) return;
    for (int64_t row = 0; row < rows; ++row) {
        const int64_t label = task.labels[row];
        if (static_cast<uint64_t>(label) >= static_cast<uint64_t>(task.classes) && label != task.ignored)
            refuse_class(row, label, task.classes);
    }
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> exact_class_loss_cpu(const at::Tensor& input, const at::Tensor& target,
                                                                    const MaybeTensor& weight, bool is_log,
                                                                    int64_t reduction, int64_t ignore_index,
                                                                    double label_smoothing) {
    const ClassShape shape = check_class_loss(input, target, weight, is_log, reduction, label_smoothing);
    const auto wanted = static_cast<LossReduction>(reduction);
    ClassLossTensors tensors(input, target, weight, shape, ignore_index, label_smoothing);
    ClassLossTask& task = tensors.task;
    const int64_t count = shape.row_count();
    check_labels(task, count);
    const auto options = tensors.input.options().dtype(wider_of(input.scalar_type()));
    const Dtype wide = summed_in(task.dtype);
    at::Tensor rows = at::empty({is_log ? 0 : shape.has_labels ? 2 : 3, count}, options);
    tensors.place(rows);
    at::Tensor losses;
    if (wanted == LossReduction::none) losses = at::empty(shape.rows, options);
    const KeptMemory memory((losses.defined() ? 1 : 2) * count * options.dtype().itemsize());
    task.weights = memory.as<void>();
    task.losses = losses.defined() ? losses.mutable_data_ptr()
                                   : memory.as<char>() + count * static_cast<int64_t>(options.dtype().itemsize());
    run_rows(task, shape, is_log, is_log ? nll_losses_kernel() : class_loss_rows_kernel());
    double divisor = 1;
    if (wanted == LossReduction::mean)
        divisor = shape.has_labels ? sum_numbers(task.weights, wide, count) : static_cast<double>(count);
    at::Tensor result = losses.defined() ? narrowed(losses, input.scalar_type())
                                         : reduced(sum_numbers(task.losses, wide, count), divisor, input.options());
    return {result, rows, reduced(divisor, 1, options)};
}

at::Tensor exact_class_loss_backward_cpu(const at::Tensor& gradient, const at::Tensor& input, const at::Tensor& target,
                                         const MaybeTensor& weight, const at::Tensor& rows, const at::Tensor& divisor,
                                         bool is_log, int64_t reduction, int64_t ignore_index, double label_smoothing) {
    const ClassShape shape = check_class_loss(input, target, weight, is_log, reduction, label_smoothing);
    const auto wanted = static_cast<LossReduction>(reduction);
    const int64_t count = shape.row_count();
    check_incoming("exact_class_loss_backward", gradient, wanted, shape.rows, input);
    check_rows(rows, divisor, shape, is_log, input);
    ClassLossTensors tensors(input, target, weight, shape, ignore_index, label_smoothing);
    ClassLossTask& task = tensors.task;
    check_labels(task, count);
    const at::Tensor incoming = gradient.to(wider_of(input.scalar_type())).contiguous(), kept = rows.contiguous();
    tensors.place(kept);
    at::Tensor result = is_log ? at::zeros_like(tensors.input) : at::empty_like(tensors.input);
    task.out = result.mutable_data_ptr();
    task.incoming = incoming.const_data_ptr();
    task.is_one_incoming = wanted != LossReduction::none;
    task.divisor = divisor.item<double>();
    if (weight && label_smoothing != 0) {
        const double of_all = sum_numbers(task.weight, summed_in(task.dtype), task.classes);
        task.spread_weight = task.dtype == Dtype::float64 ? Smoothing<double>(task).spread * of_all
                                                          : Smoothing<float>(task).spread * static_cast<float>(of_all);
    }
    run_rows(task, shape, is_log, is_log ? nll_gradients_kernel() : class_loss_gradients_kernel());
    return result;
}

std::tuple<at::Tensor, at::Tensor> exact_pairwise_loss_cpu(const at::Tensor& input, const at::Tensor& target,
                                                           const MaybeTensor& group, int64_t reduction) {
    const LossReduction wanted = check_pairwise_loss(input, target, group, reduction);
    PairLossTensors tensors(input, target, group);
    const at::Tensor losses = at::empty_like(tensors.scores), pairs = at::empty_like(tensors.groups.from);
    tensors.task.out = losses.mutable_data_ptr();
    tensors.task.pairs = pairs.mutable_data_ptr<int64_t>();
    run(tensors.task, tensors.task.end, kRowsOfThread, pair_loss_rows_kernel());
    const at::Tensor rows = tensors.groups.unsorted(losses), count = pairs.sum();
    if (wanted == LossReduction::none) return {narrowed(rows, input.scalar_type()), count};
    const double sum = sum_numbers(rows.const_data_ptr(), dtype_of(rows.scalar_type()), rows.numel());
    return {reduced(sum, pair_divisor(wanted, count.item<int64_t>()), input.options()), count};
}

at::Tensor exact_pairwise_loss_backward_cpu(const at::Tensor& gradient, const at::Tensor& input,
                                            const at::Tensor& target, const MaybeTensor& group, const at::Tensor& pairs,
                                            int64_t reduction) {
    const LossReduction wanted = check_pairwise_loss(input, target, group, reduction);
    check_incoming("exact_pairwise_loss_backward", gradient, wanted, input.sizes(), input);
    check_pairs(pairs, input);
    PairLossTensors tensors(input, target, group);
    const at::Tensor scales = tensors.groups.sorted(pair_scales(gradient, pairs, wanted, input));
    const at::Tensor result = at::empty_like(tensors.scores);
    tensors.task.scales = scales.const_data_ptr();
    tensors.task.out = result.mutable_data_ptr();
    run(tensors.task, tensors.task.end, kRowsOfThread, pair_loss_gradients_kernel());
    return narrowed(tensors.groups.unsorted(result), input.scalar_type());
}

}  // namespace

TORCH_LIBRARY_IMPL(within, CPU, m) {
    m.impl("exact_pointwise_loss", &exact_pointwise_loss_cpu);
    m.impl("exact_pointwise_loss_backward", &exact_pointwise_loss_backward_cpu);
    m.impl("exact_class_loss", &exact_class_loss_cpu);
    m.impl("exact_class_loss_backward", &exact_class_loss_backward_cpu);
    m.impl("exact_pairwise_loss", &exact_pairwise_loss_cpu);
    m.impl("exact_pairwise_loss_backward", &exact_pairwise_loss_backward_cpu);
}

}  // namespace within
