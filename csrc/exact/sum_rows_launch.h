// What the kernels of sums over rows are launched with.
#pragma once

#include <cstdint>

#include "core/stream.h"
#include "exact/sum_rows.h"

namespace within {

// columns > 0; sums has room for [blocks, columns], a block of kSumBlock rows each, at least one.
template <typename Element, typename T>
void launch_sum_rows(const Element* x, int64_t row_step, int64_t rows, int64_t columns, int64_t blocks, T* sums,
                     Element* out, Stream stream);

}  // namespace within
