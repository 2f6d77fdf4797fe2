// The logistic loss of pairs within groups: what its kernels are given, and the arithmetic of a pair.
#pragma once

#include "exact/numbers.h"
#include "exact/sum.h"

namespace within {

// Rows are in the order of their groups. Of the format that sums are made in, if not said otherwise.
struct PairLossTask {
    bool is_double;
    const void* scores;
    const void* targets;
    const int64_t* from;  // the first row of a row's group, and the one after the last
    const int64_t* to;
    int64_t begin;
    int64_t end;
    void* out;           // losses of rows, as the higher of their pairs; or gradients
    int64_t* pairs;      // how many these are
    const void* scales;  // what comes in for the rows' losses
};

inline namespace WITHIN_ISA {

// The pair of a row and another of its group.
template <typename L>
struct Pair {
    using Float = typename L::Float;
    using F = Functions<L>;

    WITHIN_HOST_DEVICE static Float loss(Float score, Float target, Float other_score, Float other_target) {
        const Float of_pair = F::softplus(other_score - score);
        return other_target < target ? of_pair : L::all(0);
    }
    WITHIN_HOST_DEVICE static Float gradient(Float score, Float target, Float scale, Float other_score,
                                             Float other_target, Float other_scale) {
        const auto is_higher = other_target < target;
        const Float share = F::sigmoid(is_higher ? other_score - score : score - other_score);
        const Float of_pair = is_higher ? -(share * scale) : share * other_scale;
        return other_target < target ? of_pair : other_target > target ? of_pair : L::all(0);
    }
};

}  // namespace WITHIN_ISA
}  // namespace within
