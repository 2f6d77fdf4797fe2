// The CPU loops of multiclass metrics.
#pragma once

#include "core/standard.h"
//
#include "metrics/multiclass.h"
#include "metrics/ranked_area.h"
#include "metrics/sort.h"

namespace within {
inline namespace WITHIN_ISA {

template <typename T>
void rows_of(MulticlassRows& task) {
    constexpr int64_t kRows = 256;
    alignas(64) double clipped[kRows];
    const T* const probabilities = static_cast<const T*>(task.probabilities);
    const int64_t classes = task.classes;
    for (int64_t from = task.begin; from < task.end; from += kRows) {
        const int64_t to = std::min(from + kRows, task.end);
        for (int64_t i = from; i < to; ++i) {
            const T* const row = probabilities + i * classes;
            const int64_t label = task.labels[i];
            bool is_right = static_cast<uint64_t>(label) < static_cast<uint64_t>(classes);
            for (int64_t c = 0; c < classes; ++c) is_right &= is_probability(row[c]);
            if (!is_right) {
                task.refused = i;
                return;
            }
            task.decisions[i] = decided_class(row, classes);
            task.places[i] = place_of_label(row, classes, label);
            clipped[i - from] = clipped_probability(row[label]);
        }
        for (int64_t i = from; i < to; ++i) task.losses[i] = loss_of(clipped[i - from]);
    }
}

void multiclass_rows(MulticlassRows& task) { task.is_double ? rows_of<double>(task) : rows_of<float>(task); }

template <typename T>
void keys_of(const OvrKeys& task) {
    using Key = std::conditional_t<std::is_same_v<T, double>, uint64_t, uint32_t>;
    constexpr int64_t kRows = 64;
    const T* const probabilities = static_cast<const T*>(task.probabilities) + task.first;
    Key* const keys = static_cast<Key*>(task.keys);
    for (int64_t from = task.begin; from < task.end; from += kRows) {
        const int64_t to = std::min(from + kRows, task.end);
        for (int64_t c = 0; c < task.count; ++c) {
            Key* const column = keys + c * task.rows;
            for (int64_t i = from; i < to; ++i) {
                const int64_t at = task.place == nullptr ? i : task.place[i];
                column[at] = ovr_key(probabilities[i * task.classes + c], task.labels[i] == task.first + c);
            }
        }
    }
}

void multiclass_ovr_keys(const OvrKeys& task) { task.is_double ? keys_of<double>(task) : keys_of<float>(task); }

// Calls tie(from, to) for each stretch of equal probabilities, upwards.
template <typename Key, typename Tie>
void walk_ties(const Key* keys, int64_t count, const Tie& tie) {
    for (int64_t from = 0; from < count;) {
        int64_t to = from + 1;
        while (to < count && keys[to] >> 1 == keys[from] >> 1) ++to;
        tie(from, to);
        from = to;
    }
}

template <typename Key>
double counted_area(const Key* keys, int64_t count) {
    CountedArea area{};
    walk_ties(keys, count, [&](int64_t from, int64_t to) {
        uint64_t positives = 0;
        for (int64_t i = from; i < to; ++i) positives += keys[i] & 1;
        add_tie(area, positives, static_cast<uint64_t>(to - from) - positives);
    });
    return finish_area(area);
}

template <typename Key>
double weighted_area(const Key* keys, const uint32_t* rows, int64_t count, const double* weights) {
    double largest[2] = {0, 0};
    for (int64_t i = 0; i < count; ++i) {
        double& of_side = largest[keys[i] & 1];
        of_side = std::max(of_side, weights[rows[i]]);
    }
    const int base[2] = {fixed_base(largest[0], count), fixed_base(largest[1], count)};
    auto sides_of = [&](int64_t from, int64_t to) {
        Fixed sides[2] = {0, 0};
        for (int64_t i = from; i < to; ++i) sides[keys[i] & 1] += fixed_of(weights[rows[i]], base[keys[i] & 1]);
        return Sides{sides[1], sides[0]};
    };
    const Sides total = sides_of(0, count);
    if (total.positive == 0 || total.negative == 0) return finish_area(0, total, 1);
    const double scale = scale_of_pairs(total);
    Sides before{0, 0};
    Fixed pairs = 0;
    walk_ties(keys, count, [&](int64_t from, int64_t to) {
        const Sides tie = sides_of(from, to);
        pairs += weighted_pairs(before, tie, scale);
        before.negative += tie.negative;
    });
    return finish_area(pairs, total, scale);
}

template <typename Key, typename Payload>
void area_of(const OvrArea& task, int bits) {
    const Records<Key, Payload> records{static_cast<Key*>(task.keys), reinterpret_cast<Payload*>(task.rows)};
    const Records<Key, Payload> scratch{static_cast<Key*>(task.key_scratch),
                                        reinterpret_cast<Payload*>(task.row_scratch)};
    const Records<Key, Payload> sorted = sort_records(records, scratch, task.count, 1, 1 + bits);
    if constexpr (std::is_same_v<Payload, NoPayload>) {
        const double area = counted_area(sorted.keys, task.count);
        for (int64_t w = 0; w < task.weightings; ++w) task.out[w * task.out_step] = area;
    } else {
        for (int64_t w = 0; w < task.weightings; ++w)
            task.out[w * task.out_step] =
                weighted_area(sorted.keys, sorted.payload, task.count, task.weights + w * task.weight_step);
    }
}

void multiclass_ovr_area(const OvrArea& task) {
    if (task.is_double) {
        task.weights == nullptr ? area_of<uint64_t, NoPayload>(task, kOvrBits64)
                                : area_of<uint64_t, uint32_t>(task, kOvrBits64);
    } else {
        task.weights == nullptr ? area_of<uint32_t, NoPayload>(task, kOvrBits32)
                                : area_of<uint32_t, uint32_t>(task, kOvrBits32);
    }
}

}  // namespace WITHIN_ISA
}  // namespace within
