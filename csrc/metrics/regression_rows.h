// What the kernels of regression metrics are given: plain data that crosses from the dispatching source into them.
#pragma once

#include "metrics/exact_sum.h"
#include "metrics/regression.h"

namespace within {

struct RegressionRows {
    bool is_double;  // else float32
    const void* predictions;
    const void* targets;
    const double* weights;  // null: each is 1
    int64_t count;
};

// Errors by size: bin of e is (e - low) * scale, cut off at both ends. Never falling, so bins part the order.
constexpr int kErrorBins = 8192;
struct ErrorBins {
    double low;
    double scale;
};

enum class RegressionInput { none, predictions, targets, weights };

// One of both passes over rows [begin, end).
struct RegressionPass {
    RegressionRows rows;
    int64_t begin;
    int64_t end;
    bool is_second;
    RegressionMeans means;
    double some[3];  // prediction, target and error of one row that has a weight
    int bases[kRegressionSums];
    WindowSum sums[kRegressionSums];
    int specials[kRegressionSums];
    int64_t differing[3];  // from `some`
    int64_t counted;
    ErrorBins bins;
    uint32_t* histogram;    // first pass: errors of each bin, or null
    const uint8_t* wanted;  // second pass: bins whose errors are kept, or null for all
    uint64_t* kept;         // second pass: ordered bits of errors, or null
    int64_t kept_count;
    int64_t bad_row;  // out: of the first pass, or -1
    RegressionInput bad_input;
};

// Rows whose places in the order of one column become the other's payload. float32: a key in the upper half, what
// belongs to it in the lower; float64: the payload apart.
struct RegressionRanks {
    RegressionRows rows;
    uint64_t* keys;
    uint64_t* payload;
    int64_t begin;
    int64_t end;
    __int128 sums[3];
};

// Doubled, centred ranks of a column that has weights, or weighted quantiles of the errors.
enum class RegressionColumn { predictions, targets, errors };
struct WeightedRanks {
    RegressionRows rows;
    RegressionColumn column;
    uint64_t* keys;
    uint32_t* order;
    uint64_t* spare_keys;
    uint32_t* spare_order;
    int weight_exponent;
    double* ranks;  // [count]
    const double* quantiles;
    int64_t quantile_count;
    double* quantile_out;
};

// Exact sums of weight * rank * rank, rounded: of predictions, of targets, of both.
struct WeightedRankSums {
    const double* weights;
    const double* predictions;
    const double* targets;
    int64_t count;
    double sums[3];
};

}  // namespace within
