// Drift metrics on a GPU: torch sorts columns and adds up weights from the first place on, kernels walk both samples,
// and the host makes metrics of what they count, as it does of its own counts.
#include "core/torch.h"

#include <optional>

#include "core/cuda.h"
#include "metrics/device_tensors.h"
#include "metrics/drift_checks.h"
#include "metrics/drift_finish.h"
#include "metrics/drift_launch.h"
#include "metrics/weights.h"

namespace within {
namespace {

struct DriftArguments {
    const at::Tensor& reference;
    const at::Tensor& current;
    int64_t bins;
    const std::optional<at::Tensor>& reference_weights;
    const std::optional<at::Tensor>& current_weights;
    const std::optional<at::Tensor>& reference_groups;
    const std::optional<at::Tensor>& current_groups;
    int64_t num_groups;
};

at::Tensor on_cpu(const DriftArguments& given) {
    static const auto call =
        c10::Dispatcher::singleton()
            .findSchemaOrThrow("within::drift_metrics", "")
            .typed<at::Tensor(const at::Tensor&, const at::Tensor&, int64_t, const std::optional<at::Tensor>&,
                              const std::optional<at::Tensor>&, const std::optional<at::Tensor>&,
                              const std::optional<at::Tensor>&, int64_t)>();
    const auto host = [](const std::optional<at::Tensor>& tensor) {
        return tensor ? std::optional(tensor->cpu()) : std::nullopt;
    };
    return call
        .call(given.reference.cpu(), given.current.cpu(), given.bins, host(given.reference_weights),
              host(given.current_weights), host(given.reference_groups), host(given.current_groups), given.num_groups)
        .to(given.reference.device());
}

// One sample: its columns one after the other, its slices, its weights. Kernels read its tensors.
template <typename T, typename Key>
class Sample {
  public:
    Sample(const at::Tensor& sample, bool is_current, const std::optional<at::Tensor>& weights, bool is_weighted,
           const std::optional<at::Tensor>& groups, int64_t num_groups, at::Tensor& found)
        : groups_(groups), num_groups_(num_groups), rows_(sample.size(0)), columns_(sample.size(1)) {
        const auto stream = c10::cuda::getCurrentCUDAStream();
        const at::Tensor values = sample.t().contiguous();
        keys_ = at::empty({columns_, rows_}, sample.options().dtype(sizeof(Key) == 8 ? at::kLong : at::kInt));
        launch_read_values<T, Key>(data_of<T>(values), rows_, columns_, is_current, out_of<Key>(keys_),
                                   out_of<unsigned long long>(found), stream);
        C10_CUDA_KERNEL_LAUNCH_CHECK();
        if (!is_weighted) return;
        weights_ =
            weights ? weights->to(at::kDouble).contiguous() : at::ones({rows_}, sample.options().dtype(at::kDouble));
        launch_read_weights(data_of<double>(weights_), rows_,
                            out_of<unsigned long long>(found) + (is_current ? kBadOtherWeight : kBadWeight), stream);
        C10_CUDA_KERNEL_LAUNCH_CHECK();
    }

    // Once values, weights and groups are known to be right.
    void part() {
        const auto options = keys_.options().dtype(at::kLong);
        slices_ = slices_of(at::arange(rows_, options), groups_, num_groups_);
        if (!weights_.defined()) return;
        const int64_t slices = slices_.start.size(0) - 1;
        largest_ = at::zeros({slices}, options);
        effective_ = at::empty({slices}, options.dtype(at::kDouble));
        at::Tensor limbs = at::zeros({slices, 2, kLimbs}, options);
        launch_weigh(weights_of(slices_.order), out_of<unsigned long long>(limbs), out_of<double>(effective_),
                     c10::cuda::getCurrentCUDAStream());
        C10_CUDA_KERNEL_LAUNCH_CHECK();
    }

    // Puts a column in order, and says where it lies: until the next is.
    DriftColumnOf<Key> sort(int64_t column) {
        const at::Tensor keys = keys_[column];
        if (!groups_ && !weights_.defined()) {
            sorted_ = std::get<0>(keys.sort(/*stable=*/true, 0, /*descending=*/false));
        } else {
            const at::Tensor order = slices_of(order_of(keys), groups_, num_groups_).order;
            sorted_ = keys.index_select(0, order);
            if (weights_.defined()) add_up(weights_of(order), order.options());
        }
        return {data_of<Key>(sorted_), data_of<double>(shares_), data_of<int64_t>(slices_.start), sorted_.size(0)};
    }

    at::Tensor start() const { return slices_.start; }
    at::Tensor effective() const { return effective_; }

  private:
    DriftWeights weights_of(const at::Tensor& order) {
        return {data_of<double>(weights_), data_of<int64_t>(order), data_of<int64_t>(slices_.start),
                slices_.start.size(0) - 1, order.size(0),           out_of<unsigned long long>(largest_)};
    }

    void add_up(const DriftWeights& all, const at::TensorOptions& options) {
        const auto stream = c10::cuda::getCurrentCUDAStream();
        at::Tensor words = at::empty({kUnitWords, all.places}, options);
        launch_weight_words(all, out_of<int64_t>(words), stream);
        C10_CUDA_KERNEL_LAUNCH_CHECK();
        const at::Tensor units = words.cumsum(-1);
        shares_ = at::empty({all.places}, options.dtype(at::kDouble));
        launch_shares(all, data_of<int64_t>(units), out_of<double>(shares_), stream);
        C10_CUDA_KERNEL_LAUNCH_CHECK();
    }

