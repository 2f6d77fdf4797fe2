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

// The area under one weighting; `weights` in the order of the keys.
template <typename Key>
double weighted_area(const Key* keys, const double* weights, int64_t count) {
    double largest[2] = {0, 0};
    for (int64_t i = 0; i < count; ++i) {
        const double is_positive = static_cast<double>(static_cast<int32_t>(keys[i] & 1));
        largest[0] = std::max(largest[0], weights[i] * (1 - is_positive));
        largest[1] = std::max(largest[1], weights[i] * is_positive);
    }
    const int base[2] = {fixed_base(largest[0], count), fixed_base(largest[1], count)};
    auto sides_of = [&](int64_t from, int64_t to) {
        Fixed sides[2] = {0, 0};
        for (int64_t i = from; i < to; ++i) sides[keys[i] & 1] += fixed_of(weights[i], base[keys[i] & 1]);
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

// The upper bits of a double's key, by which keys are put in order first: few then have a neighbour of the same, and
// among these stretches the rest is sorted.
constexpr int kSplit = 30;

// Sorts what lies between equal upper bits; `spare` has room for as much.
template <typename Payload>
void sort_lower_bits(const Records<uint64_t, Payload>& sorted, const Records<uint64_t, Payload>& spare, int64_t count) {
    constexpr bool kHasPayload = !std::is_same_v<Payload, NoPayload>;
    for (int64_t from = 0; from < count;) {
        const uint64_t upper = sorted.keys[from] >> kSplit;
        int64_t to = from + 1;
        bool is_sorted = true;
        for (; to < count && sorted.keys[to] >> kSplit == upper; ++to)
            is_sorted &= sorted.keys[to - 1] >> 1 <= sorted.keys[to] >> 1;
        if (!is_sorted) {
            const Records<uint64_t, Payload> run{sorted.keys + from, kHasPayload ? sorted.payload + from : nullptr};
            const Records<uint64_t, Payload> room{spare.keys + from, kHasPayload ? spare.payload + from : nullptr};
            if (sort_records(run, room, to - from, 1, kSplit).keys == room.keys) {
                memcpy(run.keys, room.keys, (to - from) * sizeof(uint64_t));
                if constexpr (kHasPayload) memcpy(run.payload, room.payload, (to - from) * sizeof(Payload));
            }
        }
        from = to;
    }
}

// Sorts by all bits of a probability.
template <typename Key>
Records<Key, NoPayload> sort_probabilities(const OvrArea& task, const Records<Key, NoPayload>& records,
                                           const Records<Key, NoPayload>& scratch) {
    if constexpr (sizeof(Key) == 4) {
        return sort_records(records, scratch, task.count, 1, 1 + kOvrBits32);
    } else {
        const auto sorted = sort_records(records, scratch, task.count, kSplit, 1 + kOvrBits64);
        sort_lower_bits(sorted, sorted.keys == records.keys ? scratch : records, task.count);
        return sorted;
    }
}

// The same with the rows: of a double the upper bits, the label and the place make one number, so that nothing has to
// be carried along; what is below is looked up where it decides.
template <typename Key>
Records<Key, uint32_t> sort_probabilities(const OvrArea& task, const Records<Key, uint32_t>& records,
                                          const Records<Key, uint32_t>& scratch) {
    if constexpr (sizeof(Key) == 4) {
        return sort_records(records, scratch, task.count, 1, 1 + kOvrBits32);
    } else {
        constexpr int kPlaceBits = 30;
        constexpr uint64_t kPlaces = (uint64_t{1} << kPlaceBits) - 1;
        uint64_t* const packed = scratch.keys;
        for (int64_t i = 0; i < task.count; ++i) {
            const uint64_t key = records.keys[i];
            packed[i] = key >> kSplit << (kPlaceBits + 1) | (key & 1) << kPlaceBits | static_cast<uint64_t>(i);
        }
        const Records<uint64_t, NoPayload> room{reinterpret_cast<uint64_t*>(task.weight_scratch), nullptr};
        uint64_t* const keys =
            sort_records<uint64_t, NoPayload>({packed, nullptr}, room, task.count, kPlaceBits + 1, 64).keys;
        for (int64_t i = 0; i < task.count; ++i) {
            const uint64_t upper = keys[i] >> (kPlaceBits + 1);
            const uint64_t place = keys[i] & kPlaces;
            const bool is_alone = (i == 0 || keys[i - 1] >> kSplit != upper) &&
                                  (i + 1 == task.count || keys[i + 1] >> (kPlaceBits + 1) != upper);
            scratch.payload[i] = records.payload[place];
            keys[i] = is_alone ? upper << kSplit | (keys[i] >> kPlaceBits & 1) : records.keys[place];
        }
        const Records<uint64_t, uint32_t> sorted{keys, scratch.payload};
        sort_lower_bits<uint32_t>(sorted, records, task.count);
        if (keys == packed) return sorted;
        memcpy(packed, keys, task.count * sizeof(uint64_t));
        return {packed, scratch.payload};
    }
}

template <typename Key, typename Payload>
void area_of(const OvrArea& task) {
    const Records<Key, Payload> records{static_cast<Key*>(task.keys), reinterpret_cast<Payload*>(task.rows)};
    const Records<Key, Payload> scratch{static_cast<Key*>(task.key_scratch),
                                        reinterpret_cast<Payload*>(task.row_scratch)};
    const Records<Key, Payload> sorted = sort_probabilities(task, records, scratch);
    if constexpr (std::is_same_v<Payload, NoPayload>) {
        const double area = counted_area(sorted.keys, task.count);
        for (int64_t w = 0; w < task.weightings; ++w) task.out[w * task.out_step] = area;
    } else {
        for (int64_t first = 0; first < task.weightings; first += kWeightingsAtOnce) {
            const int64_t lanes = std::min(kWeightingsAtOnce, task.weightings - first);
            for (int64_t i = 0; i < task.count; ++i) {
                const double* const of_row = task.weights + sorted.payload[i] * task.weightings + first;
                for (int64_t lane = 0; lane < lanes; ++lane) task.weight_scratch[lane * task.count + i] = of_row[lane];
            }
            for (int64_t lane = 0; lane < lanes; ++lane)
                task.out[(first + lane) * task.out_step] =
                    weighted_area(sorted.keys, task.weight_scratch + lane * task.count, task.count);
        }
    }
}

void multiclass_ovr_area(const OvrArea& task) {
    if (task.is_double) {
        task.weights == nullptr ? area_of<uint64_t, NoPayload>(task) : area_of<uint64_t, uint32_t>(task);
    } else {
        task.weights == nullptr ? area_of<uint32_t, NoPayload>(task) : area_of<uint32_t, uint32_t>(task);
    }
}

}  // namespace WITHIN_ISA
}  // namespace within
