// Losses on a GPU.
#include "core/torch.h"

#include <tuple>

#include "core/cuda.h"
#include "exact/losses_launch.h"
#include "exact/losses_tensors.h"

namespace within {
namespace {

// Memory for the sums of the blocks of so many numbers.
at::Tensor block_sums(int64_t count, const at::TensorOptions& options) {
    return at::empty({sum_blocks_of(count)}, options);
}

// The sum of a tensor's numbers, divided by a tensor or by a count, in another dtype.
template <typename Element, typename Out>
void sum_numbers(const at::Tensor& numbers, const at::Tensor& divisor, double count, const at::Tensor& out) {
    using T = Wider<Element>;
    const at::Tensor sums = block_sums(numbers.numel(), numbers.options().dtype(wider_of(numbers.scalar_type())));
    launch_number_sum<Element, T, Out>(data_of<Element>(numbers), numbers.numel(), data_of<T>(divisor), count,
                                       out_of<T>(sums), out_of<Out>(out), c10::cuda::getCurrentCUDAStream());
}

// What the sum of a task's losses is divided by where it is known on the device alone: the sum of the weights.
at::Tensor divide(PointLossTensors* tensors, LossReduction reduction) {
    tensors->task.divisor = reduction == LossReduction::mean ? static_cast<double>(tensors->task.count) : 1;
    if (reduction != LossReduction::weighted_mean) return {};
    at::Tensor divisor = at::empty({}, tensors->input.options().dtype(wider_of(tensors->input.scalar_type())));
    with_element(tensors->task.dtype, [&](auto element) {
        sum_numbers<decltype(element), Wider<decltype(element)>>(tensors->weight, at::Tensor(), 1, divisor);
    });
    return divisor;
}

at::Tensor exact_pointwise_loss_cuda(const at::Tensor& input, const at::Tensor& target, const MaybeTensor& factor,
                                     const MaybeTensor& weight, const std::string& loss, double parameter,
                                     int64_t reduction) {
    const PointLoss chosen = point_loss_named(loss);
    const LossReduction wanted = check_pointwise_loss(input, target, factor, weight, chosen, reduction);
    const c10::cuda::CUDAGuard guard(input.device());
    PointLossTensors tensors(input, target, factor, weight, chosen, parameter);
    const at::Tensor divisor = divide(&tensors, wanted);
    const bool is_reduced = wanted != LossReduction::none;
    at::Tensor result = is_reduced ? at::empty({}, input.options()) : at::empty_like(tensors.input);
    const at::Tensor sums =
        block_sums(is_reduced ? tensors.task.count : 0, input.options().dtype(wider_of(input.scalar_type())));
    tensors.task.out = result.mutable_data_ptr();
    with_element(tensors.task.dtype, [&](auto element) {
        using Element = decltype(element);
        using T = Wider<Element>;
        const auto stream = c10::cuda::getCurrentCUDAStream();
        if (is_reduced) {
            launch_point_sum<Element, T>(tensors.task, data_of<T>(divisor), out_of<T>(sums), out_of<Element>(result),
                                         stream);
        } else if (tensors.task.count > 0) {
            launch_point_values<Element>(tensors.task, stream);
        }
    });
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    return result;
}

at::Tensor exact_pointwise_loss_backward_cuda(const at::Tensor& gradient, const at::Tensor& input,
                                              const at::Tensor& target, const MaybeTensor& factor,
                                              const MaybeTensor& weight, const std::string& loss, double parameter,
                                              int64_t reduction) {
    const PointLoss chosen = point_loss_named(loss);
    const LossReduction wanted = check_pointwise_loss(input, target, factor, weight, chosen, reduction);
    check_incoming("exact_pointwise_loss_backward", gradient, wanted, input.sizes(), input);
    const c10::cuda::CUDAGuard guard(input.device());
    PointLossTensors tensors(input, target, factor, weight, chosen, parameter);
    const at::Tensor divisor = divide(&tensors, wanted);
    const at::Tensor incoming = gradient.contiguous();
    at::Tensor result = at::empty_like(tensors.input);
    tensors.task.out = result.mutable_data_ptr();
    tensors.task.incoming = incoming.const_data_ptr();
    tensors.task.is_one_incoming = wanted != LossReduction::none;
    if (result.numel() == 0) return result;
    with_element(tensors.task.dtype, [&](auto element) {
        using Element = decltype(element);
        launch_point_gradients<Element, Wider<Element>>(tensors.task, data_of<Wider<Element>>(divisor),
                                                        c10::cuda::getCurrentCUDAStream());
    });
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    return result;
}

void check_labels(const ClassLossTensors& tensors) {
    const ClassLossTask& task = tensors.task;
    if (task.labels == nullptr) return;
    const at::Tensor& target = tensors.target;
    const at::Tensor wrong = target.lt(0).logical_or_(target.ge(task.classes)).logical_and_(target.ne(task.ignored));
    if (!wrong.any().item<bool>()) return;
    const int64_t row = wrong.flatten().nonzero()[0].item<int64_t>();
    refuse_class(row, target.flatten()[row].item<int64_t>(), task.classes);
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> exact_class_loss_cuda(const at::Tensor& input, const at::Tensor& target,
                                                                     const MaybeTensor& weight, bool is_log,
                                                                     int64_t reduction, int64_t ignore_index,
                                                                     double label_smoothing) {
    const ClassShape shape = check_class_loss(input, target, weight, is_log, reduction, label_smoothing);
    const auto wanted = static_cast<LossReduction>(reduction);
    const c10::cuda::CUDAGuard guard(input.device());
    ClassLossTensors tensors(input, target, weight, shape, ignore_index, label_smoothing);
    check_labels(tensors);
    const int64_t count = tensors.task.end;
    const auto options = tensors.input.options().dtype(wider_of(input.scalar_type()));
    at::Tensor rows = at::empty({is_log ? 0 : shape.has_labels ? 2 : 3, count}, options);
    tensors.place(rows);
    const at::Tensor losses = at::empty(shape.rows, options), weights = at::empty({count}, options);
    tensors.task.losses = losses.mutable_data_ptr();
    tensors.task.weights = weights.mutable_data_ptr();
    at::Tensor divisor = at::full({}, wanted == LossReduction::mean ? static_cast<double>(count) : 1, options);
    at::Tensor result = at::empty({}, input.options());
    with_element(tensors.task.dtype, [&](auto element) {
        using Element = decltype(element);
        using T = Wider<Element>;
        if (count > 0) launch_class_losses<Element>(tensors.task, is_log, c10::cuda::getCurrentCUDAStream());
        if (wanted == LossReduction::none) return;
        if (wanted == LossReduction::mean && shape.has_labels) sum_numbers<T, T>(weights, at::Tensor(), 1, divisor);
        sum_numbers<T, Element>(losses, divisor, 1, result);
    });
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    if (wanted == LossReduction::none) result = narrowed(losses, input.scalar_type());
    return {result, rows, divisor};
}

at::Tensor exact_class_loss_backward_cuda(const at::Tensor& gradient, const at::Tensor& input, const at::Tensor& target,
                                          const MaybeTensor& weight, const at::Tensor& rows, const at::Tensor& divisor,
                                          bool is_log, int64_t reduction, int64_t ignore_index,
                                          double label_smoothing) {
    const ClassShape shape = check_class_loss(input, target, weight, is_log, reduction, label_smoothing);
    const auto wanted = static_cast<LossReduction>(reduction);
    check_incoming("exact_class_loss_backward", gradient, wanted, shape.rows, input);
    check_rows(rows, divisor, shape, is_log, input);
    const c10::cuda::CUDAGuard guard(input.device());
    ClassLossTensors tensors(input, target, weight, shape, ignore_index, label_smoothing);
    check_labels(tensors);
    const at::Tensor incoming = gradient.to(wider_of(input.scalar_type())).contiguous(), kept = rows.contiguous();
    tensors.place(kept);
    at::Tensor result = is_log ? at::zeros_like(tensors.input) : at::empty_like(tensors.input);
    tensors.task.out = result.mutable_data_ptr();
    tensors.task.incoming = incoming.const_data_ptr();
    tensors.task.is_one_incoming = wanted != LossReduction::none;
    if (tensors.task.end == 0) return result;
    const bool needs_weights = weight && label_smoothing != 0;
    const at::Tensor of_weights = needs_weights ? at::empty({}, divisor.options()) : at::Tensor();
    with_element(tensors.task.dtype, [&](auto element) {
        using Element = decltype(element);
        using T = Wider<Element>;
        if (needs_weights) sum_numbers<T, T>(tensors.weight, at::Tensor(), 1, of_weights);
        launch_class_gradients<Element, T>(tensors.task, is_log, data_of<T>(divisor), data_of<T>(of_weights),
                                           c10::cuda::getCurrentCUDAStream());
    });
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    return result;
}

std::tuple<at::Tensor, at::Tensor> exact_pairwise_loss_cuda(const at::Tensor& input, const at::Tensor& target,
                                                            const MaybeTensor& group, int64_t reduction) {
    const LossReduction wanted = check_pairwise_loss(input, target, group, reduction);
    const c10::cuda::CUDAGuard guard(input.device());
    PairLossTensors tensors(input, target, group);
    const at::Tensor losses = at::empty_like(tensors.scores), pairs = at::empty_like(tensors.groups.from);
    tensors.task.out = losses.mutable_data_ptr();
    tensors.task.pairs = pairs.mutable_data_ptr<int64_t>();
    const auto stream = c10::cuda::getCurrentCUDAStream();
    if (tensors.task.end > 0)
        tensors.task.is_double ? launch_pair_losses<double>(tensors.task, stream)
                               : launch_pair_losses<float>(tensors.task, stream);
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    const at::Tensor rows = tensors.groups.unsorted(losses), count = pairs.sum();
    if (wanted == LossReduction::none) return {narrowed(rows, input.scalar_type()), count};
    at::Tensor result = at::empty({}, input.options());
    const double divisor = pair_divisor(wanted, count.item<int64_t>());
    with_element(dtype_of(input.scalar_type()), [&](auto element) {
        sum_numbers<Wider<decltype(element)>, decltype(element)>(rows, at::Tensor(), divisor, result);
    });
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    return {result, count};
}

at::Tensor exact_pairwise_loss_backward_cuda(const at::Tensor& gradient, const at::Tensor& input,
                                             const at::Tensor& target, const MaybeTensor& group,
                                             const at::Tensor& pairs, int64_t reduction) {
    const LossReduction wanted = check_pairwise_loss(input, target, group, reduction);
    check_incoming("exact_pairwise_loss_backward", gradient, wanted, input.sizes(), input);
    check_pairs(pairs, input);
    const c10::cuda::CUDAGuard guard(input.device());
    PairLossTensors tensors(input, target, group);
    const at::Tensor scales = tensors.groups.sorted(pair_scales(gradient, pairs, wanted, input));
    const at::Tensor result = at::empty_like(tensors.scores);
    tensors.task.scales = scales.const_data_ptr();
    tensors.task.out = result.mutable_data_ptr();
    const auto stream = c10::cuda::getCurrentCUDAStream();
    if (tensors.task.end > 0)
        tensors.task.is_double ? launch_pair_gradients<double>(tensors.task, stream)
                               : launch_pair_gradients<float>(tensors.task, stream);
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    return narrowed(tensors.groups.unsorted(result), input.scalar_type());
}

}  // namespace

TORCH_LIBRARY_IMPL(within, CUDA, m) {
    m.impl("exact_pointwise_loss", &exact_pointwise_loss_cuda);
    m.impl("exact_pointwise_loss_backward", &exact_pointwise_loss_backward_cuda);
    m.impl("exact_class_loss", &exact_class_loss_cuda);
    m.impl("exact_class_loss_backward", &exact_class_loss_backward_cuda);
    m.impl("exact_pairwise_loss", &exact_pairwise_loss_cuda);
    m.impl("exact_pairwise_loss_backward", &exact_pairwise_loss_backward_cuda);
}

}  // namespace within
