// Regression metrics on a GPU: torch sorts columns and adds up weights from the first place on, kernels do the rest.
#include "core/torch.h"

#include <limits>
#include <optional>

#include "core/cuda.h"
#include "metrics/device_tensors.h"
#include "metrics/regression_checks.h"
#include "metrics/regression_launch.h"
#include "metrics/weights.h"

namespace within {
namespace {

// Beyond these the CPU does it.
constexpr int64_t kMostRegressionLimbs = int64_t{1} << 32;  // bytes
constexpr int64_t kMostRows = int64_t{1} << 30;
constexpr double kLargestWeight = 0x1p200;  // for which products with squares of ranks are finite

struct RegressionArguments {
    const at::Tensor& predictions;
    const at::Tensor& targets;
    const std::optional<at::Tensor>& weights;
    const std::optional<at::Tensor>& groups;
    int64_t num_groups;
    at::ArrayRef<double> quantiles;
};

at::Tensor on_cpu(const RegressionArguments& given) {
    static const auto call =
        c10::Dispatcher::singleton()
            .findSchemaOrThrow("within::regression_metrics", "")
            .typed<at::Tensor(const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&,
                              const std::optional<at::Tensor>&, int64_t, at::ArrayRef<double>)>();
    std::optional<at::Tensor> weight_of, group_of;
    if (given.weights) weight_of = given.weights->cpu();
    if (given.groups) group_of = given.groups->cpu();
    return call
        .call(given.predictions.cpu(), given.targets.cpu(), weight_of, group_of, given.num_groups, given.quantiles)
        .to(given.predictions.device());
}

[[noreturn]] void refuse_value_of_row(const RegressionArguments& given, int64_t row) {
    const double prediction = given.predictions[row].item<double>(), target = given.targets[row].item<double>();
    if (!is_finite(prediction)) refuse_regression_value(RegressionInput::predictions, row, prediction);
    if (!is_finite(target)) refuse_regression_value(RegressionInput::targets, row, target);
    refuse_regression_value(RegressionInput::weights, row, (*given.weights)[row].item<double>());
}

// A column whose tensors are kept as long as kernels read them.
template <typename Key>
struct DeviceColumn {
    at::Tensor order, keys, units;

    DeviceColumn(const at::Tensor& unsorted, const RegressionArguments& given, const RegressionSlices& all) {
        order = slices_of(order_of(unsorted), given.groups, given.num_groups).order;
        keys = unsorted.index_select(0, order);
        if (!given.weights) return;
        at::Tensor words = at::empty({kUnitWords, all.places}, order.options());
        launch_units(all, data_of<int64_t>(order), out_of<int64_t>(words), c10::cuda::getCurrentCUDAStream());
        C10_CUDA_KERNEL_LAUNCH_CHECK();
        units = words.cumsum(-1);
    }
    SortedColumn<Key> sorted() const { return {data_of<Key>(keys), data_of<int64_t>(order), data_of<int64_t>(units)}; }
};

template <typename T, typename Key>
at::Tensor measure(const RegressionArguments& given) {
    const auto stream = c10::cuda::getCurrentCUDAStream();
    const auto options = given.predictions.options().dtype(at::kLong);
    const auto numbers = options.dtype(at::kDouble);
    const int64_t rows = given.predictions.size(0), shares = static_cast<int64_t>(given.quantiles.size());
    const at::Tensor predictions = given.predictions.contiguous(), targets = given.targets.contiguous();
    at::Tensor weights;
    if (given.weights) weights = given.weights->to(at::kDouble).contiguous();
    RegressionSlices all{};
    all.rows = {sizeof(T) == 8, predictions.const_data_ptr(), targets.const_data_ptr(), data_of<double>(weights), rows};
    const auto key_options = options.dtype(sizeof(Key) == 8 ? at::kLong : at::kInt);
    at::Tensor prediction_keys = at::empty({rows}, key_options), target_keys = at::empty({rows}, key_options);
    at::Tensor error_keys = at::empty({rows}, options);
    at::Tensor found = at::tensor({int64_t{-1}, int64_t{0}}, options);
    launch_read_columns<T, Key>(all.rows, out_of<Key>(prediction_keys), out_of<Key>(target_keys),
                                out_of<int64_t>(error_keys), out_of<unsigned long long>(found), stream);
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    const at::Tensor on_host = found.cpu();
    const int64_t* const first = on_host.const_data_ptr<int64_t>();
    if (first[0] >= 0) refuse_value_of_row(given, first[0]);
    if (double_of(static_cast<uint64_t>(first[1])) > kLargestWeight) return on_cpu(given);
    if (given.groups) check_groups("regression_metrics", *given.groups, given.num_groups);
    const Slices slices = slices_of(at::arange(rows, options), given.groups, given.num_groups);
    all.places = slices.order.size(0);
    all.slices = slices.start.size(0) - 1;
    at::Tensor limbs = at::zeros({all.slices, kRegressionSums, kLimbs}, options);
    at::Tensor marks = at::zeros({all.slices, kRegressionMarks}, options);
    at::Tensor sums = at::empty({all.slices, kSumsOfSlice}, numbers), ranks = at::empty({2, all.places}, numbers);
    at::Tensor result = at::empty({all.slices, kRegressionMetrics + shares}, numbers);
    all.start = data_of<int64_t>(slices.start);
    all.member = data_of<int64_t>(slices.order);
    all.limbs = out_of<unsigned long long>(limbs);
    all.marks = out_of<unsigned long long>(marks);
    all.sums = out_of<double>(sums);
    all.ranks = out_of<double>(ranks);
    launch_passes(all, stream);
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    for (int64_t column = 0; column < 2; ++column) {
        const DeviceColumn<Key> of(column == 0 ? prediction_keys : target_keys, given, all);
        launch_ranks<Key>(all, of.sorted(), column, stream);
        C10_CUDA_KERNEL_LAUNCH_CHECK();
    }
    if (shares > 0) {
        const DeviceColumn<int64_t> errors(error_keys, given, all);
        const at::Tensor asked = at::tensor(given.quantiles, numbers);
        launch_quantiles(all, errors.sorted(), data_of<double>(asked), shares, out_of<double>(result), stream);
        C10_CUDA_KERNEL_LAUNCH_CHECK();
    }
    launch_finish(all, shares, out_of<double>(result), stream);
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    return result;
}

at::Tensor regression_metrics_cuda(const at::Tensor& predictions, const at::Tensor& targets,
                                   const std::optional<at::Tensor>& weights, const std::optional<at::Tensor>& groups,
                                   int64_t num_groups, at::ArrayRef<double> quantiles) {
    check_regression(predictions, targets, weights, groups, num_groups, quantiles);
    const c10::cuda::CUDAGuard guard(predictions.device());
    const int64_t slices = (groups ? num_groups : 0) + 1;
    if (predictions.size(0) == 0)
        return at::full({slices, kRegressionMetrics + static_cast<int64_t>(quantiles.size())},
                        std::numeric_limits<double>::quiet_NaN(), predictions.options().dtype(at::kDouble));
    const RegressionArguments given = {predictions, targets, weights, groups, num_groups, quantiles};
    if (predictions.size(0) >= kMostRows || slices > kMostRegressionLimbs / (kRegressionSums * kLimbs * 8))
        return on_cpu(given);
    return predictions.scalar_type() == at::kDouble ? measure<double, int64_t>(given) : measure<float, int32_t>(given);
}

}  // namespace

TORCH_LIBRARY_IMPL(within, CUDA, m) { m.impl("regression_metrics", &regression_metrics_cuda); }

}  // namespace within
