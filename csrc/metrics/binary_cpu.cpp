// Binary metrics on the CPU: rows are read into keys, sorted whole and group by group, and walked through in parts.
#include "core/torch.h"

#include <cmath>
#include <vector>

#include "core/dispatch.h"
#include "metrics/binary.h"
#include "metrics/binary_checks.h"
#include "metrics/binary_rows.h"
#include "metrics/column.h"
#include "metrics/groups.h"
#include "metrics/parallel_sort.h"

namespace within {

using Encode = void(GivenRows&);
using AddMasses = void(PartMasses&);
using FollowCurve = void(PartCurve&);
using AddPoints = void(PartPoints&);
WITHIN_KERNEL(Encode, binary_encode)
WITHIN_KERNEL(AddMasses, binary_masses)
WITHIN_KERNEL(FollowCurve, binary_curve)
WITHIN_KERNEL(AddPoints, binary_points)

namespace {

// What all is asked of each slice.
struct Question {
    double threshold;
    int64_t bins;
};

// Sums that the whole has from its groups, or from its parts.
struct Accumulated {
    WindowSum above[2], below[2], loss, brier;
    std::vector<WindowSum> gaps;

    explicit Accumulated(int64_t bins) : gaps(bins) { reset(); }
    void reset() {
        for (WindowSum* sum : {&above[0], &above[1], &below[0], &below[1], &loss, &brier}) clear(*sum);
        for (WindowSum& gap : gaps) clear(gap);
    }
    void add(const Accumulated& other) {
        for (int label = 0; label < 2; ++label) {
            add_exactly(above[label], other.above[label]);
            add_exactly(below[label], other.below[label]);
        }
        add_exactly(loss, other.loss);
        add_exactly(brier, other.brier);
        for (size_t bin = 0; bin < gaps.size(); ++bin) add_exactly(gaps[bin], other.gaps[bin]);
    }
};

Masses masses_of(const SortedRows& rows, const Accumulated& sums) {
    WindowSum positives = sums.above[1], negatives = sums.above[0], total;
    add_exactly(positives, sums.below[1]);
    add_exactly(negatives, sums.below[0]);
    total = positives;
    add_exactly(total, negatives);
    const int base = rows.unit_base;
    return {rounded(positives, base),     rounded(negatives, base),     rounded(total, base),
            rounded(sums.above[1], base), rounded(sums.above[0], base), rounded(sums.below[1], base),
            rounded(sums.below[0], base)};
}

PointSums points_of(const SortedRows& rows, const Accumulated& sums) {
    double gap = 0;
    for (const WindowSum& of_bin : sums.gaps) gap += std::abs(rounded(of_bin, point_base(rows.largest)));
    return {rounded(sums.loss, loss_base(rows.largest)), rounded(sums.brier, point_base(rows.largest)), gap};
}

// Where parts of about equal size begin that no tie crosses.
template <typename Key>
std::vector<int64_t> cut_between_ties(const Key* keys, int64_t begin, int64_t end) {
    const int64_t parts = shares_of(end - begin);
    std::vector<int64_t> cuts = {begin};
    for (int64_t p = 1; p < parts; ++p) {
        const int64_t at = std::max(cuts.back(), begin + (end - begin) * p / parts);
        cuts.push_back(at == begin ? begin : std::upper_bound(keys + at, keys + end, keys[at - 1] | 1) - keys);
    }
    cuts.push_back(end);
    return cuts;
}

// One slice, in the order of its keys: [begin, end) of `rows`.
struct Slice {
    SortedRows rows;
    int64_t begin;
    int64_t end;
    std::vector<int64_t> cuts;
    std::vector<PartMasses> masses;

    int64_t parts() const { return static_cast<int64_t>(cuts.size()) - 1; }

    template <typename Work>
    void for_each_part(const Work& work) const {
        if (parts() == 1) return work(0);
        at::parallel_for(0, parts(), 1, [&](int64_t from, int64_t to) {
            for (int64_t p = from; p < to; ++p) work(p);
        });
    }

    void weigh(double threshold) {
        masses.resize(parts());
        AddMasses* const add = binary_masses_kernel();
        for_each_part([&](int64_t p) {
            PartMasses& part = masses[p];
            part.rows = rows;
            part.begin = cuts[p];
            part.end = cuts[p + 1];
            part.threshold = threshold;
            add(part);
        });
    }

