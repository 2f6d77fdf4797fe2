// What the kernels of elementwise functions are launched with.
#pragma once

#include <cstdint>

#include "core/stream.h"
#include "exact/elementwise.h"

namespace within {

// count > 0.
template <typename Element>
void launch_unary(Unary function, const Element* x, int64_t count, Element* out, Stream stream);

}  // namespace within
