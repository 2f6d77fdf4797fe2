// What the kernels of regression metrics are launched with.
#pragma once

#include <cstdint>

#include "core/stream.h"
#include "metrics/regression_rows.h"

namespace within {

constexpr int kRankSums = 3;
constexpr int kSumsOfSlice = 2 * kRegressionSums + kRankSums;  // of both passes, then of ranks

// What is known of a slice beside its exact sums, each 0 at first.
enum RegressionMark : int {
    kLeast = 0,  // of those with a weight, ~ordered_bits of the least prediction, target and error
    kMost = 3,   // ordered_bits of the largest
    kLargestWeight = 6,
    kCounted,
    kSpecials,                  // three bits of each sum: of the first pass, of the second
    kProducts = kSpecials + 2,  // without weights: sums of products of ranks, in halves of 32 bits
    kRegressionMarks = kProducts + 2 * kRankSums
};

struct RegressionSlices {
    RegressionRows rows;
    int64_t places;
    int64_t slices;
    const int64_t* start;       // [slices + 1]
    const int64_t* member;      // [places]: which row
    unsigned long long* limbs;  // [slices, kRegressionSums, kLimbs], zeros
    unsigned long long* marks;  // [slices, kRegressionMarks], zeros
    double* sums;               // [slices, kSumsOfSlice]
    double* ranks;              // [2, places]: of the prediction and the target of row r in half h at h * rows + r
};

// A column of which each slice is in order.
template <typename Key>
struct SortedColumn {
    const Key* keys;       // [places]
    const int64_t* order;  // [places]: which row
    const int64_t* units;  // [kUnitWords, places], cumulative, or null: each is 1
};

// found[0]: the first row that is refused, ~0 at first; found[1]: the bits of the largest weight.
template <typename T, typename Key>
void launch_read_columns(const RegressionRows& rows, Key* predictions, Key* targets, int64_t* errors,
                         unsigned long long* found, Stream stream);

// Sums of both passes, and marks.
void launch_passes(const RegressionSlices& all, Stream stream);

// The weights of places, [kUnitWords, places], of which each slice counts in units of its own.
void launch_units(const RegressionSlices& all, const int64_t* order, int64_t* out, Stream stream);

// Doubled, centred ranks of column 0, the predictions, or 1.
template <typename Key>
void launch_ranks(const RegressionSlices& all, const SortedColumn<Key>& sorted, int64_t column, Stream stream);

void launch_quantiles(const RegressionSlices& all, const SortedColumn<int64_t>& errors, const double* shares,
                      int64_t count, double* out, Stream stream);

// out: [slices, kRegressionMetrics + quantiles].
void launch_finish(const RegressionSlices& all, int64_t quantiles, double* out, Stream stream);

}  // namespace within
