// What the kernels of convolutions are launched with.
#pragma once

#include <cstdint>

#include "core/stream.h"
#include "exact/convolution.h"

namespace within {

// Numbers of `totals`, and of each part of `sums`; parts there are.
inline int64_t weight_sums(const Convolution& of) {
    const int64_t chains = of.channels == 1 ? kDepthwiseChains : 1;
    return of.groups * of.outputs * of.channels * of.y.kernel * of.x.kernel * chains;
}
inline int64_t weight_parts(const Convolution& of) {
    const int64_t together = of.channels == 1 ? 1 : images_of_unit(of.y.out * of.x.out);
    return (of.batch + together - 1) / together;
}

template <typename Element, typename T>
void launch_convolution(const Convolution& of, const Element* input, const Element* weight, const T* bias, Element* out,
                        Stream stream);
template <typename Element, typename T>
void launch_convolution_backward_input(const Convolution& of, const Element* gradient, const Element* weight,
                                       Element* out, Stream stream);
// `together` parts of sums at a time. batch > 0.
template <typename Element, typename T>
void launch_convolution_backward_weight(const Convolution& of, const Element* gradient, const Element* input,
                                        int64_t together, T* sums, T* totals, Element* out, Stream stream);
// sums: [batch, channels].
template <typename Element, typename T>
void launch_convolution_backward_bias(const Element* gradient, int64_t batch, int64_t channels, int64_t positions,
                                      T* sums, Element* out, Stream stream);

}  // namespace within
