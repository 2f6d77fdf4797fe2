// Multiclass metrics on the CPU: rows side by side, then classes side by side.
#include "core/torch.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "core/dispatch.h"
#include "metrics/column.h"
#include "metrics/groups.h"
#include "metrics/multiclass.h"
#include "metrics/multiclass_checks.h"
#include "metrics/parallel_sort.h"

namespace within {

using EachRow = void(MulticlassRows&);
using MakeKeys = void(const OvrKeys&);
using MeasureArea = void(const OvrArea&);
WITHIN_KERNEL(EachRow, multiclass_rows)
WITHIN_KERNEL(MakeKeys, multiclass_ovr_keys)
WITHIN_KERNEL(MeasureArea, multiclass_ovr_area)

namespace {

constexpr int64_t kClassesOfTile = 8;  // of which keys are made at once: a line of the cache holds as many doubles

std::tuple<at::Tensor, at::Tensor, at::Tensor> multiclass_rows_cpu(const at::Tensor& probabilities,
                                                                   const at::Tensor& labels) {
    check_multiclass(probabilities, labels);
    const at::Tensor table = probabilities.contiguous(), of = labels.contiguous();
    const int64_t rows = table.size(0), shares = shares_of(rows);
    at::Tensor decisions = at::empty({rows}, of.options()), places = at::empty({rows}, of.options());
    at::Tensor losses = at::empty({rows}, of.options().dtype(at::kDouble));
    MulticlassRows task{};
    task.is_double = table.scalar_type() == at::kDouble;
    task.probabilities = table.const_data_ptr();
    task.labels = of.const_data_ptr<int64_t>();
    task.classes = table.size(1);
    task.decisions = decisions.mutable_data_ptr<int64_t>();
    task.places = places.mutable_data_ptr<int64_t>();
    task.losses = losses.mutable_data_ptr<double>();
    task.refused = -1;
    std::vector<MulticlassRows> tasks(shares, task);
    at::parallel_for(0, shares, 1, [&](int64_t from, int64_t to) {
        for (int64_t s = from; s < to; ++s) {
            tasks[s].begin = rows * s / shares;
            tasks[s].end = rows * (s + 1) / shares;
            multiclass_rows_kernel()(tasks[s]);
        }
    });
    for (const MulticlassRows& share : tasks)
        if (share.refused >= 0) refuse_multiclass_row(table, of, share.refused);
    return {decisions, places, losses};
}

void check_weights(const at::Tensor& weights) {
    const double* const data = weights.const_data_ptr<double>();
    for (int64_t i = 0; i < weights.numel(); ++i)
        if (!(data[i] >= 0 && data[i] <= kMostWeight)) refuse_multiclass_weight(weights, i);
}

// The areas of some classes under all weightings, once for all rows and once for each group.
struct Areas {
    const at::Tensor& table;
    const int64_t* labels;
    const double* weights;  // [rows, weightings]
    int64_t weightings;
    int64_t sets;
    double* out;  // [weightings, sets, classes]

