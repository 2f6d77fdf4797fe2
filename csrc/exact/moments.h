// The arithmetic of means, squared deviations and normalisation, for lanes and for one number.
#pragma once

#include "core/dtype.h"
#include "exact/functions64.h"

namespace within {
inline namespace WITHIN_ISA {

// One number of type T as a lane type.
template <typename T>
using LaneOf = std::conditional_t<std::is_same_v<T, double>, Scalar64, Scalar>;

template <typename L>
struct Moments {
    using Float = typename L::Float;

    WITHIN_HOST_DEVICE static Float add_square(Float deviation, Float chain) {
        return L::fused(deviation, deviation, chain);
    }
    WITHIN_HOST_DEVICE static Float normalised(Float x, Float mean, Float scale) { return (x - mean) * scale; }
    // The gradient of x, where the gradient of what is normalised has this mean, and its product with that another.
    WITHIN_HOST_DEVICE static Float slope(Float gradient, Float normalised, Float mean, Float mean_product,
                                          Float scale) {
        return L::fused(-normalised, mean_product, gradient - mean) * scale;
    }
};

// 1 / sqrt(variance + eps), the variance being squares / count.
template <typename T>
WITHIN_HOST_DEVICE T normalising_scale(T variance, T eps) {
    return Functions<LaneOf<T>>::canonical(T{1} / Functions<LaneOf<T>>::root(variance + eps));
}

}  // namespace WITHIN_ISA
}  // namespace within
