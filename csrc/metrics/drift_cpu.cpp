// Drift on the CPU: each column of both samples is sorted, then both are walked together; by groups, rows are put
// together by group and each group is a whole of its own.
#include "core/torch.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <type_traits>
#include <vector>

#include "core/dispatch.h"
#include "core/kept_memory.h"
#include "metrics/drift_checks.h"
#include "metrics/drift_finish.h"
#include "metrics/drift_rows.h"
#include "metrics/groups.h"
#include "metrics/parallel_sort.h"
#include "metrics/weights.h"

namespace within {

using DriftColumnKernel = void(DriftColumn&);
using DriftWalkKernel = void(DriftWalk&);
WITHIN_KERNEL(DriftColumnKernel, drift_take)
WITHIN_KERNEL(DriftWalkKernel, drift_walk)

namespace {

constexpr int64_t kRowsForAllThreads = 1 << 16;  // columns so long are taken one by one, each by all threads
constexpr int64_t kRowsOfAWhole = 1 << 18;       // a group so large is shared by all threads

// Weights of one sample: as integers, and what they are worth as rows.
struct SampleWeights {
    std::vector<double> of;
    int exponent = 0;
    double effective = 0;  // Kish's number of rows: the square of the sum over the sum of squares

    SampleWeights(const char* name, const double* data, int64_t rows) : of(data, data + rows) {
        double most = 0;
        for (int64_t i = 0; i < rows; ++i) {
            if (!(of[i] >= 0) || !std::isfinite(of[i])) refuse_drift_weight(name, i, of[i]);
            most = std::max(most, of[i]);
        }
        exponent = exponent_of(most);
        ExactSum sum{}, squares{};
        for (const double weight : of) {
            // About the largest, so that no square overflows.
            const double part = weight / most;
            add_exactly(sum, part);
            add_exactly(squares, part * part);
        }
        if (most > 0) effective = effective_rows(rounded(sum), rounded(squares));
    }
};

SampleWeights weights_of(const char* name, const std::optional<at::Tensor>& weights, int64_t rows) {
    const at::Tensor wide = weights ? weights->to(at::kDouble).contiguous() : at::ones({rows}, at::kDouble);
    return {name, wide.const_data_ptr<double>(), rows};
}

// Rows of one sample: all of them, or those of one group.
struct SampleRows {
    const void* values;  // [count, columns]
    int64_t count;
    int64_t columns;
    const SampleWeights* weights;  // or null
};

// One sample of one column in order.
template <typename Key>
struct SortedSample {
    KeptMemory first, second;
    std::vector<double> shares;
    const Key* keys = nullptr;
    int64_t count;

    SortedSample(const char* name, const SampleRows& sample, int64_t column)
        : first((sample.count + 1) * sizeof(Key)), second((sample.count + 1) * sizeof(Key)), count(sample.count) {
        constexpr bool kIsDouble = sizeof(Key) == 8;
        Key *const from = first.as<Key>(), *const spare = second.as<Key>();
        take(name, sample, column, from);
        if (sample.weights == nullptr) {
            const Records<Key, NoPayload> records{from, nullptr}, scratch{spare, nullptr};
            const auto sorted = at::in_parallel_region()
                                    ? sort_records(records, scratch, count, 0, 8 * sizeof(Key))
                                    : sort_in_parallel(records, scratch, count, 0, 8 * sizeof(Key));
            sorted.keys[count] = ~Key{0};
            keys = sorted.keys;
            return;
        }
        std::vector<uint32_t> rows(count), spare_rows(count);
        for (int64_t i = 0; i < count; ++i) rows[i] = static_cast<uint32_t>(i);
        const auto sorted =
            sort_records<Key, uint32_t>({from, rows.data()}, {spare, spare_rows.data()}, count, 0, kIsDouble ? 64 : 32);
        sorted.keys[count] = ~Key{0};
        keys = sorted.keys;
        add_weights(*sample.weights, sorted.payload);
    }