    template <typename Key>
    void measure(int64_t first, int64_t count, const uint32_t* place, const uint32_t* order,
                 const std::vector<int64_t>& start, int64_t first_set) const {
        const int64_t rows = table.size(0), classes = table.size(1), shares = shares_of(rows);
        const Column<Key> keys(rows * count);
        OvrKeys make{};
        make.is_double = table.scalar_type() == at::kDouble;
        make.probabilities = table.const_data_ptr();
        make.labels = labels;
        make.classes = classes;
        make.first = first;
        make.count = count;
        make.rows = rows;
        make.place = place;
        make.keys = keys.data();
        at::parallel_for(0, shares, 1, [&](int64_t from, int64_t to) {
            OvrKeys mine = make;
            mine.begin = rows * from / shares;
            mine.end = rows * to / shares;
            multiclass_ovr_keys_kernel()(mine);
        });
        const int64_t segments = static_cast<int64_t>(start.size()) - 1;
        int64_t largest = 0;
        for (int64_t s = 0; s < segments; ++s) largest = std::max(largest, start[s + 1] - start[s]);
        at::parallel_for(0, count * segments, 1, [&](int64_t from, int64_t to) {
            const int64_t weighed = weights == nullptr ? 0 : largest;
            const Column<Key> key_scratch(largest);
            const Column<uint32_t> rows_of(weighed);
            const Column<uint32_t> row_scratch(weighed);
            const Column<double> weight_scratch(weighed * std::min(weightings, kWeightingsAtOnce));
            for (int64_t t = from; t < to; ++t) {
                const int64_t column = t / segments, segment = t % segments, begin = start[segment];
                OvrArea task{};
                task.is_double = make.is_double;
                task.keys = keys.data() + column * rows + begin;
                task.key_scratch = key_scratch.data();
                task.count = start[segment + 1] - begin;
                task.out = out + (first_set + segment) * classes + first + column;
                task.out_step = sets * classes;
                task.weightings = weightings;
                if (weights != nullptr) {
                    for (int64_t i = 0; i < task.count; ++i)
                        rows_of.data()[i] = order == nullptr ? static_cast<uint32_t>(begin + i) : order[begin + i];
                    task.rows = rows_of.data();
                    task.row_scratch = row_scratch.data();
                    task.weights = weights;
                    task.weight_scratch = weight_scratch.data();
                }
                multiclass_ovr_area_kernel()(task);
            }
        });
    }

    void measure_all(const uint32_t* place, const uint32_t* order, const std::vector<int64_t>& start,
                     int64_t first_set) const {
        const int64_t classes = table.size(1), tile = std::max<int64_t>(kClassesOfTile, at::get_num_threads());
        for (int64_t first = 0; first < classes; first += tile) {
            const int64_t count = std::min(tile, classes - first);
            if (table.scalar_type() == at::kDouble) {
                measure<uint64_t>(first, count, place, order, start, first_set);
            } else {
                measure<uint32_t>(first, count, place, order, start, first_set);
            }
        }
    }
};

at::Tensor multiclass_ovr_areas_cpu(const at::Tensor& probabilities, const at::Tensor& labels,
                                    const std::optional<at::Tensor>& weights, const std::optional<at::Tensor>& groups,
                                    int64_t num_groups) {
    check_multiclass(probabilities, labels);
    check_multiclass_parts(probabilities, weights, groups, num_groups);
    const at::Tensor table = probabilities.contiguous(), of = labels.contiguous();
    const at::Tensor weighed = weights.has_value() ? weights->contiguous() : at::Tensor();
    const int64_t rows = table.size(0), sets = groups.has_value() ? num_groups + 1 : 1;
    const int64_t weightings = weights.has_value() ? weights->size(0) : 1;
    if (weighed.defined()) check_weights(weighed);
    const at::Tensor by_row = weighed.defined() ? weighed.t().contiguous() : at::Tensor();
    at::Tensor result = at::empty({weightings, sets, table.size(1)}, table.options().dtype(at::kDouble));
    const Areas areas{table,
                      of.const_data_ptr<int64_t>(),
                      by_row.defined() ? by_row.const_data_ptr<double>() : nullptr,
                      weightings,
                      sets,
                      result.mutable_data_ptr<double>()};
    if (groups.has_value()) {
        const at::Tensor group = groups->contiguous();
        const GroupedRows grouped = group_rows("multiclass_metrics", group.const_data_ptr<int64_t>(), rows, num_groups);
        std::vector<uint32_t> place(rows);
        for (int64_t i = 0; i < rows; ++i) place[grouped.rows[i]] = static_cast<uint32_t>(i);
        areas.measure_all(place.data(), grouped.rows.data(), grouped.start, 0);
    }
    areas.measure_all(nullptr, nullptr, {0, rows}, sets - 1);
    return result;
}

}  // namespace

TORCH_LIBRARY_IMPL(within, CPU, m) {
    m.impl("multiclass_rows", &multiclass_rows_cpu);
    m.impl("multiclass_ovr_areas", &multiclass_ovr_areas_cpu);
}

}  // namespace within
