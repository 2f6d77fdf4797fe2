// What the CPU's kernels of binary metrics are given: plain data that crosses from the dispatching source into them.
#pragma once

#include <cmath>
#include <cstdint>

#include "metrics/exact_sum.h"
#include "metrics/weights.h"

namespace within {

enum class Labels { uint8, int64, float32, float64 };
enum class Weights { none, float32, float64 };

// What weights are counted in: multiples of one 2^base in 64 bits or 128, or limbs where they lie too far apart.
enum class Units { words64, words128, limbs };

// Rows [begin, end) as they were given.
struct GivenRows {
    bool is_double;
    Labels label_type;
    Weights weight_type;
    const void* scores;
    const void* labels;
    const void* weights;
    int64_t begin;
    int64_t end;
    void* keys;        // out
    int64_t score_at;  // out: the first row whose score is refused, or -1
    int64_t label_at;
    int64_t weight_at;
    double largest;  // out: of the weights
    double finest;   // out: the value of the lowest bit of any weight, infinite where all are 0
};

// Rows in the order of their keys.
struct SortedRows {
    bool is_double;
    Weights weight_type;
    Units units;
    int unit_base;
    double largest;  // no weight is larger
    const void* keys;
    const void* weights;
};

// Weights of a part by label, of those whose score reaches the threshold and of the others; unweighted, counts.
struct PartMasses {
    SortedRows rows;
    int64_t begin;
    int64_t end;
    double threshold;
    WindowSum above[2];  // out
    WindowSum below[2];  // out
};

// The thresholds of a part, which no tie crosses.
struct PartCurve {
    SortedRows rows;
    int64_t slice_begin;
    int64_t begin;
    int64_t end;
    WindowSum before[2];  // weights of the slice's rows before `begin`, by label
    double positives;
    double negatives;
    int area_base;
    WindowSum area;               // out, weighted
    uint64_t twice_pairs;         // out, unweighted: twice the pairs in right order, ties counted half
    WindowSum precision;          // out
    double distance;              // out, weighted: the largest between the rates
    uint64_t distance_of_counts;  // out, unweighted: the same times both counts
};

// What the rows of a part add up to.
struct PartPoints {
    SortedRows rows;
    int64_t begin;
    int64_t end;
    int64_t bins;
    WindowSum loss;   // out, in words of loss_base
    WindowSum brier;  // out, in words of point_base
    WindowSum* gaps;  // out, of each bin, in words of point_base
};

struct WeightUnits {
    Units units;
    int base;
};

inline namespace WITHIN_ISA {

// What weights are counted in that are at most `largest`, none zero, and multiples of a power of two, `finest`.
inline WeightUnits units_for(double largest, double finest, int64_t rows) {
    // All rows together weigh less than 2^highest.
    const int highest = std::ilogb(largest) + 1 + std::ilogb(static_cast<double>(rows)) + 1;
    const int base = std::ilogb(finest);
    const bool is_ordinary = base >= -1000 && highest <= 1000;
    if (is_ordinary && highest - base <= 62) return {Units::words64, base};
    if (is_ordinary && highest - base <= 126) return {Units::words128, base};
    return {Units::limbs, 0};
}

// Where the words of these sums lie. Gained weight times precision seldom is above 64 weights.
WITHIN_HOST_DEVICE int loss_base(double largest) { return base_below(largest * 36.1); }
WITHIN_HOST_DEVICE int point_base(double largest) { return base_below(largest); }
WITHIN_HOST_DEVICE int precision_base(double largest) { return base_below(largest * 64); }
WITHIN_HOST_DEVICE int area_base(double largest, double total) { return base_below(2 * largest / total); }

}  // namespace WITHIN_ISA
}  // namespace within
