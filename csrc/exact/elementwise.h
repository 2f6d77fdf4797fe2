// What the kernels of elementwise functions are given, and the functions.
#pragma once

#include "core/dtype.h"
#include "exact/trigonometry.h"

// Some have one parameter, a, or two, a and b.
#define WITHIN_UNARY_FUNCTIONS(each)                                                                                  \
    each(exp) each(expm1) each(square) each(log) each(log1p) each(tanh) each(sigmoid) each(logsigmoid) each(softplus) \
        each(erf) each(sqrt) each(rsqrt) each(sin) each(cos) each(silu) each(gelu) each(gelu_tanh) each(mish)         \
            each(relu) each(leaky_relu) each(elu) each(celu) each(selu) each(hardtanh) each(hardswish)                \
                each(hardsigmoid)

namespace within {

#define WITHIN_NAME(name) name,
enum class Unary { WITHIN_UNARY_FUNCTIONS(WITHIN_NAME) };
#undef WITHIN_NAME
#define WITHIN_NAME(name) #name,
constexpr const char* kUnaryNames[] = {WITHIN_UNARY_FUNCTIONS(WITHIN_NAME)};
#undef WITHIN_NAME

// Whether the derivative is made of the function's value rather than of its argument.
constexpr bool is_slope_of_value(Unary function) {
    return function == Unary::exp || function == Unary::expm1 || function == Unary::tanh ||
           function == Unary::sigmoid || function == Unary::sqrt || function == Unary::rsqrt || function == Unary::relu;
}

struct UnaryTask {
    Unary function;
    Dtype dtype;
    double a;
    double b;
    const void* gradient;  // of what came out; null for the function itself
    const void* x;         // the argument, or what the derivative is made of
    int64_t begin;
    int64_t end;
    void* out;
};

inline namespace WITHIN_ISA {

constexpr double kSeluScale = 1.0507009873554804934193349852946;
constexpr double kSeluAlpha = 1.6732632423543772848170429916717;

template <typename L, Unary function>
WITHIN_HOST_DEVICE typename L::Float apply(typename L::Float x, typename L::Float a, typename L::Float b) {
    using F = Functions<L>;
    using Float = typename L::Float;
    const Float zero = L::all(0);
    if constexpr (function == Unary::exp) return F::exp(x);
    if constexpr (function == Unary::expm1) return F::expm1(x);
    if constexpr (function == Unary::square) return F::canonical(x * x);
    if constexpr (function == Unary::log) return F::log(x);
    if constexpr (function == Unary::log1p) return F::log1p(x);
    if constexpr (function == Unary::tanh) return F::tanh(x);
    if constexpr (function == Unary::sigmoid) return F::sigmoid(x);
    if constexpr (function == Unary::logsigmoid) return F::logsigmoid(x);
    if constexpr (function == Unary::softplus) {  // a is what x is multiplied by, b where it is linear from
        const Float scaled = x * a;
        const Float result = F::softplus(scaled);
        return scaled > b ? x : L::any(a != 1.0f) ? result / a : result;
    }
    if constexpr (function == Unary::erf) return F::erf(x);
    if constexpr (function == Unary::sqrt) return F::root(x);
    if constexpr (function == Unary::rsqrt) return F::rsqrt(x);
    if constexpr (function == Unary::sin) return sine<L>(x);
    if constexpr (function == Unary::cos) return cosine<L>(x);
    if constexpr (function == Unary::silu) return F::silu(x);
    if constexpr (function == Unary::gelu) return F::gelu(x);
    if constexpr (function == Unary::gelu_tanh) return F::gelu_tanh(x);
    if constexpr (function == Unary::mish) return F::mish(x);
    if constexpr (function == Unary::relu) return F::unless_nan(x, x > 0.0f ? x : zero);
    if constexpr (function == Unary::leaky_relu) return F::canonical(x > 0.0f ? x : x * a);
    if constexpr (function == Unary::elu) return F::canonical(x > 0.0f ? x : F::expm1(x) * a);
    if constexpr (function == Unary::celu) return F::canonical(x > 0.0f ? x : F::expm1(x / a) * a);
    if constexpr (function == Unary::selu)
        return F::canonical(x > 0.0f ? x * L::all(kSeluScale) : F::expm1(x) * L::all(kSeluScale * kSeluAlpha));
    if constexpr (function == Unary::hardtanh) return F::unless_nan(x, x < a ? a : x > b ? b : x);
    if constexpr (function == Unary::hardsigmoid)
        return F::unless_nan(x, F::at_most(F::at_least(x + 3.0f, zero), L::all(6)) / 6.0f);
    if constexpr (function == Unary::hardswish)
        return F::canonical(x * F::at_most(F::at_least(x + 3.0f, zero), L::all(6)) / 6.0f);
}

// share + z' x share (1 - share): the derivative of x times a sigmoid of z, which is share.
template <typename L>
WITHIN_HOST_DEVICE typename L::Float gated_slope(typename L::Float x, typename L::Float share,
                                                 typename L::Float slope_of_z) {
    return L::fused(x * slope_of_z, share * (1.0f - share), share);
}

// The derivative, of the function's value or of its argument x, as is_slope_of_value says.
template <typename L, Unary function>
WITHIN_HOST_DEVICE typename L::Float slope(typename L::Float x, typename L::Float a, typename L::Float b) {
    using F = Functions<L>;
    using Float = typename L::Float;
    const Float zero = L::all(0), one = L::all(1);
    if constexpr (function == Unary::exp) return x;
    if constexpr (function == Unary::expm1) return x + 1.0f;
    if constexpr (function == Unary::square) return x + x;
    if constexpr (function == Unary::log) return 1.0f / x;
    if constexpr (function == Unary::log1p) return 1.0f / (x + 1.0f);
    if constexpr (function == Unary::tanh) return L::fused(-x, x, one);
    if constexpr (function == Unary::sigmoid) return x * (1.0f - x);
    if constexpr (function == Unary::logsigmoid) return F::sigmoid(-x);
    if constexpr (function == Unary::softplus) {
        const Float scaled = x * a;
        return scaled > b ? one : F::sigmoid(scaled);
    }
    if constexpr (function == Unary::erf) {
        const Float power = F::lifted_exp_square(F::at_most(F::magnitude(x), L::all(F::kFarErf)), 1.0f);
        return F::lowered(power * L::all(1.1283791670955126));
    }
    if constexpr (function == Unary::sqrt) return 0.5f / x;
    if constexpr (function == Unary::rsqrt) return x * x * x * -0.5f;
    if constexpr (function == Unary::sin) return cosine<L>(x);
    if constexpr (function == Unary::cos) return -sine<L>(x);
    if constexpr (function == Unary::silu) return gated_slope<L>(F::bounded(x), F::sigmoid(x), one);
    if constexpr (function == Unary::gelu) {
        const Float t = F::at_most(F::magnitude(x), L::all(F::kFarTail));
        const Float bell = F::lowered(F::lifted_exp_square(t, 0.5f));
        const Float beyond = F::tail_ratio(t) * bell;
        return L::fused(F::with_sign(t, x) * L::all(0.39894228040143268), bell, x < 0.0f ? beyond : 1.0f - beyond);
    }
    if constexpr (function == Unary::gelu_tanh) {
        const Float size = F::bounded(x);
        const Float share = F::sigmoid(F::gelu_tanh_inner(size));
        const Float inner_slope = L::fused(size * size, L::all(0.21406444881780074), L::all(1.5957691216057308));
        return gated_slope<L>(size, share, inner_slope);
    }
    if constexpr (function == Unary::mish) {
        const Float share = F::mish_share(x);
        return L::fused(F::bounded(x) * F::sigmoid(x), L::fused(-share, share, one), share);
    }
    if constexpr (function == Unary::relu) return x > 0.0f ? one : zero;
    if constexpr (function == Unary::leaky_relu) return x > 0.0f ? one : a;
    if constexpr (function == Unary::elu) return x > 0.0f ? one : F::exp(x) * a;
    if constexpr (function == Unary::celu) return x > 0.0f ? one : F::exp(x / a);
    if constexpr (function == Unary::selu)
        return (x > 0.0f ? one : F::exp(x) * L::all(kSeluAlpha)) * L::all(kSeluScale);
    if constexpr (function == Unary::hardtanh) return x > a ? (x < b ? one : zero) : zero;
    if constexpr (function == Unary::hardsigmoid) return x > -3.0f ? (x < 3.0f ? one / 6.0f : zero) : zero;
    if constexpr (function == Unary::hardswish) return x > -3.0f ? (x < 3.0f ? x / 3.0f + 0.5f : one) : zero;
}

// What comes back through the function: 0 where the derivative is.
template <typename L, Unary function>
WITHIN_HOST_DEVICE typename L::Float apply_backward(typename L::Float gradient, typename L::Float x,
                                                    typename L::Float a, typename L::Float b) {
    const typename L::Float rate = slope<L, function>(x, a, b);
    return Functions<L>::canonical(rate == 0.0f ? L::all(0) : gradient * rate);
}

#define WITHIN_CASE(name) \
    case Unary::name:     \
        return work.template run<Unary::name>();

// Calls work.template run<function>().
template <typename Work>
WITHIN_HOST_DEVICE void with_function(Unary function, const Work& work) {
    switch (function) { WITHIN_UNARY_FUNCTIONS(WITHIN_CASE) }
}
#undef WITHIN_CASE

}  // namespace WITHIN_ISA
}  // namespace within
