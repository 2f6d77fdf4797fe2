// What the kernels of softmax are launched with.
#pragma once

#include <cstdint>

#include "core/stream.h"
#include "exact/softmax.h"

namespace within {

// rows, n > 0.
template <typename Element>
void launch_softmax(const Element* x, int64_t rows, int64_t n, int64_t inner, bool is_log, Element* out, Stream stream);
template <typename Element>
void launch_softmax_backward(const Element* y, const Element* gradient, int64_t rows, int64_t n, int64_t inner,
                             bool is_log, Element* out, Stream stream);

}  // namespace within
