// Losses of an element and its target, and what their kernels are given.
//
// Every operation is rounded once; docs/exact/losses.md has the formulas.
#pragma once

#include "exact/numbers.h"

namespace within {

enum class PointLoss { squared, absolute, huber, smooth_l1, logistic, quantile, margin };
constexpr const char* kPointLossNames[] = {"mse", "l1", "huber", "smooth_l1", "logistic", "quantile", "margin"};

// weighted_mean divides by the sum of the weights, mean by the number of elements.
enum class LossReduction { none, mean, sum, weighted_mean };

// Elements [begin, end); of sums, blocks [begin, end) of kSumBlock elements.
struct PointLossTask {
    PointLoss loss;
    Dtype dtype;
    const void* input;
    const void* target;
    const void* factor;  // weights of positives or null, quantiles or null, which of a pair is to be the higher
    const void* weight;  // or null
    double parameter;    // delta, beta, the margin or the quantile of all
    int64_t count;
    int64_t begin;
    int64_t end;
    void* out;             // losses or gradients; sums of blocks are float or double
    const void* incoming;  // gradients of the elements' losses, or one number
    bool is_one_incoming;
    double divisor;  // of that one, a float or a double
};

inline namespace WITHIN_ISA {

// A loss, and its derivative by the input.
template <typename L, PointLoss loss, bool has_factor>
struct PointLossOf {
    using Float = typename L::Float;
    using T = NumberOf<L>;
    using F = Functions<L>;

    WITHIN_HOST_DEVICE static Float value(Float x, Float t, Float factor, T parameter) {
        const Float gap = x - t, size = F::magnitude(gap);
        if constexpr (loss == PointLoss::quantile && !has_factor) factor = L::all(parameter);
        if constexpr (loss == PointLoss::squared) return gap * gap;
        if constexpr (loss == PointLoss::absolute) return size;
        if constexpr (loss == PointLoss::huber) {
            const T half = parameter * T(0.5);
            return size <= parameter ? 0.5f * gap * gap : parameter * (size - half);
        }
        if constexpr (loss == PointLoss::smooth_l1) {
            const T half = parameter * T(0.5);
            return size < parameter ? 0.5f * gap * gap / parameter : size - half;
        }
        if constexpr (loss == PointLoss::logistic) {
            const Float of_positive = positives(t, factor), of_negative = 1.0f - t;
            const Float line = x > 0.0f ? of_negative * x : of_positive * -x;
            const Float rest = F::log1p_of_share(F::exp_of_minus(x));
            return has_factor ? L::fused(of_positive + of_negative, rest, line) : line + rest;
        }
        if constexpr (loss == PointLoss::quantile) {
            const Float above = t - x;
            return above >= 0.0f ? factor * above : (factor - 1.0f) * above;
        }
        if constexpr (loss == PointLoss::margin) {
            const Float missing = L::fused(-factor, gap, L::all(parameter));
            return missing < 0.0f ? L::all(0) : missing;
        }
    }

    WITHIN_HOST_DEVICE static Float slope(Float x, Float t, Float factor, T parameter) {
        const Float gap = x - t;
        if constexpr (loss == PointLoss::quantile && !has_factor) factor = L::all(parameter);
        if constexpr (loss == PointLoss::squared) return gap + gap;
        if constexpr (loss == PointLoss::absolute) return sign(gap, L::all(1), L::all(-1));
        if constexpr (loss == PointLoss::huber)
            return gap > parameter ? L::all(parameter) : gap < -parameter ? L::all(-parameter) : gap;
        if constexpr (loss == PointLoss::smooth_l1)
            return F::magnitude(gap) < parameter ? gap / parameter : sign(gap, L::all(1), L::all(-1));
        if constexpr (loss == PointLoss::logistic) {
            const Float of_positive = positives(t, factor), of_negative = 1.0f - t;
            const Float power = F::exp_of_minus(x), share = power / (power + 1.0f);
            if constexpr (!has_factor) return x > 0.0f ? of_negative - share : share - of_positive;
            const Float both = of_positive + of_negative;
            return x > 0.0f ? L::fused(-both, share, of_negative) : L::fused(both, share, -of_positive);
        }
        if constexpr (loss == PointLoss::quantile) return sign(gap, 1.0f - factor, -factor);
        if constexpr (loss == PointLoss::margin) {
            const Float missing = L::fused(-factor, gap, L::all(parameter));
            return missing < 0.0f ? L::all(0) : missing == missing ? -factor : missing;
        }
    }

    WITHIN_HOST_DEVICE static Float positives(Float t, Float factor) { return has_factor ? factor * t : t; }
    // What is neither above nor below 0 is 0 or no number.
    WITHIN_HOST_DEVICE static Float sign(Float gap, Float above, Float below) {
        return gap > 0.0f ? above : gap < 0.0f ? below : gap;
    }
};

// The elements of a task.
template <typename L, typename Element, PointLoss loss, bool has_factor>
struct PointTerms {
    using Float = typename L::Float;
    using T = NumberOf<L>;
    using Of = PointLossOf<L, loss, has_factor>;

    const Element* input;
    const Element* target;
    const Element* factor;
    const Element* weight;
    T parameter;

    WITHIN_HOST_DEVICE explicit PointTerms(const PointLossTask& task)
        : input(static_cast<const Element*>(task.input)),
          target(static_cast<const Element*>(task.target)),
          factor(static_cast<const Element*>(task.factor)),
          weight(static_cast<const Element*>(task.weight)),
          parameter(static_cast<T>(task.parameter)) {}

    WITHIN_HOST_DEVICE Float factor_of(int64_t i) const {
        if constexpr (has_factor) return read<L>(factor + i);
        return Float{};
    }
    WITHIN_HOST_DEVICE Float value(int64_t i) const {
        const Float of = Of::value(read<L>(input + i), read<L>(target + i), factor_of(i), parameter);
        return weight == nullptr ? of : of * read<L>(weight + i);
    }
    // Times what comes in for the element.
    WITHIN_HOST_DEVICE Float gradient(int64_t i, Float incoming) const {
        const Float of = Of::slope(read<L>(input + i), read<L>(target + i), factor_of(i), parameter);
        return (weight == nullptr ? of : of * read<L>(weight + i)) * incoming;
    }
};

template <PointLoss kind, bool with_factor>
struct PointLossTag {
    static constexpr PointLoss loss = kind;
    static constexpr bool has_factor = with_factor;
};

// Calls work(tag) for the loss of a task.
template <typename Work>
void with_point_loss(const PointLossTask& task, const Work& work) {
    switch (task.loss) {
        case PointLoss::squared:
            return work(PointLossTag<PointLoss::squared, false>{});
        case PointLoss::absolute:
            return work(PointLossTag<PointLoss::absolute, false>{});
        case PointLoss::huber:
            return work(PointLossTag<PointLoss::huber, false>{});
        case PointLoss::smooth_l1:
            return work(PointLossTag<PointLoss::smooth_l1, false>{});
        case PointLoss::logistic:
            if (task.factor == nullptr) return work(PointLossTag<PointLoss::logistic, false>{});
            return work(PointLossTag<PointLoss::logistic, true>{});
        case PointLoss::quantile:
            if (task.factor == nullptr) return work(PointLossTag<PointLoss::quantile, false>{});
            return work(PointLossTag<PointLoss::quantile, true>{});
        case PointLoss::margin:
            return work(PointLossTag<PointLoss::margin, true>{});
    }
}

}  // namespace WITHIN_ISA
}  // namespace within
