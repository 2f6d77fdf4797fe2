// The CPU loops of binary metrics.
#pragma once

#include "core/standard.h"
//
#include "metrics/binary.h"
#include "metrics/binary_rows.h"

namespace within {
inline namespace WITHIN_ISA {

constexpr int64_t kBlock = 512;

// ---- reading ----

template <typename Key, typename Score, typename Label>
void encode_rows(GivenRows& rows) {
    const Score* const scores = static_cast<const Score*>(rows.scores);
    const Label* const labels = static_cast<const Label*>(rows.labels);
    Key* const keys = static_cast<Key*>(rows.keys);
    for (int64_t from = rows.begin; from < rows.end; from += kBlock) {
        const int64_t to = std::min(rows.end, from + kBlock);
        int64_t wrong_scores = 0, wrong_labels = 0;
        for (int64_t i = from; i < to; ++i) {
            const Score score = scores[i];
            const bool is_one = labels[i] == Label{1};
            wrong_scores += !((score >= Score{0}) & (score <= Score{1}));
            wrong_labels += !(is_one | (labels[i] == Label{0}));
            keys[i] = Coded<Key>::code(score, is_one);
        }
        for (int64_t i = from; i < to && wrong_scores > 0 && rows.score_at < 0; ++i)
            if (!(scores[i] >= Score{0} && scores[i] <= Score{1})) rows.score_at = i;
        for (int64_t i = from; i < to && wrong_labels > 0 && rows.label_at < 0; ++i)
            if (labels[i] != Label{0} && labels[i] != Label{1}) rows.label_at = i;
    }
}

template <typename Key, typename Score>
void encode_scores(GivenRows& rows) {
    switch (rows.label_type) {
        case Labels::uint8:
            return encode_rows<Key, Score, uint8_t>(rows);
        case Labels::int64:
            return encode_rows<Key, Score, int64_t>(rows);
        case Labels::float32:
            return encode_rows<Key, Score, float>(rows);
        case Labels::float64:
            return encode_rows<Key, Score, double>(rows);
    }
}

template <typename Weight>
void measure_weights(GivenRows& rows) {
    const Weight* const weights = static_cast<const Weight*>(rows.weights);
    uint64_t largest = 0, finest = 0x7ff0000000000000ull, wrong = 0;
    for (int64_t i = rows.begin; i < rows.end; ++i) {
        const double weight = static_cast<double>(weights[i]) + 0.0;
        const uint64_t bits = bits_of(weight), lowest = lowest_bit(weight);
        wrong |= !((weight >= 0) & (weight <= kMostWeight));
        largest = bits > largest ? bits : largest;
        finest = lowest < finest ? lowest : finest;
    }
    rows.largest = double_of(largest);
    rows.finest = double_of(finest);
    for (int64_t i = rows.begin; i < rows.end && wrong != 0 && rows.weight_at < 0; ++i)
        if (!(weights[i] >= Weight{0} && static_cast<double>(weights[i]) <= kMostWeight)) rows.weight_at = i;
}

void binary_encode(GivenRows& rows) {
    rows.score_at = rows.label_at = rows.weight_at = -1;
    if (rows.is_double) {
        encode_scores<uint64_t, double>(rows);
    } else {
        encode_scores<uint32_t, float>(rows);
    }
    rows.largest = rows.finest = 1;
    if (rows.weight_type == Weights::float32) measure_weights<float>(rows);
    if (rows.weight_type == Weights::float64) measure_weights<double>(rows);
}

// ---- weights as integers ----

struct NoWeights {};

// A weight as a multiple of 2^base, which it is.
template <typename Word>
struct UnitsOf;

template <>
struct UnitsOf<int64_t> {
    double scale;
    explicit UnitsOf(int base) : scale(power_of_two(-base)) {}
    int64_t operator()(double weight) const { return static_cast<int64_t>(weight * scale); }
};

template <>
struct UnitsOf<__int128> {
    int base;
    explicit UnitsOf(int base) : base(base) {}
    __int128 operator()(double weight) const { return units_of(weight, base); }
};

template <typename Key>
const Key* keys_of(const SortedRows& rows) {
    return static_cast<const Key*>(rows.keys);
}
template <typename Weight>
const Weight* weights_of(const SortedRows& rows) {
    return static_cast<const Weight*>(rows.weights);
}

// Calls work<Key, Weight>() with the types of the rows.
template <typename Key, typename Work>
void with_weights(const SortedRows& rows, const Work& work) {
    switch (rows.weight_type) {
        case Weights::none:
            return work(Key{}, NoWeights{});
        case Weights::float32:
            return work(Key{}, float{});
        case Weights::float64:
            return work(Key{}, double{});
    }
}

template <typename Work>
void with_types(const SortedRows& rows, const Work& work) {
    if (rows.is_double) return with_weights<uint64_t>(rows, work);
    return with_weights<uint32_t>(rows, work);
}

// ---- sums of weights ----

template <typename Key, typename Weight, typename Word>
void add_masses(const SortedRows& rows, int64_t begin, int64_t end, WindowSum* masses) {
    const Key* const keys = keys_of<Key>(rows);
    Word all = 0, positive = 0;
    if constexpr (std::is_same_v<Weight, NoWeights>) {
        for (int64_t i = begin; i < end; ++i) positive += keys[i] & 1;
        all = end - begin;
    } else {
        const Weight* const weights = weights_of<Weight>(rows);
        const UnitsOf<Word> units(rows.unit_base);
        for (int64_t i = begin; i < end; ++i) {
            const Word weight = units(weights[i]);
            all += weight;
            positive += keys[i] & 1 ? weight : 0;
        }
    }
    masses[1].words += positive;
    masses[0].words += all - positive;
}

template <typename Key, typename Weight>
void add_masses_to_limbs(const SortedRows& rows, int64_t begin, int64_t end, WindowSum* masses) {
    const Key* const keys = keys_of<Key>(rows);
    for (int64_t i = begin; i < end; ++i)
        add_exactly(wide_of(masses[keys[i] & 1]), static_cast<double>(weights_of<Weight>(rows)[i]));
}

template <typename Key, typename Weight>
void masses_of(const SortedRows& rows, int64_t begin, int64_t end, WindowSum* masses) {
    clear(masses[0]);
    clear(masses[1]);
    if constexpr (std::is_same_v<Weight, NoWeights>) {
        add_masses<Key, Weight, int64_t>(rows, begin, end, masses);
    } else {
        switch (rows.units) {
            case Units::words64:
                return add_masses<Key, Weight, int64_t>(rows, begin, end, masses);
            case Units::words128:
                return add_masses<Key, Weight, __int128>(rows, begin, end, masses);
            case Units::limbs:
                return add_masses_to_limbs<Key, Weight>(rows, begin, end, masses);
        }
    }
}

// The first row in [begin, end) whose score is below `score`, or, where `is_open`, is not above it.
template <typename Key>
int64_t first_below(const Key* keys, int64_t begin, int64_t end, double score, bool is_open) {
    while (begin < end) {
        const int64_t middle = begin + (end - begin) / 2;
        const double here = Coded<Key>::score(keys[middle]);
        if (here > score || (here == score && !is_open)) {
            begin = middle + 1;
        } else {
            end = middle;
        }
    }
    return begin;
}

void binary_masses(PartMasses& part) {
    with_types(part.rows, [&](auto key, auto weight) {
        using Key = decltype(key);
        using Weight = decltype(weight);
        const int64_t cut = first_below(keys_of<Key>(part.rows), part.begin, part.end, part.threshold, false);
        masses_of<Key, Weight>(part.rows, part.begin, cut, part.above);
        masses_of<Key, Weight>(part.rows, cut, part.end, part.below);
    });
}

// ---- curves over the thresholds ----

// Whether the row at i is the last of its score.
template <typename Key>
bool ends_tie(const Key* keys, int64_t i, int64_t end) {
    return i + 1 == end || (keys[i] ^ keys[i + 1]) > 1;
}

template <typename Key>
void count_curve(PartCurve& part) {
    const Key* const keys = keys_of<Key>(part.rows);
    const uint64_t positives = static_cast<uint64_t>(part.positives), negatives = static_cast<uint64_t>(part.negatives);
    const int base = precision_base(part.rows.largest);
    int32_t tps[kBlock + 1], counts[kBlock + 1];
    double terms[kBlock];
    int32_t tp = static_cast<int32_t>(part.before[1].words);
    tps[0] = tp;
    counts[0] = static_cast<int32_t>(part.begin - part.slice_begin);
    uint64_t pairs = 0, distance = 0;
    for (int64_t from = part.begin; from < part.end; from += kBlock) {
        const int64_t to = std::min(part.end, from + kBlock);
        int64_t ends = 1;
        for (int64_t i = from; i < to; ++i) {
            tp += static_cast<int32_t>(keys[i] & 1);
            tps[ends] = tp;
            counts[ends] = static_cast<int32_t>(i + 1 - part.slice_begin);
            ends += ends_tie(keys, i, part.end);
        }
        for (int64_t j = 1; j < ends; ++j) {
            const int32_t fp = counts[j] - tps[j], fp_before = counts[j - 1] - tps[j - 1];
            pairs += static_cast<uint64_t>(static_cast<uint32_t>(fp - fp_before)) *
                     (static_cast<uint32_t>(tps[j]) + static_cast<uint32_t>(tps[j - 1]));
            const uint64_t up = static_cast<uint32_t>(tps[j]) * negatives,
                           right = static_cast<uint32_t>(fp) * positives;
            const uint64_t apart = up > right ? up - right : right - up;
            distance = apart > distance ? apart : distance;
            terms[j - 1] = precision_of_counts(tps[j] - tps[j - 1], tps[j], counts[j]);
        }
        add_terms(part.precision, terms, ends - 1, base);
        tps[0] = tps[ends - 1];
        counts[0] = counts[ends - 1];
    }
    part.twice_pairs = pairs;
    part.distance_of_counts = distance;
}

// Weights above each threshold of a block, and what they gained at it.
struct Thresholds {
    double tp[kBlock + 1];  // [0]: above the threshold before the block's
    double fp[kBlock];
    double gained_tp[kBlock];
    double gained_fp[kBlock];
};

inline void add_thresholds(PartCurve& part, Thresholds& at, int64_t count) {
    double area[kBlock], precision[kBlock];
    double distance = part.distance;
    for (int64_t j = 0; j < count; ++j) {
        const CurveTerms terms = curve_terms(at.tp[j + 1], at.fp[j], at.tp[j], at.gained_tp[j], at.gained_fp[j],
                                             part.positives, part.negatives);
        area[j] = terms.area;
        precision[j] = terms.precision;
        distance = terms.distance > distance ? terms.distance : distance;
    }
    part.distance = distance;
    add_terms(part.area, area, count, part.area_base);
    add_terms(part.precision, precision, count, precision_base(part.rows.largest));
    at.tp[0] = at.tp[count];
}

template <typename Key, typename Weight, typename Word>
void weigh_curve(PartCurve& part) {
    const Key* const keys = keys_of<Key>(part.rows);
    const Weight* const weights = weights_of<Weight>(part.rows);
    const UnitsOf<Word> units(part.rows.unit_base);
    const double unit = power_of_two(part.rows.unit_base);
    Word tps[kBlock + 1], alls[kBlock + 1];
    Thresholds at;
    Word tp = static_cast<Word>(part.before[1].words);
    Word all = static_cast<Word>(part.before[0].words) + tp;
    tps[0] = tp;
    alls[0] = all;
    at.tp[0] = nearest(tp) * unit;
    for (int64_t from = part.begin; from < part.end; from += kBlock) {
        const int64_t to = std::min(part.end, from + kBlock);
        int64_t ends = 1;
        for (int64_t i = from; i < to; ++i) {
            const Word weight = units(static_cast<double>(weights[i]));
            all += weight;
            tp += weight & -static_cast<Word>(keys[i] & 1);
            tps[ends] = tp;
            alls[ends] = all;
            ends += ends_tie(keys, i, part.end);
        }
        for (int64_t j = 1; j < ends; ++j) {
            const Word gained = tps[j] - tps[j - 1];
            at.tp[j] = nearest(tps[j]) * unit;
            at.fp[j - 1] = nearest(alls[j] - tps[j]) * unit;
            at.gained_tp[j - 1] = nearest(gained) * unit;
            at.gained_fp[j - 1] = nearest(alls[j] - alls[j - 1] - gained) * unit;
        }
        add_thresholds(part, at, ends - 1);
        tps[0] = tps[ends - 1];
        alls[0] = alls[ends - 1];
    }
}

template <typename Key, typename Weight>
void weigh_curve_in_limbs(PartCurve& part) {
    const Key* const keys = keys_of<Key>(part.rows);
    const Weight* const weights = weights_of<Weight>(part.rows);
    Thresholds at;
    WindowSum* const sums = part.before;
    WindowSum gained[2];
    clear(gained[0]);
    clear(gained[1]);
    at.tp[0] = rounded(sums[1], part.rows.unit_base);
    for (int64_t from = part.begin; from < part.end; from += kBlock) {
        const int64_t to = std::min(part.end, from + kBlock);
        int64_t ends = 0;
        for (int64_t i = from; i < to; ++i) {
            const int label = keys[i] & 1;
            add_exactly(wide_of(gained[label]), static_cast<double>(weights[i]));
            if (!ends_tie(keys, i, part.end)) continue;
            add_exactly(sums[0], gained[0]);
            add_exactly(sums[1], gained[1]);
            at.tp[ends + 1] = rounded(sums[1], part.rows.unit_base);
            at.fp[ends] = rounded(sums[0], part.rows.unit_base);
            at.gained_tp[ends] = rounded(gained[1], part.rows.unit_base);
            at.gained_fp[ends] = rounded(gained[0], part.rows.unit_base);
            clear(gained[0]);
            clear(gained[1]);
            ++ends;
        }
        add_thresholds(part, at, ends);
    }
}

void binary_curve(PartCurve& part) {
    clear(part.area);
    clear(part.precision);
    part.twice_pairs = part.distance_of_counts = 0;
    part.distance = 0;
    with_types(part.rows, [&](auto key, auto weight) {
        using Key = decltype(key);
        using Weight = decltype(weight);
        if constexpr (std::is_same_v<Weight, NoWeights>) {
            count_curve<Key>(part);
        } else {
            switch (part.rows.units) {
                case Units::words64:
                    return weigh_curve<Key, Weight, int64_t>(part);
                case Units::words128:
                    return weigh_curve<Key, Weight, __int128>(part);
                case Units::limbs:
                    return weigh_curve_in_limbs<Key, Weight>(part);
            }
        }
    });
}

}  // namespace WITHIN_ISA
}  // namespace within