    void take(const char* name, const SampleRows& sample, int64_t column, Key* to) {
        const int64_t shares_of_rows = at::in_parallel_region() ? 1 : shares_of(count);
        std::vector<DriftColumn> tasks(shares_of_rows);
        const char* const values = static_cast<const char*>(sample.values) + column * static_cast<int64_t>(sizeof(Key));
        at::parallel_for(0, shares_of_rows, 1, [&](int64_t begin, int64_t end) {
            for (int64_t s = begin; s < end; ++s) {
                tasks[s] = {sizeof(Key) == 8,
                            values,
                            sample.columns,
                            count * s / shares_of_rows,
                            count * (s + 1) / shares_of_rows,
                            to,
                            -1};
                drift_take_kernel()(tasks[s]);
            }
        });
        for (const DriftColumn& task : tasks) {
            if (task.bad_row < 0) continue;
            const char* const at = values + task.bad_row * sample.columns * static_cast<int64_t>(sizeof(Key));
            const double found = sizeof(Key) == 8 ? *reinterpret_cast<const double*>(at)
                                                  : static_cast<double>(*reinterpret_cast<const float*>(at));
            refuse_drift_value(name, task.bad_row, column, found);
        }
    }

    void add_weights(const SampleWeights& weights, const uint32_t* rows) {
        shares.resize(count + 1);
        __int128 all = 0, before = 0;
        for (int64_t i = 0; i < count; ++i) all += whole_weight(weights.of[i], weights.exponent);
        const double total = to_double(all);
        shares[0] = 0;
        for (int64_t i = 0; i < count; ++i) {
            if (i + 24 < count) __builtin_prefetch(weights.of.data() + rows[i + 24]);
            before += whole_weight(weights.of[rows[i]], weights.exponent);
            shares[i + 1] = to_double(before) / total;
        }
    }

