// Reductions, softmax and normalisation: what the sources csrc/exact/{reduce,softmax,norm,batch_norm}_cuda.cpp ask of a
// GPU.
#include "exact/batch_norm.cuh"
#include "exact/norm.cuh"
#include "exact/reduce.cuh"
#include "exact/softmax.cuh"
#include "interface.h"

#define LAYOUT                                                                                              \
    int64_t outer, int64_t inner, int64_t outer_step, int64_t inner_step, int64_t segments, int64_t length, \
        int64_t segment_step, int64_t step
#define IN_LAYOUT {outer, inner, outer_step, inner_step, segments, length, segment_step, step}

#define NORMS(name, Element, T)                                                                                        \
    WITHIN_EMULATED void exact_reduce_##name(const Element* x, LAYOUT, int64_t reduction, double divisor, T* partial,  \
                                             T* centre, Element* out) {                                                \
        within::launch_reduce<Element>(x, IN_LAYOUT, static_cast<within::Reduction>(reduction),                        \
                                       static_cast<T>(divisor), partial, centre, out, nullptr, nullptr);               \
    }                                                                                                                  \
    WITHIN_EMULATED void exact_pair_##name(const Element* x, const Element* gradient, LAYOUT, const T* mean,           \
                                           const T* scale, int64_t statistic_segment, int64_t statistic_sums,          \
                                           T* partial, T* of_weight, T* of_bias, T* weight_share, T* bias_share) {     \
        within::launch_pair<Element>(x, gradient, IN_LAYOUT, mean, scale, statistic_segment, statistic_sums, partial,  \
                                     of_weight, of_bias, weight_share, bias_share, nullptr);                           \
    }                                                                                                                  \
    WITHIN_EMULATED void exact_softmax_##name(const Element* x, int64_t rows, int64_t n, int64_t inner,                \
                                              int64_t is_log, Element* out) {                                          \
        within::launch_softmax(x, rows, n, inner, is_log != 0, out, nullptr);                                          \
    }                                                                                                                  \
    WITHIN_EMULATED void exact_softmax_backward_##name(const Element* y, const Element* gradient, int64_t rows,        \
                                                       int64_t n, int64_t inner, int64_t is_log, Element* out) {       \
        within::launch_softmax_backward(y, gradient, rows, n, inner, is_log != 0, out, nullptr);                       \
    }                                                                                                                  \
    WITHIN_EMULATED void exact_norm_##name(const Element* x, int64_t rows, int64_t n, int64_t is_centred,              \
                                           const T* weight, const T* bias, int64_t groups, int64_t channels,           \
                                           int64_t length, double eps, Element* out, T* mean, T* scale) {              \
        within::launch_norm<Element>(x, rows, n, is_centred != 0, weight, bias, {groups, channels, length}, eps, out,  \
                                     mean, scale, nullptr);                                                            \
    }                                                                                                                  \
    WITHIN_EMULATED void exact_norm_backward_##name(                                                                   \
        const Element* gradient, const Element* x, int64_t rows, int64_t n, int64_t is_centred, const T* weight,       \
        int64_t groups, int64_t channels, int64_t length, const T* mean, const T* scale, Element* out) {               \
        within::launch_norm_backward<Element>(gradient, x, rows, n, is_centred != 0, weight,                           \
                                              {groups, channels, length}, mean, scale, out, nullptr);                  \
    }                                                                                                                  \
    WITHIN_EMULATED void exact_batch_norm_##name(                                                                      \
        const Element* x, LAYOUT, int64_t count, double eps, double momentum, const T* variance, T* squares, T* mean,  \
        const T* weight, const T* bias, const T* old_mean, const T* old_variance, T* scale, T* factor, T* new_mean,    \
        T* new_variance, int64_t channels, int64_t in_channel, T* partial, Element* out) {                             \
        const within::ChannelTask<T> task{static_cast<T>(count),                                                       \
                                          static_cast<T>(eps),                                                         \
                                          static_cast<T>(momentum),                                                    \
                                          static_cast<T>(1.0 - momentum),                                              \
                                          squares,                                                                     \
                                          variance,                                                                    \
                                          mean,                                                                        \
                                          weight,                                                                      \
                                          old_mean,                                                                    \
                                          old_variance,                                                                \
                                          scale,                                                                       \
                                          factor,                                                                      \
                                          new_mean,                                                                    \
                                          new_variance};                                                               \
        within::launch_batch<Element>(x, IN_LAYOUT, task, channels, in_channel, squares, partial, bias, out, nullptr); \
    }                                                                                                                  \
    WITHIN_EMULATED void exact_batch_norm_backward_##name(                                                             \
        const Element* x, const Element* gradient, int64_t count, int64_t channels, int64_t length, int64_t is_frozen, \
        const T* mean, const T* scale, const T* factor, const T* of_weight, const T* of_bias, Element* out) {          \
        within::launch_batch_backward<Element>(x, gradient, count, channels, length, is_frozen != 0, mean, scale,      \
                                               factor, of_weight, of_bias, out, nullptr);                              \
    }

NORMS(float64, double, double)
NORMS(float32, float, float)
NORMS(float16, within::Float16, float)
NORMS(bfloat16, within::BFloat16, float)
