// Which units a resample of a bootstrap holds: `size` draws with replacement of `size` units. Draw j of a resample is
// word j of the stream within_wf/runtime/streams.py has for the resample's number, so nothing but the key, that number
// and the number of units decides it.
#pragma once

#include "core/philox.h"

namespace within {

// Counts the draws of one resample; `counts` are zeros.
struct ResampleCounts {
    uint64_t key;  // the stream's two words, the first below
    int64_t resample;
    int64_t size;
    int32_t* counts;
};

// How much each row weighs in one resample: as often as its unit is held, times its own weight.
struct ResampleRows {
    const int64_t* units;
    const double* weights;  // or none
    const int32_t* counts;
    int64_t rows;
    double* out;
};

constexpr int kDrawsOfBlock = 4;

inline namespace WITHIN_ISA {

WITHIN_HOST_DEVICE PhiloxBlock draw_block(uint64_t key, int64_t resample, int64_t block) {
    const uint64_t number = static_cast<uint64_t>(resample);
    return philox(
        {{static_cast<uint32_t>(number), static_cast<uint32_t>(number >> 32), static_cast<uint32_t>(block), 0}},
        {{static_cast<uint32_t>(key), static_cast<uint32_t>(key >> 32)}});
}

// A unit in [0, size) from 32 random bits, by multiplication; size is below 2^32.
WITHIN_HOST_DEVICE uint32_t drawn_unit(uint32_t word, int64_t size) {
    return static_cast<uint32_t>(uint64_t{word} * static_cast<uint32_t>(size) >> 32);
}

}  // namespace WITHIN_ISA
}  // namespace within
