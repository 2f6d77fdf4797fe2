// What the kernels of matrix products are given: plain data that crosses from the dispatching source into them.
//
// Every element of a product is one chain: +0, then fma(a[i, k], b[k, j], chain) for k from 0 upwards, then the bias is
// added, rounded once each time; a NaN is the one with bits 0x7fc00000 (float64: 0x7ff8000000000000). 16-bit formats
// are read as float and rounded once at the end. How rows, columns and k are cut into blocks changes no chain, nor does
// which of the two matrices is laid out in panels: fma(a, b, c) is fma(b, a, c).
#pragma once

#include <cstdint>

#include "core/dtype.h"

namespace within {

enum class Unary;  // exact/elementwise.h

constexpr int64_t kBlockRows = 192;   // a multiple of every kernel's rows
constexpr int64_t kBlockDepth = 384;  // of k at most
constexpr int64_t kMostPanelColumns = 32;
constexpr int64_t kPackedRows = kBlockRows * kBlockDepth + 1024;  // with what lies between them
constexpr int64_t kPackedTile = kPackedRows + kMostPanelColumns * kBlockDepth;

// A matrix by its steps, in elements, from row to row and from column to column.
struct Matrix {
    const void* data;
    int64_t row_step;
    int64_t column_step;
};

// Panels [first, last) of b, made of columns side by side: panels[panel][k][column]; what is beyond the last column is
// of no matter.
struct PackPanels {
    Dtype dtype;
    Matrix b;
    int64_t depth;
    int64_t columns;
    int64_t first;
    int64_t last;
    void* panels;  // float or double
};

// Rows [row, row_end), at most kBlockRows, of the product with panels [first, last) of b.
struct MatmulTile {
    Dtype dtype;
    Matrix a;
    const void* panels;  // of all of b; null: b is read where it lies, float or double, its columns side by side
    int64_t depth;
    int64_t columns;
    int64_t row;
    int64_t row_end;
    int64_t first;
    int64_t last;
    const void* bias;  // float or double, of each column, or of each row of a turned product; or null
    void* out;         // [rows, columns], contiguous
    void* packed;      // kPackedTile of float or double
    void* sums;        // kBlockRows * columns of the panels, of float or double; for 16-bit formats and turned products
    Matrix b = {};
    bool is_turned = false;  // out is [columns, rows] of `rows` rows
    int64_t rows = 0;
    bool is_activated = false;
    Unary activation{};
    void* before = nullptr;  // as out: what the activation is given; or null
};

// Lines [begin, end) of a times one column: out[line] = bias + a[line, k] x[k].
struct MatmulLines {
    Dtype dtype;  // float32 or float64
    Matrix a;     // its columns side by side
    const void* x;
    int64_t x_step;
    int64_t depth;
    int64_t begin;
    int64_t end;
    const void* bias;
    int64_t bias_step;
    void* out;
    bool is_activated;
    Unary activation;
    void* before;
};

// A batch of products; steps are in elements.
struct MatrixProduct {
    Dtype dtype;
    Matrix a;  // [rows, depth]
    int64_t a_step;
    Matrix b;  // [depth, columns]
    int64_t b_step;
    int64_t batch;
    int64_t rows;
    int64_t depth;
    int64_t columns;
    const void* bias;  // float or double [columns], or null
    void* out;         // [batch, rows, columns], contiguous
    bool is_activated = false;
    Unary activation{};
    void* before = nullptr;  // as out: what the activation is given; or null
};

}  // namespace within
