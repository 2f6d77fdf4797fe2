// Regression metrics on the CPU: two passes over the rows, a selection of errors and two sorts for the ranks; by
// groups, rows are put together by group and each group is a whole of its own.
#include "core/torch.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "core/dispatch.h"
#include "core/kept_memory.h"
#include "metrics/groups.h"
#include "metrics/parallel_sort.h"
#include "metrics/regression_checks.h"
#include "metrics/regression_rows.h"
#include "metrics/weights.h"

namespace within {

using RegressionPassKernel = void(RegressionPass&);
using RegressionRanksKernel = void(RegressionRanks&);
using WeightedRanksKernel = void(const WeightedRanks&);
using WeightedRankSumsKernel = void(WeightedRankSums&);
WITHIN_KERNEL(RegressionPassKernel, regression_sample)
WITHIN_KERNEL(RegressionPassKernel, regression_pass)
WITHIN_KERNEL(RegressionRanksKernel, regression_pack)
WITHIN_KERNEL(RegressionRanksKernel, regression_rank_predictions)
WITHIN_KERNEL(RegressionRanksKernel, regression_multiply_ranks)
WITHIN_KERNEL(WeightedRanksKernel, regression_weighted_ranks)
WITHIN_KERNEL(WeightedRankSumsKernel, regression_weighted_products)

namespace {

constexpr int64_t kFewRows = 1 << 13;        // of which all errors are sorted
constexpr int64_t kPairsOfAWhole = 1 << 18;  // a group so large is shared by all threads

int64_t shares_within(int64_t rows) { return at::in_parallel_region() ? 1 : shares_of(rows); }

// Memory of one whole at a time.
struct Workspace {
    KeptMemory keys, spare, payload, spare_payload, ranks;

    Workspace(int64_t rows, bool is_double, bool is_weighted)
        : keys(is_weighted ? 0 : rows * 8),
          spare(is_weighted ? 0 : rows * 8),
          payload(is_double && !is_weighted ? rows * 8 : 0),
          spare_payload(is_double && !is_weighted ? rows * 8 : 0),
          ranks(is_weighted ? rows * 16 : 0) {}
};

// Memory of one column that is sorted with weights.
struct ColumnMemory {
    KeptMemory keys, spare_keys, order, spare_order;

    explicit ColumnMemory(int64_t rows)
        : keys(rows * 8), spare_keys(rows * 8), order(rows * 4), spare_order(rows * 4) {}
};

struct Quantiles {
    std::vector<double> shares;  // as given
    std::vector<int64_t> order;  // of which they rise
};

template <typename Run>
void in_shares(int64_t shares, const Run& run) {
    at::parallel_for(0, shares, 1, [&](int64_t from, int64_t to) {
        for (int64_t s = from; s < to; ++s) run(s);
    });
}

// Rows of one group, or all of them.
class Whole {
  public:
    Whole(const RegressionRows& rows, const Quantiles& quantiles, Workspace& memory, double* out)
        : rows_(rows), quantiles_(quantiles), memory_(memory), out_(out) {}

    void run() {
        std::fill(out_, out_ + kRegressionMetrics + quantiles_.shares.size(), std::nan(""));
        if (rows_.count == 0) return;
        run_first();
        if (!(facts_.first[0] > 0)) return;
        run_second();
        if (rows_.weights == nullptr) {
            rank();
            select();
        } else {
            rank_weighted();
        }
        finish_regression(facts_, out_);
    }

  private:
    double value(const void* column, int64_t row) const {
        return rows_.is_double ? static_cast<const double*>(column)[row] : static_cast<const float*>(column)[row];
    }

    RegressionPass pass_like(bool is_second) const {
        RegressionPass pass{};
        pass.rows = rows_;
        pass.is_second = is_second;
        pass.means = is_second ? means_of(facts_.first) : RegressionMeans{};
        pass.bad_row = -1;
        return pass;
    }