    const std::optional<at::Tensor>& groups_;
    int64_t num_groups_, rows_, columns_;
    at::Tensor keys_, weights_, largest_, effective_, sorted_, shares_;
    Slices slices_;
};

void refuse_bad(const DriftArguments& given, const at::Tensor& found) {
    const at::Tensor on_host = found.cpu();
    const int64_t* const first = on_host.const_data_ptr<int64_t>();
    const auto weight = [](const char* name, const at::Tensor& weights, int64_t row) {
        refuse_drift_weight(name, row, weights[row].item<double>());
    };
    if (first[kBadWeight] >= 0) weight("reference_weights", *given.reference_weights, first[kBadWeight]);
    if (first[kBadOtherWeight] >= 0) weight("current_weights", *given.current_weights, first[kBadOtherWeight]);
    if (first[kBadValue] < 0) return;
    const int64_t row = first[kBadValue] & ((int64_t{1} << 31) - 1), column = first[kBadValue] >> 32;
    const bool is_current = (first[kBadValue] >> 31 & 1) != 0;
    const at::Tensor& sample = is_current ? given.current : given.reference;
    refuse_drift_value(is_current ? "current" : "reference", row, column, sample[row][column].item<double>());
}

template <typename T, typename Key>
at::Tensor measure(const DriftArguments& given) {
    const bool is_weighted = given.reference_weights || given.current_weights;
    const auto options = given.reference.options().dtype(at::kLong);
    const auto numbers = options.dtype(at::kDouble);
    at::Tensor found = at::full({kDriftFound}, -1, options);
    Sample<T, Key> reference(given.reference, false, given.reference_weights, is_weighted, given.reference_groups,
                             given.num_groups, found);
    Sample<T, Key> current(given.current, true, given.current_weights, is_weighted, given.current_groups,
                           given.num_groups, found);
    refuse_bad(given, found);
    if (given.reference_groups) {
        check_groups("drift_metrics", *given.reference_groups, given.num_groups, "reference_groups");
        check_groups("drift_metrics", *given.current_groups, given.num_groups, "current_groups");
    }
    reference.part();
    current.part();
    const int64_t columns = given.reference.size(1), slices = reference.start().size(0) - 1, bins = given.bins;
    at::Tensor limbs = at::zeros({slices, kLimbs}, options), farthest = at::zeros({columns, slices}, options);
    at::Tensor distance = at::zeros({columns, slices}, numbers);
    at::Tensor up_to = at::zeros({columns, slices, bins, 2}, numbers);
    for (int64_t column = 0; column < columns; ++column) {
        const DriftSlices all = {slices,
                                 bins,
                                 out_of<unsigned long long>(limbs),
                                 out_of<unsigned long long>(farthest) + column * slices,
                                 out_of<double>(distance) + column * slices,
                                 out_of<double>(up_to) + column * slices * bins * 2};
        const auto r = reference.sort(column), c = current.sort(column);
        launch_column<Key>(r, c, all, c10::cuda::getCurrentCUDAStream());
        C10_CUDA_KERNEL_LAUNCH_CHECK();
    }
    farthest = farthest.cpu();
    distance = distance.cpu();
    up_to = up_to.cpu();
    const at::Tensor start = reference.start().cpu(), other_start = current.start().cpu();
    at::Tensor effective, other_effective;
    if (is_weighted) {
        effective = reference.effective().cpu();
        other_effective = current.effective().cpu();
    }
    at::Tensor result = at::empty({slices, columns, kDriftMetrics}, numbers.device(at::kCPU));
    double* const out = out_of<double>(result);
    const int64_t *const starts = data_of<int64_t>(start), *const other_starts = data_of<int64_t>(other_start);
    at::parallel_for(0, columns * slices, 1, [&](int64_t from, int64_t to) {
        for (int64_t i = from; i < to; ++i) {
            const int64_t column = i / slices, slice = i % slices;
            DriftFacts facts{};
            facts.rows = starts[slice + 1] - starts[slice];
            facts.others = other_starts[slice + 1] - other_starts[slice];
            facts.is_weighted = is_weighted;
            if (is_weighted) {
                facts.effective = data_of<double>(effective)[slice];
                facts.other_effective = data_of<double>(other_effective)[slice];
            }
            facts.take_farthest(data_of<uint64_t>(farthest)[i]);
            facts.distance = data_of<double>(distance)[i];
            facts.up_to = data_of<double>(up_to) + i * bins * 2;
            facts.bins = bins;
            finish_drift(facts, out + (slice * columns + column) * kDriftMetrics);
        }
    });
    return result.to(given.reference.device());
}

at::Tensor drift_metrics_cuda(const at::Tensor& reference, const at::Tensor& current, int64_t bins,
                              const std::optional<at::Tensor>& reference_weights,
                              const std::optional<at::Tensor>& current_weights,
                              const std::optional<at::Tensor>& reference_groups,
                              const std::optional<at::Tensor>& current_groups, int64_t num_groups) {
    check_drift(reference, current, bins, reference_weights, current_weights);
    check_drift_groups(reference, current, reference_groups, current_groups, num_groups);
    const c10::cuda::CUDAGuard guard(reference.device());
    const DriftArguments given = {reference,       current,          bins,           reference_weights,
                                  current_weights, reference_groups, current_groups, num_groups};
    const int64_t slices = (reference_groups ? num_groups : 0) + 1;
    if (!fits_gpu(reference.size(0), current.size(0), reference.size(1), slices, bins)) return on_cpu(given);
    return reference.scalar_type() == at::kDouble ? measure<double, int64_t>(given) : measure<float, int32_t>(given);
}

}  // namespace

TORCH_LIBRARY_IMPL(within, CUDA, m) { m.impl("drift_metrics", &drift_metrics_cuda); }

}  // namespace within
