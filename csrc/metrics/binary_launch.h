// What the kernels of binary metrics are launched with.
#pragma once

#include <cstdint>

#include "core/stream.h"
#include "metrics/binary.h"

namespace within {

constexpr int kSliceSums = 4;    // exact sums of a slice, beside those of its bins
constexpr int kWeightWords = 4;  // of 32 bits each, that a weight is cut into

enum SliceSum : int { kAreaSum, kPrecisionSum, kLossSum, kBrierSum };

// `sums` are cumulative: [label is 1 or any][word][row]. Unweighted there is one word, which counts.
struct DeviceSlices {
    int64_t rows;
    int64_t slices;
    int64_t bins;
    double threshold;
    double largest;  // of the weights
    int64_t unit_base;
    int64_t words;
    const int64_t* start;  // [slices + 1]
    const int64_t* sums;
    Masses* masses;             // [slices]
    unsigned long long* limbs;  // [slices, kSliceSums + bins, kLimbs]
    unsigned long long* tops;   // [slices, 2]: twice the pairs, unweighted; the largest distance, of counts or as bits
};

// Keys of rows; found[0] and found[1]: the first rows whose score or label is refused; ~0 at first.
template <typename Key, typename Score>
void launch_encode(const Score* scores, const double* labels, int64_t rows, Key* keys, unsigned long long* found,
                   Stream stream);

// found[2]: the first row whose weight is refused; found[3], found[4]: the bits of the largest and of the lowest bit.
template <typename Weight>
void launch_measure(const Weight* weights, int64_t rows, unsigned long long* found, Stream stream);

// The words of each place's weight: [label is 1 or any][word][place].
template <typename Key>
void launch_words(const Key* keys, const double* weights, int64_t rows, int64_t base, int64_t words, int64_t* out,
                  Stream stream);

// out: [slices, kMetrics].
template <typename Key>
void launch_slices(const DeviceSlices& all, const Key* keys, const double* weights, double* out, Stream stream);

}  // namespace within
