// Elementwise functions, powers and dropout: what the sources csrc/exact/{elementwise,power,dropout}_cuda.cpp ask of a
// GPU.
#include "exact/dropout.cuh"
#include "exact/elementwise.cuh"
#include "exact/power.cuh"
#include "interface.h"

#define ELEMENTWISE(name, Element)                                                                                   \
    WITHIN_EMULATED void exact_unary_##name(int64_t function, double a, double b, const Element* gradient,           \
                                            const Element* x, int64_t count, Element* out) {                         \
        within::launch_unary(static_cast<within::Unary>(function), a, b, gradient, x, count, out, nullptr);          \
    }                                                                                                                \
    WITHIN_EMULATED void exact_pow_##name(int64_t part, const Element* gradient, const Element* x, const Element* y, \
                                          int64_t is_one_x, int64_t is_one_y, int64_t count, Element* out) {         \
        within::launch_power<Element>({within::Dtype::name, static_cast<within::PowerPart>(part), gradient, x, y,    \
                                       is_one_x != 0, is_one_y != 0, 0, count, out},                                 \
                                      nullptr);                                                                      \
    }                                                                                                                \
    WITHIN_EMULATED void exact_dropout_##name(const Element* x, const int64_t* ids, int64_t row, int64_t shared,     \
                                              int64_t threshold, double scale, int64_t key, int64_t step,            \
                                              int64_t samples, Element* out) {                                       \
        const uint64_t words = static_cast<uint64_t>(key);                                                           \
        within::launch_dropout<Element>({within::Dtype::name,                                                        \
                                         x,                                                                          \
                                         ids,                                                                        \
                                         row,                                                                        \
                                         shared,                                                                     \
                                         static_cast<uint32_t>(threshold),                                           \
                                         scale,                                                                      \
                                         {{static_cast<uint32_t>(words), static_cast<uint32_t>(words >> 32)}},       \
                                         static_cast<uint32_t>(step),                                                \
                                         0,                                                                          \
                                         0,                                                                          \
                                         out},                                                                       \
                                        samples, nullptr);                                                           \
    }

ELEMENTWISE(float64, double)
ELEMENTWISE(float32, float)
ELEMENTWISE(float16, within::Float16)
ELEMENTWISE(bfloat16, within::BFloat16)
