// Optimizers: what csrc/exact/optim_cuda.cpp asks of a GPU.
#include "exact/optim.cuh"
#include "interface.h"

#define OPTIM(name, Element)                                                                                           \
    WITHIN_EMULATED void adam_##name(Element* parameter, const Element* gradient, Element* mean, Element* square,      \
                                     Element* largest, int64_t count, double keep, double decay, double mean_share,    \
                                     double square_keep, double square_share, double spread, double eps, double rate,  \
                                     int64_t is_decoupled, int64_t is_decayed, int64_t is_maximized) {                 \
        within::launch_adam<Element>({{}, parameter, gradient, mean, square, largest, 0, count},                       \
                                     {keep, decay, mean_share, square_keep, square_share, spread, eps, rate,           \
                                      is_decoupled != 0, is_decayed != 0, is_maximized != 0, largest != nullptr},      \
                                     nullptr);                                                                         \
    }                                                                                                                  \
    WITHIN_EMULATED void sgd_##name(Element* parameter, const Element* gradient, Element* momentum, int64_t count,     \
                                    double rate, double decay, double kept, double share, int64_t is_decayed,          \
                                    int64_t is_maximized, int64_t is_nesterov, int64_t is_first) {                     \
        within::launch_sgd<Element>(                                                                                   \
            {{}, parameter, gradient, momentum, nullptr, nullptr, 0, count},                                           \
            {rate, decay, kept, share, is_decayed != 0, is_maximized != 0, is_nesterov != 0, is_first != 0}, nullptr); \
    }                                                                                                                  \
    WITHIN_EMULATED void norm_sums_##name(int64_t norm, const Element* x, int64_t count, double* sums) {               \
        within::launch_norm_sums<Element>(                                                                             \
            {static_cast<within::Norm>(norm), {}, x, count, 0, within::sum_blocks_of(count), sums}, nullptr);          \
    }                                                                                                                  \
    WITHIN_EMULATED void clip_##name(Element* x, int64_t count, const float* norm, const double* wide, double limit) { \
        const within::ClipTask task{{}, x, 0, count, norm != nullptr || wide != nullptr, limit};                       \
        wide != nullptr ? within::launch_clip<Element>(task, wide, nullptr)                                            \
                        : within::launch_clip<Element>(task, norm, nullptr);                                           \
    }

OPTIM(float64, double)
OPTIM(float32, float)
OPTIM(float16, within::Float16)
OPTIM(bfloat16, within::BFloat16)

WITHIN_EMULATED void norm_float32(int64_t norm, double* sums, const int64_t* ends, int64_t tensors, double* of_tensors,
                                  float* out) {
    within::launch_total_norm(static_cast<within::Norm>(norm), sums, ends, tensors, of_tensors, out, nullptr);
}
WITHIN_EMULATED void norm_float64(int64_t norm, double* sums, const int64_t* ends, int64_t tensors, double* of_tensors,
                                  double* out) {
    within::launch_total_norm(static_cast<within::Norm>(norm), sums, ends, tensors, of_tensors, out, nullptr);
}