    void cut(const RegressionPass& like) {
        const int64_t shares = shares_within(rows_.count);
        passes_.assign(shares, like);
        for (int64_t s = 0; s < shares; ++s) {
            passes_[s].begin = rows_.count * s / shares;
            passes_[s].end = rows_.count * (s + 1) / shares;
        }
    }

    void merge(double* sums, bool is_counted) {
        RegressionPass& whole = passes_[0];
        for (size_t s = 1; s < passes_.size(); ++s) {
            for (int k = 0; k < kRegressionSums; ++k) {
                add_exactly(whole.sums[k], passes_[s].sums[k]);
                whole.specials[k] |= passes_[s].specials[k];
            }
            for (int c = 0; c < 3; ++c) whole.differing[c] += passes_[s].differing[c];
            whole.counted += passes_[s].counted;
        }
        for (int k = 0; k < kRegressionSums; ++k)
            sums[k] = whole.specials[k] ? sum_of_specials(whole.specials[k]) : rounded(whole.sums[k], whole.bases[k]);
        if (is_counted) sums[0] = static_cast<double>(rows_.count);
    }

    void refuse_bad_rows() {
        for (const RegressionPass& pass : passes_) {
            if (pass.bad_row < 0) continue;
            const double found = pass.bad_input == RegressionInput::weights   ? rows_.weights[pass.bad_row]
                                 : pass.bad_input == RegressionInput::targets ? value(rows_.targets, pass.bad_row)
                                                                              : value(rows_.predictions, pass.bad_row);
            refuse_regression_value(pass.bad_input, pass.bad_row, found);
        }
    }

    void run_first() {
        RegressionPass like = pass_like(false);
        int64_t some = 0;
        if (rows_.weights != nullptr)
            while (some + 1 < rows_.count && !(rows_.weights[some] > 0)) ++some;
        like.some[0] = value(rows_.predictions, some);
        like.some[1] = value(rows_.targets, some);
        like.some[2] = like.some[0] - like.some[1];
        regression_sample_kernel()(like);
        cut(like);
        const bool is_selected = rows_.weights == nullptr && rows_.count > kFewRows;
        if (is_selected) histogram_.assign(passes_.size() * kErrorBins, 0);
        in_shares(passes_.size(), [&](int64_t s) {
            passes_[s].histogram = is_selected ? histogram_.data() + s * kErrorBins : nullptr;
            regression_pass_kernel()(passes_[s]);
        });
        refuse_bad_rows();
        merge(facts_.first, rows_.weights == nullptr);
        bins_ = like.bins;
        facts_.counted = static_cast<double>(passes_[0].counted);
        facts_.predictions_differ = passes_[0].differing[0] > 0;
        facts_.targets_differ = passes_[0].differing[1] > 0;
        facts_.errors_differ = passes_[0].differing[2] > 0;
    }

    // The order statistics on both sides of a quantile.
    int64_t place_below(double share) const {
        return static_cast<int64_t>(std::floor(share * static_cast<double>(rows_.count - 1)));
    }

    // Which bins hold order statistics that are asked for; `start_` says how many errors lie below each.
    void choose_bins() {
        start_.assign(kErrorBins + 1, 0);
        const int64_t shares = histogram_.size() / kErrorBins;
        for (int64_t b = 0; b < kErrorBins; ++b) {
            start_[b + 1] = start_[b];
            for (int64_t s = 0; s < shares; ++s) start_[b + 1] += histogram_[s * kErrorBins + b];
        }
        wanted_.assign(kErrorBins, 0);
        for (const double share : quantiles_.shares) {
            for (int64_t step = 0; step < 2; ++step) {
                const int64_t place = std::min(place_below(share) + step, rows_.count - 1);
                wanted_[std::upper_bound(start_.begin(), start_.end(), place) - start_.begin() - 1] = 1;
            }
        }
    }

