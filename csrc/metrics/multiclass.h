// One row of class probabilities, and what the kernels of multiclass metrics are given.
#pragma once

#include "core/elementary.h"

namespace within {

// Rows [begin, end) of a table of probabilities: the class each is given, the place of its true class, the loss.
struct MulticlassRows {
    bool is_double;
    const void* probabilities;
    const int64_t* labels;
    int64_t classes;
    int64_t begin;
    int64_t end;
    int64_t* decisions;
    int64_t* places;
    double* losses;
    int64_t refused;  // out: the first row that holds what is no probability or a label outside, or -1
};

// Sort keys of classes [first, first + count), those of rows [begin, end): class c's of row i at
// keys[(c - first) * rows + place[i]]. A key is a probability's bits, and below them whether the row is of the class.
struct OvrKeys {
    bool is_double;
    const void* probabilities;
    const int64_t* labels;
    int64_t classes;
    int64_t first;
    int64_t count;
    int64_t rows;
    int64_t begin;
    int64_t end;
    const uint32_t* place;  // or none: its own
    void* keys;
};

// The area of one class against the rest, of `count` rows, under each of some weightings.
struct OvrArea {
    bool is_double;
    void* keys;
    void* key_scratch;
    uint32_t* rows;
    uint32_t* row_scratch;
    int64_t count;
    const double* weights;   // weighting w of row i at weights[i * weightings + w]; null: each row counts once
    double* weight_scratch;  // kWeightingsAtOnce for each of `count` rows
    int64_t weightings;
    double* out;  // weighting w at out[w * out_step]
    int64_t out_step;
};

constexpr int64_t kWeightingsAtOnce = 8;  // whose weights of a row lie in one line of the cache
constexpr int kOvrBits32 = 30;            // of the bits of a float in [0, 1]
constexpr int kOvrBits64 = 62;

inline namespace WITHIN_ISA {

template <typename T>
WITHIN_HOST_DEVICE bool is_probability(T value) {
    return value >= 0 && value <= 1;
}

// The class of the highest probability; of several the lowest.
template <typename T>
WITHIN_HOST_DEVICE int64_t decided_class(const T* row, int64_t classes) {
    int64_t best = 0;
    for (int64_t c = 1; c < classes; ++c) best = row[c] > row[best] ? c : best;
    return best;
}

// How many classes come before the label's when they are in the order of their probabilities; of equal ones the class
// with the higher number comes first.
template <typename T>
WITHIN_HOST_DEVICE int64_t place_of_label(const T* row, int64_t classes, int64_t label) {
    const T own = row[label];
    int64_t place = 0;
    for (int64_t c = 0; c < label; ++c) place += row[c] > own;
    for (int64_t c = label + 1; c < classes; ++c) place += row[c] >= own;
    return place;
}

// The probability kept away from 0 and 1 by the epsilon of its format.
WITHIN_HOST_DEVICE double clipped_probability(double value) {
    const double low = value < 0x1p-52 ? 0x1p-52 : value;
    return low > 1 - 0x1p-52 ? 1 - 0x1p-52 : low;
}
WITHIN_HOST_DEVICE double clipped_probability(float value) {
    const float low = value < 0x1p-23f ? 0x1p-23f : value;
    return low > 1 - 0x1p-23f ? 1 - 0x1p-23f : low;
}

WITHIN_HOST_DEVICE double loss_of(double clipped) { return -log_normal<double, uint64_t>(clipped); }

// A probability's bits with room for the label below: -0 counts as 0.
WITHIN_HOST_DEVICE uint32_t ovr_key(float value, bool is_positive) {
    return (bits_of_float(value + 0.0f) & 0x7fffffffu) << 1 | (is_positive ? 1u : 0u);
}
WITHIN_HOST_DEVICE uint64_t ovr_key(double value, bool is_positive) {
    return (bits_of(value + 0.0) & ~(uint64_t{1} << 63)) << 1 | (is_positive ? 1u : 0u);
}

}  // namespace WITHIN_ISA
}  // namespace within
