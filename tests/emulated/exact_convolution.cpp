// Exact convolutions and pooling: what csrc/exact/{convolution,pooling}_cuda.cpp ask of a GPU.
#include "exact/convolution.cuh"
#include "exact/pooling.cuh"
#include "interface.h"

namespace {

within::Convolution convolution_of(const int64_t* of) {
    return {of[0],
            of[1],
            of[2],
            of[3],
            {of[4], of[5], of[6], of[7], of[8], of[9]},
            {of[10], of[11], of[12], of[13], of[14], of[15]}};
}

within::Pool pool_of(const int64_t* of) {
    return {
        {of[0], of[1], of[2], of[3], of[4], of[5]}, {of[6], of[7], of[8], of[9], of[10], of[11]}, of[12] != 0, of[13]};
}

}  // namespace

#define CONVOLUTION(name, Element, T)                                                                               \
    WITHIN_EMULATED void exact_convolution_##name(const int64_t* of, const Element* input, const Element* weight,   \
                                                  const T* bias, Element* out) {                                    \
        within::launch_convolution<Element, T>(convolution_of(of), input, weight, bias, out, nullptr);              \
    }                                                                                                               \
    WITHIN_EMULATED void exact_convolution_backward_input_##name(const int64_t* of, const Element* gradient,        \
                                                                 const Element* weight, Element* out) {             \
        within::launch_convolution_backward_input<Element, T>(convolution_of(of), gradient, weight, out, nullptr);  \
    }                                                                                                               \
    WITHIN_EMULATED void exact_convolution_backward_weight_##name(const int64_t* of, const Element* gradient,       \
                                                                  const Element* input, int64_t together, T* sums,  \
                                                                  T* totals, Element* out) {                        \
        within::launch_convolution_backward_weight<Element, T>(convolution_of(of), gradient, input, together, sums, \
                                                               totals, out, nullptr);                               \
    }                                                                                                               \
    WITHIN_EMULATED void exact_convolution_backward_bias_##name(                                                    \
        const Element* gradient, int64_t batch, int64_t channels, int64_t positions, T* sums, Element* out) {       \
        within::launch_convolution_backward_bias<Element, T>(gradient, batch, channels, positions, sums, out,       \
                                                             nullptr);                                              \
    }                                                                                                               \
    WITHIN_EMULATED void exact_max_pool_##name(const int64_t* of, int64_t planes, const Element* x, Element* out,   \
                                               int64_t* places) {                                                   \
        within::launch_max_pool<Element, T>(pool_of(of), planes, x, out, places, nullptr);                          \
    }                                                                                                               \
    WITHIN_EMULATED void exact_average_pool_##name(const int64_t* of, int64_t planes, const Element* x,             \
                                                   Element* out) {                                                  \
        within::launch_average_pool<Element, T>(pool_of(of), planes, x, out, nullptr);                              \
    }                                                                                                               \
    WITHIN_EMULATED void exact_pool_backward_##name(const int64_t* of, int64_t planes, const Element* gradient,     \
                                                    const int64_t* places, Element* out) {                          \
        within::launch_pool_backward<Element, T>(pool_of(of), planes, gradient, places, out, nullptr);              \
    }

CONVOLUTION(float64, double, double)
CONVOLUTION(float32, float, float)
CONVOLUTION(float16, within::Float16, float)
CONVOLUTION(bfloat16, within::BFloat16, float)
