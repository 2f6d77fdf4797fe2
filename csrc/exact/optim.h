// Steps of optimizers: the arithmetic of a parameter, and what the kernels are given.
//
// docs/exact/optim.md has the order. Constants are computed in float64 on the host and rounded once to the format that
// a step is made in: float64 of float64, otherwise float32.
#pragma once

#include <cmath>

#include "exact/numbers.h"
#include "exact/sum.h"

namespace within {

struct AdamRates {
    double keep;          // 1 - lr weight_decay where that is decoupled
    double decay;         // weight_decay where it is not
    double mean_share;    // 1 - beta1
    double square_keep;   // beta2
    double square_share;  // 1 - beta2
    double spread;        // 1 / sqrt(1 - beta2^step)
    double eps;
    double rate;  // lr / (1 - beta1^step)
    bool is_decoupled;
    bool is_decayed;
    bool is_maximized;
    bool has_largest;
};

struct SgdRates {
    double rate;
    double decay;
    double momentum;
    double share;  // 1 - dampening
    bool is_decayed;
    bool is_maximized;
    bool is_nesterov;
    bool is_first;  // there is no momentum yet
};

// Numbers [begin, end) of a parameter; its state is of its format.
struct StepTask {
    Dtype dtype;
    void* parameter;
    const void* gradient;
    void* first;   // Adam's mean, the momentum, or null
    void* second;  // Adam's mean of squares
    void* third;   // the largest of these, or null
    int64_t begin;
    int64_t end;
};

enum class Norm { absolute, squares, largest };

// Blocks [begin, end) of kSumBlock numbers: the sum of each, in float64, or the largest size.
struct NormSumTask {
    Norm norm;
    Dtype dtype;
    const void* data;
    int64_t count;
    int64_t begin;
    int64_t end;
    double* sums;
};

// Numbers [begin, end) times a factor, or brought into [-limit, limit].
struct ClipTask {
    Dtype dtype;
    void* data;
    int64_t begin;
    int64_t end;
    bool is_scaled;
    double factor;  // or the limit
};

inline namespace WITHIN_ISA {

// What is added up for a norm: numbers of 32 bits and fewer have exact squares in float64.
WITHIN_HOST_DEVICE double norm_term(Norm norm, double x) { return norm == Norm::squares ? x * x : ::fabs(x); }

// A size by its bits, whose order is that of sizes, with NaN above all.
WITHIN_HOST_DEVICE uint32_t size_bits(float x) { return bits_of_float(x) & 0x7fffffffu; }
WITHIN_HOST_DEVICE uint64_t size_bits(double x) { return bits_of(x) & 0x7fffffffffffffffull; }
WITHIN_HOST_DEVICE double size_from(uint32_t bits) { return float_of_bits(bits); }
WITHIN_HOST_DEVICE double size_from(uint64_t bits) { return double_of(bits); }

// What gradients of a norm are multiplied by: 1 or less, or NaN.
template <typename T>
WITHIN_HOST_DEVICE T clip_factor(T norm, double max_norm) {
    const T factor = static_cast<T>(max_norm) / (norm + static_cast<T>(1e-6));
    return factor > T{1} ? T{1} : factor;
}

template <typename L>
WITHIN_HOST_DEVICE typename L::Float clip(typename L::Float x, const ClipTask& task) {
    using T = NumberOf<L>;
    const T factor = static_cast<T>(task.factor);
    if (task.is_scaled) return x * factor;
    return x < -factor ? L::all(-factor) : x > factor ? L::all(factor) : x;
}

template <typename L>
struct AdamStep {
    using Float = typename L::Float;
    using T = NumberOf<L>;

    T keep, decay, mean_share, square_keep, square_share, spread, eps, rate;
    bool is_decoupled, is_decayed, is_maximized;

    WITHIN_HOST_DEVICE explicit AdamStep(const AdamRates& of)
        : keep(static_cast<T>(of.keep)),
          decay(static_cast<T>(of.decay)),
          mean_share(static_cast<T>(of.mean_share)),
          square_keep(static_cast<T>(of.square_keep)),
          square_share(static_cast<T>(of.square_share)),
          spread(static_cast<T>(of.spread)),
          eps(static_cast<T>(of.eps)),
          rate(static_cast<T>(of.rate)),
          is_decoupled(of.is_decoupled),
          is_decayed(of.is_decayed),
          is_maximized(of.is_maximized) {}

    // largest is null or the largest mean of squares so far.
    WITHIN_HOST_DEVICE Float operator()(Float parameter, Float gradient, Float* mean, Float* square,
                                        Float* largest) const {
        if (is_maximized) gradient = -gradient;
        if (is_decayed && is_decoupled) parameter = parameter * keep;
        if (is_decayed && !is_decoupled) gradient = L::fused(L::all(decay), parameter, gradient);
        *mean = L::fused(L::all(mean_share), gradient - *mean, *mean);
        *square = L::fused(square_share * gradient, gradient, square_keep * *square);
        Float of_root = *square;
        if (largest != nullptr) {
            *largest = *square > *largest ? *square : *largest;
            *largest = *square == *square ? *largest : *square;
            of_root = *largest;
        }
        const Float bound = L::fused(L::root(of_root), L::all(spread), L::all(eps));
        return L::fused(L::all(-rate), *mean / bound, parameter);
    }
};

template <typename L>
struct SgdStep {
    using Float = typename L::Float;
    using T = NumberOf<L>;

    T rate, decay, momentum, share;
    bool is_decayed, is_maximized, is_nesterov, is_first;

    WITHIN_HOST_DEVICE explicit SgdStep(const SgdRates& of)
        : rate(static_cast<T>(of.rate)),
          decay(static_cast<T>(of.decay)),
          momentum(static_cast<T>(of.momentum)),
          share(static_cast<T>(of.share)),
          is_decayed(of.is_decayed),
          is_maximized(of.is_maximized),
          is_nesterov(of.is_nesterov),
          is_first(of.is_first) {}

    // moved is null without momentum.
    WITHIN_HOST_DEVICE Float operator()(Float parameter, Float gradient, Float* moved) const {
        if (is_maximized) gradient = -gradient;
        if (is_decayed) gradient = L::fused(L::all(decay), parameter, gradient);
        if (moved != nullptr) {
            *moved = is_first ? gradient : L::fused(L::all(momentum), *moved, share * gradient);
            gradient = is_nesterov ? L::fused(L::all(momentum), *moved, gradient) : *moved;
        }
        return L::fused(L::all(-rate), gradient, parameter);
    }
};

}  // namespace WITHIN_ISA
}  // namespace within
