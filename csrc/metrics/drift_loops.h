// The CPU loops of drift.
#pragma once

#include "core/standard.h"
//
#include "metrics/drift.h"
#include "metrics/drift_rows.h"
#include "metrics/sort.h"

namespace within {
inline namespace WITHIN_ISA {

template <typename T, typename Key>
void take_column(DriftColumn& task) {
    const T* const values = static_cast<const T*>(task.values);
    Key* const keys = static_cast<Key*>(task.keys);
    int64_t bad = 0;
    if (task.step == 1) {
        for (int64_t i = task.begin; i < task.end; ++i) {
            bad += values[i] - values[i] == 0 ? 0 : 1;
            keys[i] = ordered_bits(values[i]);
        }
    } else {
        for (int64_t i = task.begin; i < task.end; ++i) {
            const T value = values[i * task.step];
            bad += value - value == 0 ? 0 : 1;
            keys[i] = ordered_bits(value);
        }
    }
    for (int64_t i = task.begin; bad != 0 && i < task.end; ++i) {
        if (is_finite(static_cast<double>(values[i * task.step]))) continue;
        task.bad_row = i;
        return;
    }
}

void drift_take(DriftColumn& task) {
    return task.is_double ? take_column<double, uint64_t>(task) : take_column<float, uint32_t>(task);
}

constexpr int64_t kSteps = 512;

// The steps of both distribution functions, in blocks: at x the functions are `by` apart (times both counts), or
// `apart`, until the next x.
template <typename Key>
struct DriftBlock {
    Key x[kSteps + 1];
    int64_t by[kSteps];
    double apart[kSteps];
    double terms[kSteps];
};

template <typename Key, bool is_weighted>
void add_block(DriftWalk& walk, DriftBlock<Key>& block, int64_t count, double per_row) {
    double largest = 0, farthest = 0;
    uint64_t farthest_by = 0;
    for (int64_t k = 0; k < count; ++k) {
        const bool is_last = block.x[k + 1] != block.x[k];  // of equal ones
        double apart;
        if constexpr (is_weighted) {
            apart = is_last ? block.apart[k] : 0;
            farthest = apart > farthest ? apart : farthest;
        } else {
            const int64_t by = is_last ? (block.by[k] < 0 ? -block.by[k] : block.by[k]) : 0;
            farthest_by = static_cast<uint64_t>(by) > farthest_by ? static_cast<uint64_t>(by) : farthest_by;
            apart = apart_of(by, per_row);
        }
        block.terms[k] = area_of(apart, number_of(block.x[k]), number_of(block.x[k + 1]));
        largest = block.terms[k] > largest ? block.terms[k] : largest;
    }
    walk.farthest = std::max(walk.farthest, farthest);
    walk.farthest_by = std::max(walk.farthest_by, farthest_by);
    if (largest > 0) add_terms(walk.distance, block.terms, count, base_below(largest));
}

template <typename Key, bool is_weighted>
void walk_both(DriftWalk& walk) {
    const Key* const reference = static_cast<const Key*>(walk.reference.keys);
    const Key* const current = static_cast<const Key*>(walk.current.keys);
    const int64_t rows = walk.reference.count, other_rows = walk.current.count;
    const double per_row = per_row_of(rows, other_rows);
    int64_t i = walk.begin, j = walk.other_begin;
    int64_t by = i * other_rows - j * rows;
    DriftBlock<Key> block;
    while (i < walk.end || j < walk.other_end) {
        int64_t count = 0;
        for (; count < kSteps && (i < walk.end || j < walk.other_end); ++count) {
            const Key a = reference[i], b = current[j];
            const int64_t is_a = a <= b, is_b = b <= a;
            block.x[count] = is_a ? a : b;
            i += is_a;
            j += is_b;
            if constexpr (is_weighted) {
                const double apart = walk.reference.shares[i] - walk.current.shares[j];
                block.apart[count] = apart < 0 ? -apart : apart;
            } else {
                by += (is_a ? other_rows : 0) - (is_b ? rows : 0);
                block.by[count] = by;
            }
        }
        block.x[count] = std::min(reference[i], current[j]);
        add_block<Key, is_weighted>(walk, block, count, per_row);
    }
}

void drift_walk(DriftWalk& walk) {
    const bool is_weighted = walk.reference.shares != nullptr;
    if (walk.is_double) return is_weighted ? walk_both<uint64_t, true>(walk) : walk_both<uint64_t, false>(walk);
    return is_weighted ? walk_both<uint32_t, true>(walk) : walk_both<uint32_t, false>(walk);
}

}  // namespace WITHIN_ISA
}  // namespace within