    Ranking rank(const Masses& whole) const {
        if (!(whole.positives > 0)) return {0, 0, 0};
        std::vector<PartCurve> curves(parts());
        WindowSum before[2];
        clear(before[0]);
        clear(before[1]);
        for (int64_t p = 0; p < parts(); ++p) {
            PartCurve& part = curves[p];
            part.rows = rows;
            part.slice_begin = begin;
            part.begin = cuts[p];
            part.end = cuts[p + 1];
            part.positives = whole.positives;
            part.negatives = whole.negatives;
            part.area_base = area_base(rows.largest, whole.total);
            for (int label = 0; label < 2; ++label) {
                part.before[label] = before[label];
                add_exactly(before[label], masses[p].above[label]);
                add_exactly(before[label], masses[p].below[label]);
            }
        }
        FollowCurve* const follow = binary_curve_kernel();
        for_each_part([&](int64_t p) { follow(curves[p]); });
        PartCurve& all = curves[0];
        for (int64_t p = 1; p < parts(); ++p) {
            add_exactly(all.area, curves[p].area);
            add_exactly(all.precision, curves[p].precision);
            all.twice_pairs += curves[p].twice_pairs;
            all.distance = std::max(all.distance, curves[p].distance);
            all.distance_of_counts = std::max(all.distance_of_counts, curves[p].distance_of_counts);
        }
        const double precision = rounded(all.precision, precision_base(rows.largest));
        if (rows.weight_type == Weights::none)
            return ranking_of_counts(all.twice_pairs, all.distance_of_counts, precision, whole);
        return {rounded(all.area, all.area_base), precision / whole.positives, all.distance};
    }

    void add_masses(Accumulated& sums) const {
        for (const PartMasses& part : masses) {
            for (int label = 0; label < 2; ++label) {
                add_exactly(sums.above[label], part.above[label]);
                add_exactly(sums.below[label], part.below[label]);
            }
        }
    }

    void add_points(std::vector<Accumulated>& of_parts) const {
        AddPoints* const add = binary_points_kernel();
        for_each_part([&](int64_t p) {
            Accumulated& sums = of_parts[p];
            PartPoints part;
            part.rows = rows;
            part.begin = cuts[p];
            part.end = cuts[p + 1];
            part.bins = static_cast<int64_t>(sums.gaps.size());
            part.gaps = sums.gaps.data();
            add(part);
            sums.loss = part.loss;
            sums.brier = part.brier;
        });
    }
};

// One call: Key and Payload are what is sorted.
template <typename Key, typename Payload>
class Call {
  public:
    Call(SortedRows like, Question question) : like_(like), question_(question) {}

    // Writes the metrics of a slice, and adds its sums to `whole`. `own` has one of each for every part there may be.
    void write_slice(const Records<Key, Payload>& sorted, int64_t begin, int64_t end, std::vector<Accumulated>& own,
                     Accumulated* whole, double* out) const {
        Slice slice = slice_of(sorted, begin, end);
        slice.weigh(question_.threshold);
        while (static_cast<int64_t>(own.size()) < slice.parts()) own.emplace_back(question_.bins);
        for (int64_t p = 0; p < slice.parts(); ++p) own[p].reset();
        slice.add_points(own);
        for (int64_t p = 1; p < slice.parts(); ++p) own[0].add(own[p]);
        slice.add_masses(own[0]);
        const Masses masses = masses_of(slice.rows, own[0]);
        write_metrics(slice.rank(masses), masses, points_of(slice.rows, own[0]), out);
        if (whole != nullptr) whole->add(own[0]);
    }

    // The same where the sums are known.
    void write_whole(const Records<Key, Payload>& sorted, int64_t rows, const Accumulated& sums, double* out) const {
        Slice slice = slice_of(sorted, 0, rows);
        slice.weigh(question_.threshold);
        const Masses masses = masses_of(slice.rows, sums);
        write_metrics(slice.rank(masses), masses, points_of(slice.rows, sums), out);
    }

