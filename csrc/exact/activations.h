// Activations and their kin, made of the functions of exact/functions.h (float32) or exact/functions64.h (float64): one
// text for both. L is a lane type (core/lanes.h).
#pragma once

#include "core/lanes.h"

namespace within {
inline namespace WITHIN_ISA {

template <typename L>
struct Functions;

template <typename L>
struct Activations {
    using Float = typename L::Float;
    using F = Functions<L>;

    WITHIN_HOST_DEVICE static Float zero() { return L::all(0); }
    WITHIN_HOST_DEVICE static Float one() { return L::all(1); }
    WITHIN_HOST_DEVICE static Float at_least(Float x, Float least) { return L::most(least, x); }
    WITHIN_HOST_DEVICE static Float at_most(Float x, Float most) { return L::least(most, x); }
    // By its sign: that of a zero and of a NaN too.
    WITHIN_HOST_DEVICE static auto is_negative(Float x) { return same_bits<typename L::Int>(x) < 0; }

    // Cut to where exp(-|x|) is a number other than 0, and a little further.
    WITHIN_HOST_DEVICE static Float bounded(Float x) {
        return at_most(at_least(x, L::all(F::kLeastExponent)), L::all(-F::kLeastExponent));
    }

    // exp(-|x|) 2^kLift: a product that is lowered last has a subnormal result rounded once.
    WITHIN_HOST_DEVICE static Float lifted_exp_of_minus(Float x) {
        return F::lifted_exp(at_least(F::minus_magnitude(x), L::all(F::kLeastExponent)));
    }
    WITHIN_HOST_DEVICE static Float lowered(Float x) { return x * F::kLowered; }
    WITHIN_HOST_DEVICE static Float exp_of_minus(Float x) { return lowered(lifted_exp_of_minus(x)); }
    // exp(-c t^2) 2^kLift, c a power of two; what the product loses is put back.
    WITHIN_HOST_DEVICE static Float lifted_exp_square(Float t, float c) {
        const Float scaled = t * -c, product = scaled * t;
        const Float lost = L::fused(scaled, t, -product);
        const Float power = F::lifted_exp(product);
        return L::fused(power, lost, power);
    }

    // exp(-|x|) / (1 + exp(-|x|)), or 1 over that sum.
    WITHIN_HOST_DEVICE static Float sigmoid(Float x) {
        const Float power = exp_of_minus(x);
        return F::unless_nan(x, (is_negative(x) ? power : one()) / (power + 1.0f));
    }
    WITHIN_HOST_DEVICE static Float softplus(Float x) {
        return F::unless_nan(x, at_least(x, zero()) + F::log1p_of_share(exp_of_minus(x)));
    }
    WITHIN_HOST_DEVICE static Float logsigmoid(Float x) {
        return F::unless_nan(x, at_most(x, zero()) - F::log1p_of_share(exp_of_minus(x)));
    }
    WITHIN_HOST_DEVICE static Float rsqrt(Float x) { return x >= 0.0f ? 1.0f / L::root(x) : F::nan(); }

    // x sigmoid(z), of z with the sign of x: 0 where the sigmoid is that small.
    WITHIN_HOST_DEVICE static Float gated(Float x, Float z) {
        const Float power = lifted_exp_of_minus(z);
        const Float share =
            (is_negative(z) ? at_least(x, L::all(F::kLeastExponent)) * power : x) / (lowered(power) + 1.0f);
        return F::unless_nan(x, is_negative(z) ? lowered(share) : share);
    }
    WITHIN_HOST_DEVICE static Float silu(Float x) { return gated(x, x); }
    // x sigmoid(2 sqrt(2 / pi) (x + 0.044715 x^3)), which is x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))).
    WITHIN_HOST_DEVICE static Float gelu_tanh(Float x) { return gated(x, gelu_tanh_inner(x)); }
    WITHIN_HOST_DEVICE static Float gelu_tanh_inner(Float x) {
        return x * L::fused(x * x, L::all(0.071354816272600248), L::all(1.5957691216057308));
    }
    // max(x, 0) - t share(t) of t = |x|, share(t) = exp(-t^2 / 2) ratio(t), the normal distribution's beyond t.
    WITHIN_HOST_DEVICE static Float gelu(Float x) {
        const Float t = at_most(F::magnitude(x), L::all(F::kFarTail));
        const Float rest = lowered(t * F::tail_ratio(t) * lifted_exp_square(t, 0.5f));
        return F::unless_nan(x, at_least(x, zero()) - rest);
    }
    // x tanh(softplus(x)): with e = exp(-|x|), x e (e + 2) / (e (e + 2) + 2) below 0 and x (1 + 2 e) / (1 + 2 e + 2
    // e^2) above.
    WITHIN_HOST_DEVICE static Float mish(Float x) {
        const Float lifted = lifted_exp_of_minus(x), power = lowered(lifted);
        const Float doubled = power + power, more = power + 2.0f, sum = doubled + 1.0f;
        const auto is_below = is_negative(x);
        const Float above = is_below ? at_least(x, L::all(F::kLeastExponent)) * (lifted * more) : sum;
        const Float share =
            above / L::fused(is_below ? power : doubled, is_below ? more : power, is_below ? L::all(2) : sum);
        return F::unless_nan(x, is_below ? lowered(share) : x * share);
    }
    // tanh(softplus(x)).
    WITHIN_HOST_DEVICE static Float mish_share(Float x) {
        const Float power = exp_of_minus(x);
        const Float below = power * (power + 2.0f), sum = power + power + 1.0f;
        const Float divisor = is_negative(x) ? below + 2.0f : L::fused(power + power, power, sum);
        return F::unless_nan(x, (is_negative(x) ? below : sum) / divisor);
    }
};

}  // namespace WITHIN_ISA
}  // namespace within
