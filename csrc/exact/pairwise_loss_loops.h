// The CPU loops of the logistic loss of pairs.
#pragma once

#include "core/standard.h"
//
#include "exact/pairwise_loss.h"

namespace within {
inline namespace WITHIN_ISA {

template <typename T>
void pair_losses(const PairLossTask& task) {
    using Many = ManyLanes<T>;
    using One = OneLane<T>;
    const T *const scores = static_cast<const T*>(task.scores), *const targets = static_cast<const T*>(task.targets);
    for (int64_t row = task.begin; row < task.end; ++row) {
        const int64_t from = task.from[row], count = task.to[row] - from;
        const T score = scores[row], target = targets[row];
        int64_t pairs = 0;
        for (int64_t other = from; other < from + count; ++other) pairs += targets[other] < target;
        task.pairs[row] = pairs;
        const T sum = sum_of<Many>(
            count,
            [&](int64_t i) {
                return Pair<Many>::loss(Many::all(score), Many::all(target), Many::load(scores + from + i),
                                        Many::load(targets + from + i));
            },
            [&](int64_t i) { return Pair<One>::loss(score, target, scores[from + i], targets[from + i]); });
        static_cast<T*>(task.out)[row] = Functions<One>::canonical(sum);
    }
}

template <typename T>
void pair_gradients(const PairLossTask& task) {
    using Many = ManyLanes<T>;
    using One = OneLane<T>;
    const T *const scores = static_cast<const T*>(task.scores), *const targets = static_cast<const T*>(task.targets);
    const T* const scales = static_cast<const T*>(task.scales);
    for (int64_t row = task.begin; row < task.end; ++row) {
        const int64_t from = task.from[row];
        const T score = scores[row], target = targets[row], scale = scales[row];
        const T sum = sum_of<Many>(
            task.to[row] - from,
            [&](int64_t i) {
                return Pair<Many>::gradient(Many::all(score), Many::all(target), Many::all(scale),
                                            Many::load(scores + from + i), Many::load(targets + from + i),
                                            Many::load(scales + from + i));
            },
            [&](int64_t i) {
                return Pair<One>::gradient(score, target, scale, scores[from + i], targets[from + i], scales[from + i]);
            });
        static_cast<T*>(task.out)[row] = Functions<One>::canonical(sum);
    }
}

void pair_loss_rows(const PairLossTask& task) { task.is_double ? pair_losses<double>(task) : pair_losses<float>(task); }

void pair_loss_gradients(const PairLossTask& task) {
    task.is_double ? pair_gradients<double>(task) : pair_gradients<float>(task);
}

}  // namespace WITHIN_ISA
}  // namespace within