    void run_second() {
        RegressionPass like = pass_like(true);
        regression_sample_kernel()(like);
        like.bins = bins_;
        cut(like);
        const bool is_selected = !histogram_.empty();
        if (is_selected) choose_bins();
        uint64_t* room = memory_.keys.as<uint64_t>();
        for (size_t s = 0; s < passes_.size() && rows_.weights == nullptr; ++s) {
            passes_[s].wanted = is_selected ? wanted_.data() : nullptr;
            passes_[s].kept = room;
            int64_t size = is_selected ? 0 : rows_.count;
            for (int64_t b = 0; b < kErrorBins && is_selected; ++b)
                if (wanted_[b]) size += histogram_[s * kErrorBins + b];
            room += size;
        }
        in_shares(passes_.size(), [&](int64_t s) { regression_pass_kernel()(passes_[s]); });
        merge(facts_.second, false);
        if (rows_.weights != nullptr) return;
        kept_.clear();
        for (const RegressionPass& pass : passes_) kept_.insert(kept_.end(), pass.kept, pass.kept + pass.kept_count);
    }

    void select() {
        std::vector<uint64_t> spare(kept_.size());
        const int64_t count = static_cast<int64_t>(kept_.size());
        const Records<uint64_t, NoPayload> records{kept_.data(), nullptr}, scratch{spare.data(), nullptr};
        const uint64_t* const sorted = sort_within(records, scratch, count, 0, 64).keys;
        auto statistic = [&](int64_t place) {
            if (histogram_.empty()) return double_of_ordered(sorted[place]);
            const int64_t bin = std::upper_bound(start_.begin(), start_.end(), place) - start_.begin() - 1;
            int64_t at = place - start_[bin];
            for (int64_t b = 0; b < bin; ++b)
                if (wanted_[b]) at += start_[b + 1] - start_[b];
            return double_of_ordered(sorted[at]);
        };
        for (size_t i = 0; i < quantiles_.shares.size(); ++i) {
            const double share = quantiles_.shares[i];
            const int64_t below = place_below(share);
            const double part = share * static_cast<double>(rows_.count - 1) - static_cast<double>(below);
            out_[kRegressionMetrics + i] =
                between_statistics(statistic(below), statistic(std::min(below + 1, rows_.count - 1)), part);
        }
    }

    template <typename Payload>
    static Records<uint64_t, Payload> sort_within(Records<uint64_t, Payload> records, Records<uint64_t, Payload> spare,
                                                  int64_t count, int first, int last) {
        if (at::in_parallel_region()) return sort_records(records, spare, count, first, last);
        return sort_in_parallel(records, spare, count, first, last);
    }

    // Where shares begin so that none cuts through equal keys.
    std::vector<int64_t> tie_starts(const uint64_t* keys) const {
        const int64_t shares = shares_within(rows_.count);
        std::vector<int64_t> starts(shares + 1, rows_.count);
        for (int64_t s = 0; s < shares; ++s) {
            int64_t at = rows_.count * s / shares;
            auto key = [&](int64_t i) { return rows_.is_double ? keys[i] : keys[i] >> 32; };
            while (at > 0 && at < rows_.count && key(at) == key(at - 1)) ++at;
            starts[s] = at;
        }
        return starts;
    }

    void rank() {
        uint64_t *keys = memory_.keys.as<uint64_t>(), *spare = memory_.spare.as<uint64_t>();
        uint64_t *payload = memory_.payload.as<uint64_t>(), *spare_payload = memory_.spare_payload.as<uint64_t>();
        const int64_t shares = shares_within(rows_.count);
        std::vector<RegressionRanks> tasks(shares);
        auto run = [&](RegressionRanksKernel* kernel, const std::vector<int64_t>& starts) {
            in_shares(shares, [&](int64_t s) {
                tasks[s] = {rows_, keys, payload, starts[s], std::max(starts[s], starts[s + 1]), {}};
                kernel(tasks[s]);
            });
        };
        auto sort = [&] {
            if (rows_.is_double) {
                const auto sorted = sort_within<uint64_t>({keys, payload}, {spare, spare_payload}, rows_.count, 0, 64);
                if (sorted.keys != keys) std::swap(keys, spare), std::swap(payload, spare_payload);
            } else {
                const auto sorted = sort_within<NoPayload>({keys, nullptr}, {spare, nullptr}, rows_.count, 32, 64);
                if (sorted.keys != keys) std::swap(keys, spare);
            }
        };
        std::vector<int64_t> even(shares + 1);
        for (int64_t s = 0; s <= shares; ++s) even[s] = rows_.count * s / shares;
        run(regression_pack_kernel(), even);
        sort();
        run(regression_rank_predictions_kernel(), tie_starts(keys));
        sort();
        run(regression_multiply_ranks_kernel(), tie_starts(keys));
        for (int k = 0; k < 3; ++k) {
            __int128 sum = 0;
            for (const RegressionRanks& task : tasks) sum += task.sums[k];
            facts_.ranks[k] = to_double(sum);
        }
    }

