// What the kernels of drift are given: plain data that crosses from the dispatching source into them.
#pragma once

#include "metrics/exact_sum.h"

namespace within {

// One column of one sample, taken out as ordered bits in uint32_t (float32) or uint64_t (float64).
struct DriftColumn {
    bool is_double;
    const void* values;
    int64_t step;  // from row to row
    int64_t begin;
    int64_t end;
    void* keys;
    int64_t bad_row;  // out, or -1
};

// A sample in order, and one key above all of them behind it.
struct DriftSample {
    const void* keys;
    int64_t count;
    const double* shares;  // with weights: of the first i rows, [count + 1]; else null
};

// Both samples walked together: reference rows [begin, end), current rows [other_begin, other_end).
struct DriftWalk {
    bool is_double;
    DriftSample reference;
    DriftSample current;
    int64_t begin;
    int64_t end;
    int64_t other_begin;
    int64_t other_end;
    double farthest;       // the statistic
    uint64_t farthest_by;  // without weights: times both counts
    ExactSum distance;
};

}  // namespace within