    // Sorts each group by itself, in `grouped` at the end, and writes its metrics.
    void write_groups(const Records<Key, Payload>& grouped, const Records<Key, Payload>& scratch,
                      const std::vector<int64_t>& start, Accumulated& whole, double* out) const {
        const int64_t groups = static_cast<int64_t>(start.size()) - 1, rows = start.back();
        const int64_t shares = shares_of(rows);
        const int64_t large = std::max(kRowsOfShare, rows / shares / 2);
        std::vector<Accumulated> own;
        for (int64_t g = 0; g < groups; ++g) {
            if (shares == 1 || start[g + 1] - start[g] <= large) continue;
            const int64_t count = start[g + 1] - start[g];
            const auto here = at(grouped, start[g]);
            const auto sorted =
                sort_in_parallel(here, at(scratch, start[g]), count, Coded<Key>::kFirstBit, Coded<Key>::kLastBit);
            write_slice(sorted, 0, count, own, &whole, out + g * kMetrics);
            bring(sorted, count, here);
        }
        std::vector<Accumulated> sums(shares, Accumulated(question_.bins));
        at::parallel_for(0, shares, 1, [&](int64_t from, int64_t to) {
            std::vector<Accumulated> own;
            for (int64_t s = from; s < to; ++s) {
                // Groups that begin in this share of the rows; empty ones at the very end belong to the last.
                const int64_t last_row = rows * (s + 1) / shares;
                for (int64_t g = std::lower_bound(start.begin(), start.end() - 1, rows * s / shares) - start.begin();
                     g < groups && (start[g] < last_row || s + 1 == shares); ++g) {
                    const int64_t count = start[g + 1] - start[g];
                    if (shares > 1 && count > large) continue;
                    const auto here = at(grouped, start[g]);
                    const auto sorted =
                        sort_records(here, at(scratch, start[g]), count, Coded<Key>::kFirstBit, Coded<Key>::kLastBit);
                    write_slice(sorted, 0, count, own, &sums[s], out + g * kMetrics);
                    bring(sorted, count, here);
                }
            }
        });
        for (const Accumulated& sum : sums) whole.add(sum);
    }

  private:
    static Records<Key, Payload> at(const Records<Key, Payload>& records, int64_t row) {
        return {records.keys + row, records.payload == nullptr ? nullptr : records.payload + row};
    }

    static void bring(const Records<Key, Payload>& from, int64_t count, const Records<Key, Payload>& to) {
        if (from.keys == to.keys) return;
        std::copy(from.keys, from.keys + count, to.keys);
        if constexpr (!std::is_same_v<Payload, NoPayload>) std::copy(from.payload, from.payload + count, to.payload);
    }

    Slice slice_of(const Records<Key, Payload>& sorted, int64_t begin, int64_t end) const {
        Slice slice{like_, begin, end, cut_between_ties(sorted.keys, begin, end), {}};
        slice.rows.keys = sorted.keys;
        slice.rows.weights = sorted.payload;
        return slice;
    }

