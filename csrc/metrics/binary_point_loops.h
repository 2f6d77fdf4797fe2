// The CPU loops of what each row adds by itself: to the log loss, the Brier score, and its bin.
#pragma once

#include "metrics/binary_loops.h"

namespace within {
inline namespace WITHIN_ISA {

#if defined(WITHIN_AVX512)
constexpr int kVectorBytes = 64;
#elif defined(WITHIN_AVX2)
constexpr int kVectorBytes = 32;
#else
constexpr int kVectorBytes = 16;
#endif
typedef double Doubles __attribute__((vector_size(kVectorBytes)));
typedef uint64_t Words __attribute__((vector_size(kVectorBytes)));
typedef int64_t Masks __attribute__((vector_size(kVectorBytes)));

// A block of rows, and what each adds; where it is not full, what is behind its end means nothing.
struct alignas(64) Points {
    double scores[kBlock];
    int64_t labels[kBlock];  // all bits of those that are 1
    double losses[kBlock];
    double briers[kBlock];

    template <typename Key>
    void compute(const Key* keys, int64_t count) {
        constexpr int64_t kLanes = kVectorBytes / 8;
        for (int64_t i = 0; i < count; ++i) scores[i] = Coded<Key>::score(keys[i]);
        for (int64_t i = 0; i < count; ++i) labels[i] = -static_cast<int64_t>(keys[i] & 1);
        for (int64_t i = count; i % kLanes != 0; ++i) scores[i] = labels[i] = 0;
        for (int64_t i = 0; i < count; i += kLanes) {
            Doubles score, loss, brier;
            Masks label;
            memcpy(&score, scores + i, sizeof score);
            memcpy(&label, labels + i, sizeof label);
            points_of<Key, Words>(score, label, &loss, &brier);
            memcpy(losses + i, &loss, sizeof loss);
            memcpy(briers + i, &brier, sizeof brier);
        }
    }
};

template <typename Key, typename Weight>
void add_points(PartPoints& part, WindowSum& gap, int64_t begin, int64_t end) {
    constexpr bool kIsWeighted = !std::is_same_v<Weight, NoWeights>;
    const Key* const keys = keys_of<Key>(part.rows);
    const Weight* const weights = weights_of<Weight>(part.rows);
    const int base = point_base(part.rows.largest), base_of_loss = loss_base(part.rows.largest);
    Points points;
    int64_t positives = 0;
    for (int64_t from = begin; from < end; from += kBlock) {
        const int64_t count = std::min(kBlock, end - from);
        points.compute(keys + from, count);
        if constexpr (kIsWeighted) {
            double owed[kBlock];
            for (int64_t i = 0; i < count; ++i) {
                const double weight = static_cast<double>(weights[from + i]);
                points.losses[i] *= weight;
                points.briers[i] *= weight;
                points.scores[i] *= weight;
                owed[i] = points.labels[i] != 0 ? -weight : 0.0;
            }
            add_terms(gap, owed, count, base);
        } else {
            for (int64_t i = 0; i < count; ++i) positives -= points.labels[i];
        }
        add_terms(part.loss, points.losses, count, base_of_loss);
        add_terms(part.brier, points.briers, count, base);
        add_terms(gap, points.scores, count, base);
    }
    if constexpr (!kIsWeighted) gap.words -= static_cast<__int128>(positives) << -base;
}

// Rows of one bin lie together: it is looked up once, and where it ends.
template <typename Key, typename Weight>
void add_bins(PartPoints& part) {
    const Key* const keys = keys_of<Key>(part.rows);
    const double step = 1.0 / static_cast<double>(part.bins);
    for (int64_t at = part.begin; at < part.end;) {
        const int64_t bin = bin_of(Coded<Key>::score(keys[at]), part.bins, step);
        int64_t end = part.end;
        if (bin > 0) end = first_below(keys, at, part.end, bound_of_bin(bin, step), true);
        add_points<Key, Weight>(part, part.gaps[bin], at, end);
        at = end;
    }
}

void binary_points(PartPoints& part) {
    clear(part.loss);
    clear(part.brier);
    for (int64_t bin = 0; bin < part.bins; ++bin) clear(part.gaps[bin]);
    with_types(part.rows, [&](auto key, auto weight) { add_bins<decltype(key), decltype(weight)>(part); });
}

}  // namespace WITHIN_ISA
}  // namespace within
