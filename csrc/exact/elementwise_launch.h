// What the kernels of elementwise functions are launched with.
#pragma once

#include <cstdint>

#include "core/stream.h"
#include "exact/elementwise.h"

namespace within {

// count > 0; gradient is null for the function itself.
template <typename Element>
void launch_unary(Unary function, double a, double b, const Element* gradient, const Element* x, int64_t count,
                  Element* out, Stream stream);

}  // namespace within
