// What the kernels of dropout are given, and which numbers are kept.
//
// Mask m of a sample is word m % 4 of Philox's block (id's lower half, id's upper half, m / 4, step) under a key: the
// words that within_wf/runtime/streams.py draws for the sample. It stands for `shared` neighbouring numbers, which are
// kept, and scaled, where the word is not below the threshold; others are +0.
#pragma once

#include <cmath>

#include "core/dtype.h"
#include "core/lanes.h"
#include "core/philox.h"

namespace within {

struct DropoutTask {
    Dtype dtype;
    const void* x;
    const int64_t* sample_ids;  // null: their numbers, from 0
    int64_t row;                // numbers of a sample
    int64_t shared;
    uint32_t threshold;
    double scale;
    PhiloxKey key;
    uint32_t step;
    int64_t begin;  // blocks of all samples, those of the first before those of the second
    int64_t end;
    void* out;

    int64_t masks() const { return row / shared; }
    int64_t blocks() const { return (masks() + 3) / 4; }
};

inline namespace WITHIN_ISA {

WITHIN_HOST_DEVICE PhiloxBlock dropout_words(int64_t id, int64_t block, uint32_t step, PhiloxKey key) {
    const uint64_t bits = static_cast<uint64_t>(id);
    return philox(
        {{static_cast<uint32_t>(bits), static_cast<uint32_t>(bits >> 32), static_cast<uint32_t>(block), step}}, key);
}

template <typename T>
WITHIN_HOST_DEVICE T dropped_or_scaled(uint32_t word, uint32_t threshold, T x, T scale) {
    if (word < threshold) return T{0};
    const T product = x * scale;
    return product == product ? product : static_cast<T>(float_of_bits(0x7fc00000u));
}

}  // namespace WITHIN_ISA
}  // namespace within
