// What the kernels of drift metrics are launched with.
#pragma once

#include <cstdint>

#include "core/exact_accumulator.h"
#include "core/stream.h"

namespace within {

constexpr int64_t kMostDriftRows = int64_t{1} << 30;   // of both samples
constexpr int64_t kMostSliceLimbs = int64_t{1} << 29;  // 4 GiB
constexpr double kMostEndsOfBins = int64_t{1} << 26;   // 512 MiB
enum DriftFound : int { kBadValue, kBadWeight, kBadOtherWeight, kDriftFound };

// Weights of one sample; each slice counts in units of its own.
struct DriftWeights {
    const double* of_row;
    const int64_t* row;    // [places]: which row
    const int64_t* start;  // [slices + 1]
    int64_t slices;
    int64_t places;
    unsigned long long* largest;  // [slices]: its bits, zeros at first
};

// A column of one sample, of which each slice is in order.
template <typename Key>
struct DriftColumnOf {
    const Key* keys;       // [places]
    const double* shares;  // [places], with weights: of a slice's rows up to each; else null
    const int64_t* start;  // [slices + 1]
    int64_t places;
};

// What is found of each slice, of one column.
struct DriftSlices {
    int64_t slices;
    int64_t bins;
    unsigned long long* limbs;     // [slices, kLimbs], zeros before and after
    unsigned long long* farthest;  // [slices], zeros at first: rows times rows, with weights the bits of the statistic
    double* distance;              // [slices]
    double* up_to;                 // [slices, bins, 2]: rows of both samples, with weights shares, up to ends of bins
};

inline namespace WITHIN_ISA {

// Whether a GPU measures so much; else the CPU does.
inline bool fits_gpu(int64_t rows, int64_t others, int64_t columns, int64_t slices, int64_t bins) {
    if (rows + others >= kMostDriftRows || slices > kMostSliceLimbs / (2 * kLimbs)) return false;
    return 2.0 * static_cast<double>(slices) * static_cast<double>(columns) * static_cast<double>(bins) <=
           kMostEndsOfBins;
}

}  // namespace WITHIN_ISA

// found[kBadValue]: the first value that is refused, as (2 column + is_current) 2^31 + row; ~0 at first.
template <typename T, typename Key>
void launch_read_values(const T* values, int64_t rows, int64_t columns, bool is_current, Key* keys,
                        unsigned long long* found, Stream stream);

// first: where the first row that is refused goes.
void launch_read_weights(const double* weights, int64_t rows, unsigned long long* first, Stream stream);

// limbs: [slices, 2, kLimbs], zeros. effective: [slices], Kish's number of rows.
void launch_weigh(const DriftWeights& all, unsigned long long* limbs, double* effective, Stream stream);

void launch_weight_words(const DriftWeights& all, int64_t* out, Stream stream);

// The share of a slice's weight that its rows up to each place have; units are cumulative.
void launch_shares(const DriftWeights& all, const int64_t* units, double* out, Stream stream);

template <typename Key>
void launch_column(const DriftColumnOf<Key>& reference, const DriftColumnOf<Key>& current, const DriftSlices& all,
                   Stream stream);

}  // namespace within