    void rank_weighted() {
        double most = 0;
        for (int64_t i = 0; i < rows_.count; ++i) most = std::max(most, rows_.weights[i]);
        std::vector<double> rising, found(quantiles_.shares.size());
        for (const int64_t i : quantiles_.order) rising.push_back(quantiles_.shares[i]);
        double* const ranks = memory_.ranks.as<double>();
        at::parallel_for(0, 3, 1, [&](int64_t begin, int64_t end) {
            for (int64_t column = begin; column < end; ++column) {
                const bool is_error = column == 2;
                ColumnMemory own(rows_.count);
                WeightedRanks task{};
                task.rows = rows_;
                task.column = static_cast<RegressionColumn>(column);
                task.weight_exponent = exponent_of(most);
                task.keys = own.keys.as<uint64_t>();
                task.spare_keys = own.spare_keys.as<uint64_t>();
                task.order = own.order.as<uint32_t>();
                task.spare_order = own.spare_order.as<uint32_t>();
                task.ranks = is_error ? nullptr : ranks + column * rows_.count;
                task.quantiles = rising.data();
                task.quantile_count = is_error ? static_cast<int64_t>(rising.size()) : 0;
                task.quantile_out = found.data();
                regression_weighted_ranks_kernel()(task);
            }
        });
        for (size_t i = 0; i < found.size(); ++i) out_[kRegressionMetrics + quantiles_.order[i]] = found[i];
        WeightedRankSums sums{rows_.weights, ranks, ranks + rows_.count, rows_.count, {}};
        regression_weighted_products_kernel()(sums);
        std::copy(sums.sums, sums.sums + 3, facts_.ranks);
    }

    RegressionRows rows_;
    const Quantiles& quantiles_;
    Workspace& memory_;
    double* out_;
    RegressionFacts facts_{};
    ErrorBins bins_{};
    std::vector<RegressionPass> passes_;
    std::vector<uint32_t> histogram_;
    std::vector<int64_t> start_;
    std::vector<uint8_t> wanted_;
    std::vector<uint64_t> kept_;
};

template <typename T>
struct GroupedColumns {
    std::vector<int64_t> start;
    at::Tensor predictions, targets, weights;

    GroupedColumns(const RegressionRows& rows, const at::Tensor& like, const int64_t* group_of, int64_t groups)
        : predictions(at::empty_like(like)), targets(at::empty_like(like)) {
        const T* const p = static_cast<const T*>(rows.predictions);
        const T* const t = static_cast<const T*>(rows.targets);
        T* const to_p = predictions.mutable_data_ptr<T>();
        T* const to_t = targets.mutable_data_ptr<T>();
        double* to_w = nullptr;
        if (rows.weights != nullptr) {
            weights = at::empty({rows.count}, like.options().dtype(at::kDouble));
            to_w = weights.mutable_data_ptr<double>();
        }
        start = move_by_group("regression_metrics", group_of, rows.count, groups, [&](int64_t row, int64_t place) {
            to_p[place] = p[row];
            to_t[place] = t[row];
            if (to_w != nullptr) to_w[place] = rows.weights[row];
        });
    }

