// The CPU loops of a bootstrap's resamples.
#pragma once

#include "core/standard.h"
//
#include "metrics/resample.h"

namespace within {
inline namespace WITHIN_ISA {

void resample_counts(const ResampleCounts& task) {
    constexpr int64_t kBlocks = 64;
    alignas(64) uint32_t units[kDrawsOfBlock][kBlocks];
    const int64_t blocks = (task.size + kDrawsOfBlock - 1) / kDrawsOfBlock;
    for (int64_t first = 0; first < blocks; first += kBlocks) {
        // The last blocks may draw more than is counted.
        for (int64_t b = 0; b < kBlocks; ++b) {
            const PhiloxBlock drawn = draw_block(task.key, task.resample, first + b);
            for (int word = 0; word < kDrawsOfBlock; ++word) units[word][b] = drawn_unit(drawn.words[word], task.size);
        }
        const int64_t whole = std::min(kBlocks, task.size / kDrawsOfBlock - first);
        for (int64_t b = 0; b < whole; ++b)
            for (int word = 0; word < kDrawsOfBlock; ++word) ++task.counts[units[word][b]];
        if (whole < kBlocks && first + whole < blocks)
            for (int word = 0; word < task.size % kDrawsOfBlock; ++word) ++task.counts[units[word][whole]];
    }
}

void resample_rows(const ResampleRows& task) {
    if (task.weights == nullptr) {
        for (int64_t i = 0; i < task.rows; ++i) task.out[i] = task.counts[task.units[i]];
        return;
    }
    for (int64_t i = 0; i < task.rows; ++i) task.out[i] = task.weights[i] * task.counts[task.units[i]];
}

}  // namespace WITHIN_ISA
}  // namespace within
