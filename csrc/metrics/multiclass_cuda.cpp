// Multiclass metrics on a GPU: keys of some classes at a time are sorted, and each class walked by a block.
#include "core/torch.h"

#include <algorithm>

#include "core/cuda.h"
#include "metrics/multiclass_checks.h"
#include "metrics/multiclass_launch.h"

namespace within {
namespace {

constexpr int64_t kKeysAtOnce = int64_t{1} << 26;  // bounds the memory of many classes

void check_weights(const at::Tensor& weights) {
    const at::Tensor wrong = ~((weights >= 0) & (weights <= kMostWeight)).reshape(-1);
    if (wrong.any().item<bool>()) refuse_multiclass_weight(weights, wrong.to(at::kByte).argmax().item<int64_t>());
}

void check_given_groups(const at::Tensor& groups, int64_t num_groups) {
    const at::Tensor wrong = (groups < 0) | (groups >= num_groups);
    if (!wrong.any().item<bool>()) return;
    const int64_t row = wrong.to(at::kByte).argmax().item<int64_t>();
    TORCH_CHECK_INDEX(false, "multiclass_metrics: groups[", row, "] is ", groups[row].item<int64_t>(),
                      ", expected 0 to num_groups - 1 = ", num_groups - 1);
}

template <typename T>
std::tuple<at::Tensor, at::Tensor, at::Tensor> rows_typed(const at::Tensor& table, const at::Tensor& labels) {
    const int64_t rows = table.size(0);
    at::Tensor decisions = at::empty({rows}, labels.options()), places = at::empty({rows}, labels.options());
    at::Tensor losses = at::empty({rows}, labels.options().dtype(at::kDouble));
    at::Tensor refused = at::full({1}, -1, labels.options());
    launch_multiclass_rows(table.const_data_ptr<T>(), labels.const_data_ptr<int64_t>(), rows, table.size(1),
                           decisions.mutable_data_ptr<int64_t>(), places.mutable_data_ptr<int64_t>(),
                           losses.mutable_data_ptr<double>(), out_of<unsigned long long>(refused),
                           c10::cuda::getCurrentCUDAStream());
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    const int64_t row = refused.item<int64_t>();
    if (row >= 0) refuse_multiclass_row(table, labels, row);
    return {decisions, places, losses};
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> multiclass_rows_cuda(const at::Tensor& probabilities,
                                                                    const at::Tensor& labels) {
    check_multiclass(probabilities, labels);
    const c10::cuda::CUDAGuard guard(probabilities.device());
    const at::Tensor table = probabilities.contiguous(), of = labels.contiguous();
    return table.scalar_type() == at::kDouble ? rows_typed<double>(table, of) : rows_typed<float>(table, of);
}

at::Tensor multiclass_ovr_areas_cuda(const at::Tensor& probabilities, const at::Tensor& labels,
                                     const std::optional<at::Tensor>& weights, const std::optional<at::Tensor>& groups,
                                     int64_t num_groups) {
    check_multiclass(probabilities, labels);
    check_multiclass_parts(probabilities, weights, groups, num_groups);
    const c10::cuda::CUDAGuard guard(probabilities.device());
    const at::Tensor table = probabilities.contiguous(), of = labels.contiguous();
    const int64_t rows = table.size(0), classes = table.size(1);
    at::Tensor by_row;
    if (weights.has_value()) {
        check_weights(*weights);
        by_row = weights->t().contiguous();
    }
    at::Tensor of_whole = at::empty({2}, of.options()), of_groups;
    of_whole[0].fill_(0);
    of_whole[1].fill_(rows);
    if (groups.has_value()) {
        check_given_groups(*groups, num_groups);
        of_groups = at::zeros({num_groups + 1}, of.options());
        of_groups.slice(0, 1).copy_(at::bincount(*groups, {}, num_groups).cumsum(0));
    }
    RankedRows task{};
    task.rows = rows;
    task.classes = classes;
    task.sets = groups.has_value() ? num_groups + 1 : 1;
    task.weightings = weights.has_value() ? weights->size(0) : 1;
    task.weights = by_row.defined() && rows > 0 ? by_row.const_data_ptr<double>() : nullptr;
    at::Tensor result = at::empty({task.weightings, task.sets, classes}, table.options().dtype(at::kDouble));
    const auto stream = c10::cuda::getCurrentCUDAStream();
    if (rows == 0) return result.fill_(std::numeric_limits<double>::quiet_NaN());
    const int64_t tile = std::max<int64_t>(1, kKeysAtOnce / rows);
    for (int64_t first = 0; first < classes; first += tile) {
        task.columns = std::min(tile, classes - first);
        at::Tensor keys = at::empty({task.columns, rows}, of.options());
        if (table.scalar_type() == at::kDouble) {
            launch_ovr_keys(table.const_data_ptr<double>(), of.const_data_ptr<int64_t>(), rows, classes, first,
                            task.columns, keys.mutable_data_ptr<int64_t>(), stream);
        } else {
            launch_ovr_keys(table.const_data_ptr<float>(), of.const_data_ptr<int64_t>(), rows, classes, first,
                            task.columns, keys.mutable_data_ptr<int64_t>(), stream);
        }
        C10_CUDA_KERNEL_LAUNCH_CHECK();
        auto [sorted, rows_of] = keys.sort(/*dim=*/1);
        auto measure = [&](const at::Tensor& start, int64_t first_set) {
            task.keys = sorted.const_data_ptr<int64_t>();
            task.rows_of = rows_of.const_data_ptr<int64_t>();
            task.start = start.const_data_ptr<int64_t>();
            task.segments = start.numel() - 1;
            task.out = result.mutable_data_ptr<double>() + first_set * classes + first;
            launch_ovr_areas(task, stream);
            C10_CUDA_KERNEL_LAUNCH_CHECK();
        };
        measure(of_whole, task.sets - 1);
        if (!groups.has_value() || num_groups == 0) continue;
        const at::Tensor order = std::get<1>(groups->index({rows_of}).sort(/*stable=*/true, /*dim=*/1));
        sorted = sorted.gather(1, order).contiguous();
        rows_of = rows_of.gather(1, order).contiguous();
        measure(of_groups, 0);
    }
    return result;
}

}  // namespace

TORCH_LIBRARY_IMPL(within, CUDA, m) {
    m.impl("multiclass_rows", &multiclass_rows_cuda);
    m.impl("multiclass_ovr_areas", &multiclass_ovr_areas_cuda);
}

}  // namespace within
