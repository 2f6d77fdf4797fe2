// Losses: what csrc/exact/losses_cuda.cpp asks of a GPU.
#include "exact/class_loss.cuh"
#include "exact/pairwise_loss.cuh"
#include "exact/pointwise_loss.cuh"
#include "interface.h"

#define LOSSES(name, Element, T)                                                                                    \
    WITHIN_EMULATED void point_loss_##name(int64_t loss, const Element* input, const Element* target,               \
                                           const Element* factor, const Element* weight, double parameter,          \
                                           int64_t count, T* sums, T* divisor, double counted, Element* out) {      \
        within::PointLossTask task{};                                                                               \
        task.loss = static_cast<within::PointLoss>(loss);                                                           \
        task.input = input, task.target = target, task.factor = factor, task.weight = weight;                       \
        task.parameter = parameter, task.count = count, task.divisor = counted, task.out = out;                     \
        if (sums == nullptr) return within::launch_point_values<Element>(task, nullptr);                            \
        if (divisor != nullptr)                                                                                     \
            within::launch_number_sum<Element>(weight, count, static_cast<const T*>(nullptr), 1, sums, divisor,     \
                                               nullptr);                                                            \
        within::launch_point_sum<Element>(task, divisor, sums, out, nullptr);                                       \
    }                                                                                                               \
    WITHIN_EMULATED void point_gradient_##name(int64_t loss, const Element* incoming, int64_t is_one,               \
                                               const Element* input, const Element* target, const Element* factor,  \
                                               const Element* weight, double parameter, int64_t count,              \
                                               const T* divisor, double counted, Element* out) {                    \
        within::PointLossTask task{};                                                                               \
        task.loss = static_cast<within::PointLoss>(loss);                                                           \
        task.input = input, task.target = target, task.factor = factor, task.weight = weight;                       \
        task.parameter = parameter, task.count = count, task.divisor = counted, task.out = out;                     \
        task.incoming = incoming, task.is_one_incoming = is_one != 0;                                               \
        within::launch_point_gradients<Element>(task, divisor, nullptr);                                            \
    }                                                                                                               \
    WITHIN_EMULATED void class_loss_##name(                                                                         \
        int64_t is_log, const Element* input, const int64_t* labels, const Element* shares, const Element* weight,  \
        int64_t rows, int64_t classes, int64_t depth, int64_t ignored, double smoothing, T* losses, T* weights,     \
        T* of_rows, int64_t is_mean, T* sums, T* divisor, Element* out) {                                           \
        within::ClassLossTask task{};                                                                               \
        task.input = input, task.labels = labels, task.shares = shares;                                             \
        task.weight = weight, task.end = rows, task.classes = classes, task.depth = depth, task.ignored = ignored;  \
        task.smoothing = smoothing, task.losses = losses, task.weights = weights;                                   \
        task.largest = of_rows, task.inverse = of_rows + rows, task.totals = of_rows + 2 * rows;                    \
        within::launch_class_losses<Element>(task, is_log != 0, nullptr);                                           \
        if (out == nullptr) return;                                                                                 \
        if (is_mean != 0 && labels != nullptr)                                                                      \
            within::launch_number_sum<T>(weights, rows, static_cast<const T*>(nullptr), 1, sums, divisor, nullptr); \
        within::launch_number_sum<T>(losses, rows, divisor, 1, sums, out, nullptr);                                 \
    }                                                                                                               \
    WITHIN_EMULATED void class_gradient_##name(                                                                     \
        const T* incoming, int64_t is_one, int64_t is_log, const Element* input, const int64_t* labels,             \
        const Element* shares, const T* weight, int64_t rows, int64_t classes, int64_t depth, int64_t ignored,      \
        double smoothing, T* of_rows, const T* divisor, T* weight_sum, Element* out) {                              \
        within::ClassLossTask task{};                                                                               \
        task.input = input, task.labels = labels, task.shares = shares;                                             \
        task.weight = weight, task.end = rows, task.classes = classes, task.depth = depth, task.ignored = ignored;  \
        task.smoothing = smoothing, task.out = out, task.incoming = incoming, task.is_one_incoming = is_one != 0;   \
        task.largest = of_rows, task.inverse = of_rows + rows, task.totals = of_rows + 2 * rows;                    \
        within::launch_class_gradients<Element>(task, is_log != 0, divisor, weight_sum, nullptr);                   \
    }                                                                                                               \
    WITHIN_EMULATED void number_sum_##name(const Element* x, int64_t count, T* sums, T* out) {                      \
        within::launch_number_sum<Element>(x, count, static_cast<const T*>(nullptr), 1, sums, out, nullptr);        \
    }

LOSSES(float64, double, double)
LOSSES(float32, float, float)
LOSSES(float16, within::Float16, float)
LOSSES(bfloat16, within::BFloat16, float)

#define PAIRS(name, T)                                                                                                \
    WITHIN_EMULATED void pair_loss_##name(const T* scores, const T* targets, const int64_t* from, const int64_t* to,  \
                                          int64_t rows, T* out, int64_t* pairs) {                                     \
        within::launch_pair_losses<T>({false, scores, targets, from, to, 0, rows, out, pairs, nullptr}, nullptr);     \
    }                                                                                                                 \
    WITHIN_EMULATED void pair_gradient_##name(const T* scores, const T* targets, const int64_t* from,                 \
                                              const int64_t* to, int64_t rows, const T* scales, T* out) {             \
        within::launch_pair_gradients<T>({false, scores, targets, from, to, 0, rows, out, nullptr, scales}, nullptr); \
    }

PAIRS(float64, double)
PAIRS(float32, float)
