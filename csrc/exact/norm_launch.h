// What the kernels of layer, RMS and group normalisation are launched with.
#pragma once

#include <cstdint>

#include "core/stream.h"
#include "exact/norm.h"

namespace within {

// rows, n > 0.
template <typename Element>
void launch_norm(const Element* x, int64_t rows, int64_t n, bool is_centred, const Wider<Element>* weight,
                 const Wider<Element>* bias, WeightOf of, double eps, Element* out, Wider<Element>* mean,
                 Wider<Element>* scale, Stream stream);
template <typename Element>
void launch_norm_backward(const Element* gradient, const Element* x, int64_t rows, int64_t n, bool is_centred,
                          const Wider<Element>* weight, WeightOf of, const Wider<Element>* mean,
                          const Wider<Element>* scale, Element* out, Stream stream);

}  // namespace within
