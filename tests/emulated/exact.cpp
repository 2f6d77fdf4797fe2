// Exact layers: what the sources csrc/exact/*_cuda.cpp ask of a GPU.
#include "exact/matmul.cuh"
#include "exact/sum_rows.cuh"
#include "interface.h"

#define MATMUL(name, Element, T)                                                                                   \
    WITHIN_EMULATED void exact_matmul_##name(const Element* a, int64_t a_step, int64_t a_row, int64_t a_column,    \
                                             const Element* b, int64_t b_step, int64_t b_row, int64_t b_column,    \
                                             const T* bias, int64_t batch, int64_t rows, int64_t depth,            \
                                             int64_t columns, Element* out) {                                      \
        within::launch_matmul<Element, T>({a, a_step, a_row, a_column}, {b, b_step, b_row, b_column}, bias, batch, \
                                          rows, depth, columns, out, nullptr);                                     \
    }

MATMUL(float64, double, double)
MATMUL(float32, float, float)
MATMUL(float16, within::Float16, float)
MATMUL(bfloat16, within::BFloat16, float)

#define SUM_ROWS(name, Element, T)                                                                                \
    WITHIN_EMULATED void exact_sum_rows_##name(const Element* x, int64_t row_step, int64_t rows, int64_t columns, \
                                               int64_t blocks, T* sums, Element* out) {                           \
        within::launch_sum_rows<Element, T>(x, row_step, rows, columns, blocks, sums, out, nullptr);              \
    }

SUM_ROWS(float64, double, double)
SUM_ROWS(float32, float, float)
SUM_ROWS(float16, within::Float16, float)
SUM_ROWS(bfloat16, within::BFloat16, float)