    RegressionRows rows_of(int64_t group) const {
        const int64_t from = start[group];
        return {sizeof(T) == 8, predictions.const_data_ptr<T>() + from, targets.const_data_ptr<T>() + from,
                weights.defined() ? weights.const_data_ptr<double>() + from : nullptr, start[group + 1] - from};
    }
};

template <typename T>
void run_groups(const RegressionRows& rows, const at::Tensor& like, const int64_t* group_of, int64_t groups,
                const Quantiles& quantiles, Workspace& memory, double* out) {
    const GroupedColumns<T> grouped(rows, like, group_of, groups);
    const int64_t width = kRegressionMetrics + static_cast<int64_t>(quantiles.shares.size());
    const int64_t threads = at::get_num_threads();
    int64_t most = 0;
    for (int64_t g = 0; g < groups; ++g) {
        const RegressionRows own = grouped.rows_of(g);
        if (own.count >= kPairsOfAWhole) {
            Whole(own, quantiles, memory, out + g * width).run();
        } else {
            most = std::max(most, own.count);
        }
    }
    // Each share has the groups that begin in its part of the rows.
    const int64_t shares = std::max<int64_t>(1, std::min(threads, groups));
    in_shares(shares, [&](int64_t s) {
        Workspace own_memory(most, rows.is_double, rows.weights != nullptr);
        const auto first = grouped.start.begin(), last = grouped.start.end() - 1;
        const int64_t from = s == 0 ? 0 : std::lower_bound(first, last, rows.count * s / shares) - first;
        const int64_t to =
            s + 1 == shares ? groups : std::lower_bound(first, last, rows.count * (s + 1) / shares) - first;
        for (int64_t g = from; g < to; ++g) {
            const RegressionRows own = grouped.rows_of(g);
            if (own.count < kPairsOfAWhole) Whole(own, quantiles, own_memory, out + g * width).run();
        }
    });
}

at::Tensor regression_metrics_cpu(const at::Tensor& predictions, const at::Tensor& targets,
                                  const std::optional<at::Tensor>& weights, const std::optional<at::Tensor>& groups,
                                  int64_t num_groups, at::ArrayRef<double> quantiles) {
    check_regression(predictions, targets, weights, groups, num_groups, quantiles);
    const at::Tensor p = predictions.contiguous(), t = targets.contiguous();
    const at::Tensor w = weights ? weights->to(at::kDouble).contiguous() : at::Tensor();
    const int64_t group_count = groups ? num_groups : 0;
    const int64_t width = kRegressionMetrics + static_cast<int64_t>(quantiles.size());
    at::Tensor result = at::empty({group_count + 1, width}, p.options().dtype(at::kDouble));
    double* const out = result.mutable_data_ptr<double>();
    const bool is_double = p.scalar_type() == at::kDouble;
    const RegressionRows rows = {is_double, p.const_data_ptr(), t.const_data_ptr(),
                                 w.defined() ? w.const_data_ptr<double>() : nullptr, p.size(0)};
    Quantiles wanted{quantiles.vec(), std::vector<int64_t>(quantiles.size())};
    std::iota(wanted.order.begin(), wanted.order.end(), 0);
    std::sort(wanted.order.begin(), wanted.order.end(),
              [&](int64_t a, int64_t b) { return quantiles[a] < quantiles[b]; });
    Workspace memory(rows.count, is_double, w.defined());
    Whole(rows, wanted, memory, out + group_count * width).run();
    if (!groups) return result;
    const at::Tensor of = groups->contiguous();
    const int64_t* const group_of = of.const_data_ptr<int64_t>();
    is_double ? run_groups<double>(rows, p, group_of, num_groups, wanted, memory, out)
              : run_groups<float>(rows, p, group_of, num_groups, wanted, memory, out);
    return result;
}

}  // namespace

TORCH_LIBRARY_IMPL(within, CPU, m) { m.impl("regression_metrics", &regression_metrics_cpu); }

}  // namespace within
