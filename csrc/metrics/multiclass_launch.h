// What the kernels of multiclass metrics are launched with.
#pragma once

#include <cstdint>

#include "core/stream.h"

namespace within {

// Sorted rows whose areas are measured: segment s of each of `columns` classes is [start[s], start[s + 1]).
struct RankedRows {
    const int64_t* keys;     // [columns, rows]
    const int64_t* rows_of;  // [columns, rows], which row a key is of
    int64_t rows;
    int64_t columns;
    const int64_t* start;
    int64_t segments;
    const double* weights;  // [rows, weightings], or none
    int64_t weightings;
    double* out;  // of weighting w, segment s, column c at [(w * sets + s) * classes + c]
    int64_t sets;
    int64_t classes;
};

// `refused`, ~0 at first, is the first row that holds what is no probability or a label outside.
template <typename T>
void launch_multiclass_rows(const T* probabilities, const int64_t* labels, int64_t rows, int64_t classes,
                            int64_t* decisions, int64_t* places, double* losses, unsigned long long* refused,
                            Stream stream);

// Keys [count, rows] of classes [first, first + count).
template <typename T>
void launch_ovr_keys(const T* probabilities, const int64_t* labels, int64_t rows, int64_t classes, int64_t first,
                     int64_t count, int64_t* keys, Stream stream);

void launch_ovr_areas(const RankedRows& sorted, Stream stream);

}  // namespace within
