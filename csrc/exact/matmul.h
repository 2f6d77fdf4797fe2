// What the kernels of matrix products are given: plain data that crosses from the dispatching source into them.
//
// Every element of a product is one chain: +0, then fma(a[i, k], b[k, j], chain) for k from 0 upwards, then the bias is
// added, rounded once each time; a NaN is the one with bits 0x7fc00000 (float64: 0x7ff8000000000000). 16-bit formats
// are read as float and rounded once at the end. How rows, columns and k are cut into blocks changes no chain.
#pragma once

#include <cstdint>

#include "core/dtype.h"

namespace within {

constexpr int64_t kBlockRows = 96;    // a multiple of every kernel's rows
constexpr int64_t kBlockDepth = 256;  // of k, so that a panel of b stays in the first cache

// A matrix by its steps, in elements, from row to row and from column to column.
struct Matrix {
    const void* data;
    int64_t row_step;
    int64_t column_step;
};

// Panels [first, last) of b, made of columns side by side: panels[panel][k][column], zeros beyond the last column.
struct PackPanels {
    Dtype dtype;
    Matrix b;
    int64_t depth;
    int64_t columns;
    int64_t first;
    int64_t last;
    void* panels;  // float or double
};

// Rows [row, row_end) of the product with panels [first, last).
struct MatmulTile {
    Dtype dtype;
    Matrix a;
    const void* panels;
    int64_t depth;
    int64_t columns;
    int64_t row;
    int64_t row_end;
    int64_t first;
    int64_t last;
    const void* bias;  // float or double [columns], or null
    void* out;         // [rows, columns], contiguous
    void* packed;      // kBlockRows * kBlockDepth of float or double
    void* sums;        // kBlockRows * columns of the panels, of float; for 16-bit formats
};

}  // namespace within
