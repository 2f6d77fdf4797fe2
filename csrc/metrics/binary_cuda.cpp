// Binary metrics on a GPU: torch sorts rows and adds up weights from the first on, kernels do the rest.
#include "core/torch.h"

#include <cmath>
#include <optional>

#include "core/cuda.h"
#include "metrics/binary_checks.h"
#include "metrics/binary_launch.h"
#include "metrics/binary_rows.h"
#include "metrics/device_tensors.h"

namespace within {
namespace {

constexpr int64_t kMostLimbs = int64_t{1} << 32;  // bytes; beyond, and for weights too far apart, the CPU does it

at::Tensor on_cpu(const at::Tensor& scores, const at::Tensor& labels, const std::optional<at::Tensor>& weights,
                  const std::optional<at::Tensor>& groups, int64_t num_groups, double threshold, int64_t bins) {
    static const auto call =
        c10::Dispatcher::singleton()
            .findSchemaOrThrow("within::binary_metrics", "")
            .typed<at::Tensor(const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&,
                              const std::optional<at::Tensor>&, int64_t, double, int64_t)>();
    std::optional<at::Tensor> weight_of, group_of;
    if (weights) weight_of = weights->cpu();
    if (groups) group_of = groups->cpu();
    return call.call(scores.cpu(), labels.cpu(), weight_of, group_of, num_groups, threshold, bins).to(scores.device());
}

template <typename Key, typename Score>
at::Tensor measure(const at::Tensor& scores, const at::Tensor& labels, const std::optional<at::Tensor>& weights,
                   const std::optional<at::Tensor>& groups, int64_t num_groups, double threshold, int64_t bins) {
    const auto stream = c10::cuda::getCurrentCUDAStream();
    const auto options = scores.options().dtype(at::kLong);
    const int64_t rows = scores.size(0);
    at::Tensor keys = at::empty({rows}, options.dtype(sizeof(Key) == 8 ? at::kLong : at::kInt));
    at::Tensor found =
        at::tensor({int64_t{-1}, int64_t{-1}, int64_t{-1}, int64_t{0}, int64_t{0x7ff0000000000000}}, options);
    const at::Tensor of_rows = scores.contiguous(), label_of = labels.to(at::kDouble).contiguous();
    std::optional<at::Tensor> weight_of;
    if (weights) weight_of = weights->to(at::kDouble).contiguous();
    if (rows > 0) {
        launch_encode<Key, Score>(data_of<Score>(of_rows), data_of<double>(label_of), rows, out_of<Key>(keys),
                                  out_of<unsigned long long>(found), stream);
        C10_CUDA_KERNEL_LAUNCH_CHECK();
        if (weights) launch_measure(data_of<double>(*weight_of), rows, out_of<unsigned long long>(found), stream);
        C10_CUDA_KERNEL_LAUNCH_CHECK();
    }
    const at::Tensor on_host = found.cpu();
    const int64_t* const first = on_host.const_data_ptr<int64_t>();
    if (first[0] >= 0) refuse_score(first[0], scores[first[0]].item<double>());
    if (first[1] >= 0) refuse_label(first[1], labels[first[1]].item<double>());
    if (first[2] >= 0) refuse_weight(first[2], (*weights)[first[2]].item<double>());
    DeviceSlices all{};
    all.largest = 1;
    all.words = 1;
    if (weights) {
        all.largest = double_of(static_cast<uint64_t>(first[3]));
        all.words = kWeightWords;
        if (all.largest > 0) {
            const WeightUnits units = units_for(all.largest, double_of(static_cast<uint64_t>(first[4])), rows);
            if (units.units == Units::limbs)
                return on_cpu(scores, labels, weights, groups, num_groups, threshold, bins);
            all.unit_base = units.base;
        }
    }
    const Slices slices = slices_of(order_of(keys), groups, num_groups);
    const at::Tensor sorted = keys.index_select(0, slices.order);
    at::Tensor weights_sorted;
    if (weights) weights_sorted = weight_of->index_select(0, slices.order);
    const double* const ordered = data_of<double>(weights_sorted);
    all.rows = sorted.size(0);
    all.slices = num_groups + 1;
    all.bins = bins;
    all.threshold = threshold;
    at::Tensor words = at::zeros({2, all.words, all.rows}, options);
    if (all.rows > 0)
        launch_words<Key>(data_of<Key>(sorted), ordered, all.rows, all.unit_base, all.words, out_of<int64_t>(words),
                          stream);
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    const at::Tensor sums = words.cumsum(-1);
    at::Tensor masses =
        at::empty({all.slices, static_cast<int64_t>(sizeof(Masses) / sizeof(double))}, options.dtype(at::kDouble));
    at::Tensor limbs = at::zeros({all.slices, kSliceSums + bins, kLimbs}, options);
    at::Tensor tops = at::zeros({all.slices, 2}, options);
    at::Tensor result = at::empty({all.slices, kMetrics}, options.dtype(at::kDouble));
    all.start = data_of<int64_t>(slices.start);
    all.sums = data_of<int64_t>(sums);
    all.masses = out_of<Masses>(masses);
    all.limbs = out_of<unsigned long long>(limbs);
    all.tops = out_of<unsigned long long>(tops);
    launch_slices<Key>(all, data_of<Key>(sorted), ordered, out_of<double>(result), stream);
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    return result;
}

at::Tensor binary_metrics_cuda(const at::Tensor& scores, const at::Tensor& labels,
                               const std::optional<at::Tensor>& weights, const std::optional<at::Tensor>& groups,
                               int64_t num_groups, double threshold, int64_t bins) {
    check_binary(scores, labels, weights, groups, num_groups, threshold, bins);
    TORCH_CHECK_VALUE(scores.size(0) < int64_t{1} << 30, "binary_metrics: scores has ", scores.size(0),
                      " rows, expected fewer than 2^30 on a GPU");
    const c10::cuda::CUDAGuard guard(scores.device());
    if (groups) check_groups("binary_metrics", *groups, num_groups);
    if ((num_groups + 1) * (kSliceSums + bins) * kLimbs * 8 > kMostLimbs)
        return on_cpu(scores, labels, weights, groups, num_groups, threshold, bins);
    if (scores.scalar_type() == at::kDouble)
        return measure<uint64_t, double>(scores, labels, weights, groups, num_groups, threshold, bins);
    return measure<uint32_t, float>(scores, labels, weights, groups, num_groups, threshold, bins);
}

}  // namespace

TORCH_LIBRARY_IMPL(within, CUDA, m) { m.impl("binary_metrics", &binary_metrics_cuda); }

}  // namespace within
