// What the kernel of matrix products is launched with.
#pragma once

#include <cstdint>

#include "core/stream.h"

namespace within {

// A batch of matrices by its steps, in elements.
struct MatrixBatch {
    const void* data;
    int64_t step;
    int64_t row_step;
    int64_t column_step;
};

// T is what sums are held in.
template <typename Element, typename T>
void launch_matmul(MatrixBatch a, MatrixBatch b, const T* bias, int64_t batch, int64_t rows, int64_t depth,
                   int64_t columns, Element* out, Stream stream);

}  // namespace within