    OrderedSample<Key> ordered() const { return {keys, shares.empty() ? nullptr : shares.data() + 1, count}; }
};

template <typename Key>
void measure_column(const SampleRows& reference, const SampleRows& current, int64_t column, int64_t bins, double* out) {
    const SortedSample<Key> r("reference", reference, column);
    const SortedSample<Key> c("current", current, column);
    const SampleWeights *const weights = reference.weights, *const other_weights = current.weights;
    DriftFacts facts{};
    facts.rows = r.count;
    facts.others = c.count;
    facts.is_weighted = weights != nullptr;
    if (facts.is_weighted) {
        facts.effective = weights->effective;
        facts.other_effective = other_weights->effective;
    }
    if (!has_both(facts)) return finish_drift(facts, out);
    std::vector<double> up_to(2 * bins);
    for (int64_t b = 0; b < bins; ++b) {
        const double end = end_of_bin(r.ordered(), b, bins);
        up_to[2 * b] = r.ordered().part_up_to(end);
        up_to[2 * b + 1] = c.ordered().part_up_to(end);
    }
    facts.up_to = up_to.data();
    facts.bins = bins;
    const int64_t shares = at::in_parallel_region() ? 1 : shares_of(std::min(r.count, c.count));
    std::vector<DriftWalk> walks(shares);
    for (int64_t s = 0; s < shares; ++s) {
        int64_t at = r.count * s / shares;
        while (at > 0 && at < r.count && r.keys[at] == r.keys[at - 1]) ++at;
        DriftWalk& walk = walks[s];
        walk.is_double = sizeof(Key) == 8;
        walk.reference = {r.keys, r.count, r.shares.empty() ? nullptr : r.shares.data()};
        walk.current = {c.keys, c.count, c.shares.empty() ? nullptr : c.shares.data()};
        walk.begin = at;
        walk.other_begin = s == 0 ? 0 : std::lower_bound(c.keys, c.keys + c.count, r.keys[at]) - c.keys;
    }
    for (int64_t s = 0; s < shares; ++s) {
        walks[s].end = s + 1 < shares ? walks[s + 1].begin : r.count;
        walks[s].other_end = s + 1 < shares ? walks[s + 1].other_begin : c.count;
    }
    at::parallel_for(0, shares, 1, [&](int64_t begin, int64_t end) {
        for (int64_t s = begin; s < end; ++s) drift_walk_kernel()(walks[s]);
    });
    DriftWalk& whole = walks[0];
    for (int64_t s = 1; s < shares; ++s) {
        whole.farthest = std::max(whole.farthest, walks[s].farthest);
        whole.farthest_by = std::max(whole.farthest_by, walks[s].farthest_by);
        add_exactly(whole.distance, walks[s].distance);
    }
    facts.farthest = whole.farthest;
    facts.farthest_by = whole.farthest_by;
    const double range = std::max(number_of(r.keys[r.count - 1]), number_of(c.keys[c.count - 1])) -
                         std::min(number_of(r.keys[0]), number_of(c.keys[0]));
    facts.distance = distance_within(range, rounded(whole.distance));
    finish_drift(facts, out);
}

template <typename Key>
void measure(const SampleRows& reference, const SampleRows& current, int64_t bins, double* out) {
    const int64_t columns = reference.columns;
    auto run = [&](int64_t begin, int64_t end) {
        for (int64_t column = begin; column < end; ++column)
            measure_column<Key>(reference, current, column, bins, out + column * kDriftMetrics);
    };
    if (std::max(reference.count, current.count) >= kRowsForAllThreads && reference.weights == nullptr) {
        run(0, columns);
    } else {
        // Of several columns that are refused it is the first that says so.
        std::vector<std::exception_ptr> refused(columns);
        at::parallel_for(0, columns, 1, [&](int64_t begin, int64_t end) {
            for (int64_t column = begin; column < end; ++column) {
                try {
                    run(column, column + 1);
                } catch (...) {
                    refused[column] = std::current_exception();
                }
            }
        });
        for (const auto& refusal : refused)
            if (refusal) std::rethrow_exception(refusal);
    }
}

// One sample, the rows of each group together.
template <typename Key>
struct GroupedSample {
    using Number = std::conditional_t<sizeof(Key) == 8, double, float>;

    const char* weights_name;
    int64_t columns;
    std::vector<int64_t> start;
    KeptMemory values, weights;
    bool is_weighted;

    GroupedSample(const char* name, const char* name_of_weights, const SampleRows& all, const at::Tensor& group_of,
                  int64_t groups)
        : weights_name(name_of_weights),
          columns(all.columns),
          values(all.count * all.columns * sizeof(Number)),
          weights(all.weights == nullptr ? 0 : all.count * sizeof(double)),
          is_weighted(all.weights != nullptr) {
        const at::Tensor of = group_of.contiguous();
        const Number* const from = static_cast<const Number*>(all.values);
        Number* const to = values.template as<Number>();
        double* const to_weights = weights.template as<double>();
        start = move_by_group(
            "drift_metrics", of.const_data_ptr<int64_t>(), all.count, groups,
            [&](int64_t row, int64_t place) {
                for (int64_t c = 0; c < columns; ++c) to[place * columns + c] = from[row * columns + c];
                if (is_weighted) to_weights[place] = all.weights->of[row];
            },
            name);
    }

    int64_t count(int64_t group) const { return start[group + 1] - start[group]; }

    std::optional<SampleWeights> weights_of_group(int64_t group) const {
        if (!is_weighted) return std::nullopt;
        return SampleWeights(weights_name, weights.template as<double>() + start[group], count(group));
    }

