// What the kernels of batch normalisation are launched with.
#pragma once

#include <cstdint>

#include "core/stream.h"
#include "exact/batch_norm.h"

namespace within {

// `squares` of the task is written first where it is not null. partial: T [blocks_of_sum, channels].
template <typename Element>
void launch_batch(const Element* x, const SumLayout& layout, const ChannelTask<Wider<Element>>& task, int64_t channels,
                  int64_t length, Wider<Element>* squares, Wider<Element>* partial, const Wider<Element>* bias,
                  Element* out, Stream stream);
template <typename Element>
void launch_batch_backward(const Element* x, const Element* gradient, int64_t count, int64_t channels, int64_t length,
                           bool is_frozen, const Wider<Element>* mean, const Wider<Element>* scale,
                           const Wider<Element>* factor, const Wider<Element>* of_weight, const Wider<Element>* of_bias,
                           Element* out, Stream stream);

}  // namespace within
