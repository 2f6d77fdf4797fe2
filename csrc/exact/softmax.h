// Softmax and its logarithm: what kernels are given, and the arithmetic of a number.
//
// Of a row x: m is its largest number, e = exp(x - m), s the sum of e in the order of exact/sum.h. Softmax is
// e * (1 / s), its logarithm (x - m) - log s. With gradient g and result y, the gradient of x is y (g - sum of
// fma(y, g, .)), or fma(-exp(y), sum of g, g) for the logarithm.
#pragma once

#include "core/dtype.h"
#include "exact/moments.h"

namespace within {

constexpr int64_t kSoftmaxColumns = 64;  // of a unit of work

// x, gradient, result: [outer, n, inner], contiguous. A unit is one of outer * inner rows where inner is 1, and
// kSoftmaxColumns columns of one of the outer ones otherwise.
struct SoftmaxTask {
    Dtype dtype;
    bool is_log;
    const void* x;  // the result, for the gradient
    const void* gradient;
    int64_t n;
    int64_t inner;
    int64_t begin;
    int64_t end;
    void* out;
};

inline namespace WITHIN_ISA {

template <typename L>
struct Softmax {
    using Float = typename L::Float;
    using F = Functions<L>;

    // exp of what is not above 0; a NaN stays one.
    WITHIN_HOST_DEVICE static Float power(Float difference) {
        return F::exp_bounded(L::most(L::all(F::kLeastExponent), difference));
    }
    WITHIN_HOST_DEVICE static Float logarithm(Float x, Float most, Float log_sum) {
        return F::canonical(x - most - log_sum);
    }
    WITHIN_HOST_DEVICE static Float slope(Float result, Float gradient, Float sum_of_products) {
        return F::canonical(result * (gradient - sum_of_products));
    }
    WITHIN_HOST_DEVICE static Float slope_of_log(Float result, Float gradient, Float sum) {
        return F::canonical(L::fused(-F::exp(result), sum, gradient));
    }
};

}  // namespace WITHIN_ISA
}  // namespace within