    SortedRows like_;
    Question question_;
};

Labels label_type_of(const at::Tensor& labels) {
    switch (labels.scalar_type()) {
        case at::kLong:
            return Labels::int64;
        case at::kFloat:
            return Labels::float32;
        case at::kDouble:
            return Labels::float64;
        default:
            return Labels::uint8;
    }
}

// Reads rows into keys on all threads and refuses what is not as it must be; gives what weights are counted in.
SortedRows read_rows(const at::Tensor& scores, const at::Tensor& labels, const std::optional<at::Tensor>& weights,
                     void* keys) {
    GivenRows like{};
    like.is_double = scores.scalar_type() == at::kDouble;
    like.label_type = label_type_of(labels);
    like.weight_type = !weights                                ? Weights::none
                       : weights->scalar_type() == at::kDouble ? Weights::float64
                                                               : Weights::float32;
    like.scores = scores.const_data_ptr();
    like.labels = labels.const_data_ptr();
    like.weights = weights ? weights->const_data_ptr() : nullptr;
    like.keys = keys;
    const int64_t rows = scores.size(0), shares = shares_of(rows);
    std::vector<GivenRows> parts(shares, like);
    Encode* const encode = binary_encode_kernel();
    at::parallel_for(0, shares, 1, [&](int64_t from, int64_t to) {
        for (int64_t s = from; s < to; ++s) {
            parts[s].begin = rows * s / shares;
            parts[s].end = rows * (s + 1) / shares;
            encode(parts[s]);
        }
    });
    GivenRows all = parts[0];
    for (const GivenRows& part : parts) {
        if (all.score_at < 0) all.score_at = part.score_at;
        if (all.label_at < 0) all.label_at = part.label_at;
        if (all.weight_at < 0) all.weight_at = part.weight_at;
        all.largest = std::max(all.largest, part.largest);
        all.finest = std::min(all.finest, part.finest);
    }
    if (all.score_at >= 0) refuse_score(all.score_at, scores[all.score_at].item<double>());
    if (all.label_at >= 0) refuse_label(all.label_at, labels[all.label_at].item<double>());
    if (all.weight_at >= 0) refuse_weight(all.weight_at, (*weights)[all.weight_at].item<double>());
    SortedRows sorted{};
    sorted.is_double = like.is_double;
    sorted.weight_type = like.weight_type;
    sorted.largest = all.largest;
    sorted.units = Units::words64;
    if (!weights || !(all.largest > 0)) return sorted;
    const WeightUnits units = units_for(all.largest, all.finest, rows);
    sorted.units = units.units;
    sorted.unit_base = units.base;
    return sorted;
}

template <typename Key, typename Payload>
Records<Key, Payload> sorted_whole(const Records<Key, Payload>& records, const Records<Key, Payload>& scratch,
                                   int64_t rows) {
    return sort_in_parallel(records, scratch, rows, Coded<Key>::kFirstBit, Coded<Key>::kLastBit);
}

template <typename Key, typename Payload>
void write_all(const at::Tensor& scores, const at::Tensor& labels, const std::optional<at::Tensor>& weights,
               const std::optional<at::Tensor>& groups, int64_t num_groups, const Question& question, double* out) {
    constexpr bool kIsWeighted = !std::is_same_v<Payload, NoPayload>;
    const int64_t rows = scores.size(0);
    Column<Key> keys(rows), more_keys(rows);
    Column<Payload> payload(kIsWeighted ? rows : 0), more_payload(kIsWeighted ? rows : 0);
    const SortedRows like = read_rows(scores, labels, weights, keys.data());
    const Call<Key, Payload> call(like, question);
    const Records<Key, Payload> records{keys.data(), payload.data()}, others{more_keys.data(), more_payload.data()};
    const Payload* const given = weights ? static_cast<const Payload*>(weights->const_data_ptr()) : nullptr;
    if (!groups) {
        if constexpr (kIsWeighted) {
            at::parallel_for(0, rows, kRowsOfShare, [&](int64_t begin, int64_t end) {
                std::copy(given + begin, given + end, payload.data() + begin);
            });
        }
        std::vector<Accumulated> own;
        call.write_slice(sorted_whole(records, others, rows), 0, rows, own, nullptr, out);
        return;
    }
    const std::vector<int64_t> start = move_by_group("binary_metrics", groups->const_data_ptr<int64_t>(), rows,
                                                     num_groups, [&](int64_t row, int64_t place) {
                                                         others.keys[place] = records.keys[row];
                                                         if constexpr (kIsWeighted) others.payload[place] = given[row];
                                                     });
    Accumulated whole(question.bins);
    call.write_groups(others, records, start, whole, out);
    call.write_whole(sorted_whole(others, records, rows), rows, whole, out + num_groups * kMetrics);
}

template <typename Key>
void write_for_weights(const at::Tensor& scores, const at::Tensor& labels, const std::optional<at::Tensor>& weights,
                       const std::optional<at::Tensor>& groups, int64_t num_groups, const Question& question,
                       double* out) {
    if (!weights) return write_all<Key, NoPayload>(scores, labels, weights, groups, num_groups, question, out);
    if (weights->scalar_type() == at::kFloat)
        return write_all<Key, float>(scores, labels, weights, groups, num_groups, question, out);
    return write_all<Key, double>(scores, labels, weights, groups, num_groups, question, out);
}

at::Tensor binary_metrics_cpu(const at::Tensor& scores, const at::Tensor& labels,
                              const std::optional<at::Tensor>& weights, const std::optional<at::Tensor>& groups,
                              int64_t num_groups, double threshold, int64_t bins) {
    check_binary(scores, labels, weights, groups, num_groups, threshold, bins);
    at::Tensor result = at::empty({num_groups + 1, kMetrics}, scores.options().dtype(at::kDouble));
    const at::Tensor of_rows = scores.contiguous(), label_of = readable_labels(labels);
    std::optional<at::Tensor> weight_of, group_of;
    if (weights) weight_of = weights->contiguous();
    if (groups) group_of = groups->contiguous();
    double* const out = result.mutable_data_ptr<double>();
    const Question question = {threshold, bins};
    if (scores.scalar_type() == at::kDouble) {
        write_for_weights<uint64_t>(of_rows, label_of, weight_of, group_of, num_groups, question, out);
    } else {
        write_for_weights<uint32_t>(of_rows, label_of, weight_of, group_of, num_groups, question, out);
    }
    return result;
}

}  // namespace

TORCH_LIBRARY_IMPL(within, CPU, m) { m.impl("binary_metrics", &binary_metrics_cpu); }

}  // namespace within