    SampleRows rows(int64_t group, const std::optional<SampleWeights>& own) const {
        return {values.template as<Number>() + start[group] * columns, count(group), columns, own ? &*own : nullptr};
    }
};

template <typename Key>
void measure_groups(const GroupedSample<Key>& reference, const GroupedSample<Key>& current, int64_t groups,
                    int64_t bins, double* out) {
    auto run = [&](int64_t group) {
        const auto weights = reference.weights_of_group(group), other_weights = current.weights_of_group(group);
        measure<Key>(reference.rows(group, weights), current.rows(group, other_weights), bins,
                     out + group * reference.columns * kDriftMetrics);
    };
    auto is_large = [&](int64_t group) {
        return !reference.is_weighted && std::max(reference.count(group), current.count(group)) >= kRowsOfAWhole;
    };
    std::vector<int64_t> before(groups);  // rows of smaller groups that come first
    int64_t rows = 0;
    for (int64_t group = 0; group < groups; ++group) {
        before[group] = rows;
        if (is_large(group)) {
            run(group);
        } else {
            rows += reference.count(group) + current.count(group);
        }
    }
    // Each share has the groups that begin in its part of the rows.
    const int64_t shares = std::max<int64_t>(1, std::min<int64_t>(at::get_num_threads(), groups));
    auto first_of = [&](int64_t share) {
        if (share == 0) return int64_t{0};
        if (share == shares) return groups;
        return std::lower_bound(before.begin(), before.end(), rows * share / shares) - before.begin();
    };
    at::parallel_for(0, shares, 1, [&](int64_t from, int64_t to) {
        for (int64_t group = first_of(from); group < first_of(to); ++group)
            if (!is_large(group)) run(group);
    });
}

template <typename Key>
void measure_all(const SampleRows& reference, const SampleRows& current, int64_t bins,
                 const std::optional<at::Tensor>& reference_groups, const std::optional<at::Tensor>& current_groups,
                 int64_t groups, double* out) {
    measure<Key>(reference, current, bins, out + groups * reference.columns * kDriftMetrics);
    if (!reference_groups) return;
    const GroupedSample<Key> r("reference_groups", "reference_weights", reference, *reference_groups, groups);
    const GroupedSample<Key> c("current_groups", "current_weights", current, *current_groups, groups);
    measure_groups(r, c, groups, bins, out);
}

at::Tensor drift_metrics_cpu(const at::Tensor& reference, const at::Tensor& current, int64_t bins,
                             const std::optional<at::Tensor>& reference_weights,
                             const std::optional<at::Tensor>& current_weights,
                             const std::optional<at::Tensor>& reference_groups,
                             const std::optional<at::Tensor>& current_groups, int64_t num_groups) {
    check_drift(reference, current, bins, reference_weights, current_weights);
    check_drift_groups(reference, current, reference_groups, current_groups, num_groups);
    const at::Tensor r = reference.contiguous(), c = current.contiguous();
    const int64_t groups = reference_groups ? num_groups : 0;
    at::Tensor result = at::empty({groups + 1, r.size(1), kDriftMetrics}, r.options().dtype(at::kDouble));
    double* const out = result.mutable_data_ptr<double>();
    std::optional<SampleWeights> weights, other_weights;
    if (reference_weights || current_weights) {
        weights = weights_of("reference_weights", reference_weights, r.size(0));
        other_weights = weights_of("current_weights", current_weights, c.size(0));
    }
    const SampleRows rows = {r.const_data_ptr(), r.size(0), r.size(1), weights ? &*weights : nullptr};
    const SampleRows others = {c.const_data_ptr(), c.size(0), c.size(1), other_weights ? &*other_weights : nullptr};
    r.scalar_type() == at::kDouble
        ? measure_all<uint64_t>(rows, others, bins, reference_groups, current_groups, groups, out)
        : measure_all<uint32_t>(rows, others, bins, reference_groups, current_groups, groups, out);
    return result;
}

}  // namespace

TORCH_LIBRARY_IMPL(within, CPU, m) { m.impl("drift_metrics", &drift_metrics_cpu); }

}  // namespace within
