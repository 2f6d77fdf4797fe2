// What the kernels of sums over rows are given: the sum of each column, in the order of exact/sum.h; a NaN is the one.
#pragma once

#include <cstdint>

#include "core/dtype.h"
#include "exact/sum.h"

namespace within {

constexpr int64_t kSumColumns =
    128;  // at most, of a task: as many accumulators times kSumLanes stay in the first cache

// Columns [column, column_end) of a block of kSumBlock rows or fewer.
struct SumRowsBlock {
    Dtype dtype;
    const void* x;  // its first row; columns lie side by side
    int64_t row_step;
    int64_t rows;
    int64_t column;
    int64_t column_end;
    void* sums;  // float or double, of each column
};

// Sums of `blocks` blocks, [blocks, columns], of columns [column, column_end), added up.
struct SumRowsBlocks {
    Dtype dtype;
    const void* sums;  // float or double
    int64_t blocks;
    int64_t columns;
    int64_t column;
    int64_t column_end;
    void* out;
};

}  // namespace within
