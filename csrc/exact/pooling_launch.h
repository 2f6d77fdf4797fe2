// What the kernels of pooling are launched with.
#pragma once

#include <cstdint>

#include "core/stream.h"
#include "exact/pooling.h"

namespace within {

template <typename Element, typename T>
void launch_max_pool(const Pool& pool, int64_t planes, const Element* x, Element* out, int64_t* places, Stream stream);
template <typename Element, typename T>
void launch_average_pool(const Pool& pool, int64_t planes, const Element* x, Element* out, Stream stream);
template <typename Element, typename T>
void launch_pool_backward(const Pool& pool, int64_t planes, const Element* gradient, const int64_t* places,
                          Element* out, Stream stream);

}  // namespace within
