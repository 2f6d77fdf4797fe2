// Elementary functions of float32, of IEEE operations alone: the same bits on every processor and device.
//
// L is a lane type (core/lanes.h). Polynomials are near-minimax on their intervals (weighted least squares by Lawson's
// iteration). Errors in ulp are in docs/exact/elementwise.md.
#pragma once

#include "core/lanes.h"
#include "exact/activations.h"

namespace within {
inline namespace WITHIN_ISA {

template <typename L>
struct Functions : Activations<L> {
    using Float = typename L::Float;
    using Int = typename L::Int;
    using Word = typename L::Word;

    static constexpr float kLeastExponent = -112.5f;  // the power of what is less is 0, 2^7 times too
    static constexpr float kFarTail = 15.0f;          // exp(-t^2 / 2) t is 0 beyond
    static constexpr float kFarErf = 10.5f;           // exp(-t^2) is 0 beyond
    static constexpr int kLift = 64;
    static constexpr float kLowered = 0x1p-64f;

    WITHIN_HOST_DEVICE static Float magnitude(Float x) { return same_bits<Float>(same_bits<Word>(x) & 0x7fffffffu); }
    WITHIN_HOST_DEVICE static Float minus_magnitude(Float x) {
        return same_bits<Float>(same_bits<Word>(x) | 0x80000000u);
    }
    WITHIN_HOST_DEVICE static Float with_sign(Float size, Float sign) {
        return same_bits<Float>(same_bits<Word>(size) | (same_bits<Word>(sign) & 0x80000000u));
    }
    WITHIN_HOST_DEVICE static Float nan() { return same_bits<Float>(Word{} + 0x7fc00000u); }
    WITHIN_HOST_DEVICE static Float infinity() { return same_bits<Float>(Word{} + 0x7f800000u); }
    // Any NaN is the one with bits 0x7fc00000.
    WITHIN_HOST_DEVICE static Float unless_nan(Float x, Float result) { return x == x ? result : nan(); }
    WITHIN_HOST_DEVICE static Float fused(Float a, Float b, float c) { return L::fused(a, b, L::all(c)); }

    // exp(r) of x = n log 2 + r (Cody and Waite, "Software Manual for the Elementary Functions", 1980), a polynomial;
    // whole is n, more than 2^22 away from what an integer can hold.
    WITHIN_HOST_DEVICE static Float exp_reduced(Float x, Int* whole) {
        const Float shifted = fused(x, L::all(1.44269504f), 0x1.8p23f);
        const Float n = shifted - 0x1.8p23f;
        Float r = L::fused(n, L::all(-0x1.62e430p-1f), x);
        r = L::fused(n, L::all(0x1.05c610p-29f), r);
        Float p = fused(L::all(0x1.6a2178p-10f), r, 0x1.123b8ap-7f);
        p = fused(p, r, 0x1.5558fcp-5f);
        p = fused(p, r, 0x1.555490p-3f);
        p = fused(p, r, 0x1.fffffcp-2f);
        *whole = same_bits<Int>(shifted) - 0x4b400000;
        return L::fused(p * r, r, r) + 1.0f;
    }
    // exp(x) of x in [-104, 89], or near. Two powers of two, so that a subnormal result is rounded once.
    WITHIN_HOST_DEVICE static Float exp_bounded(Float x) {
        Int whole;
        const Float p = exp_reduced(x, &whole);
        const Int half = whole >> 1;
        return p * same_bits<Float>((half + 127) << 23) * same_bits<Float>((whole - half + 127) << 23);
    }
    // exp(x) of x where it is a normal number, or, lifted, that times 2^kLift is.
    WITHIN_HOST_DEVICE static Float normal_exp(Float x) { return exp_times<0>(x); }
    WITHIN_HOST_DEVICE static Float lifted_exp(Float x) { return exp_times<kLift>(x); }
    template <int lift>
    WITHIN_HOST_DEVICE static Float exp_times(Float x) {
        Int whole;
        const Float p = exp_reduced(x, &whole);
        return p * same_bits<Float>((whole + (127 + lift)) << 23);
    }
    WITHIN_HOST_DEVICE static Float exp(Float x) {
        return unless_nan(x, exp_bounded(L::least(L::all(89), L::most(L::all(-104), x))));
    }
    // exp(r) - 1 by a polynomial, times 2^n, and 2^n - 1, both halved so that 2^128 is a number.
    WITHIN_HOST_DEVICE static Float expm1(Float x) {
        const Float bounded = L::least(L::all(89), L::most(L::all(-30), x));
        const Float shifted = fused(bounded, L::all(1.44269504f), 0x1.8p23f);
        const Float n = shifted - 0x1.8p23f;
        Float r = L::fused(n, L::all(-0x1.62e430p-1f), bounded);
        r = L::fused(n, L::all(0x1.05c610p-29f), r);
        Float p = fused(L::all(0x1.9e7d64p-13f), r, 0x1.6d3aa0p-10f);
        p = fused(p, r, 0x1.1112d4p-7f);
        p = fused(p, r, 0x1.5554f8p-5f);
        p = fused(p, r, 0x1.555554p-3f);
        p = fused(p, r, 0x1p-1f);
        p = L::fused(p * r, r, r);
        const Float half = same_bits<Float>((same_bits<Int>(shifted) - (0x4b400000 - 126)) << 23);
        const Float whole = 2.0f * L::fused(p, half, half - 0.5f);
        const Float result = n == 0.0f ? p : whole;
        return unless_nan(x, x == 0.0f ? x : result);
    }

    // log of 2^k (1 + f), f in [sqrt(1/2) - 1, sqrt(2) - 1].
    WITHIN_HOST_DEVICE static Float log_of(Float k, Float f) {
        Float p = fused(L::all(0x1.146318p-4f), f, -0x1.de4fa2p-4f);
        p = fused(p, f, 0x1.e6f606p-4f);
        p = fused(p, f, -0x1.fc1f6cp-4f);
        p = fused(p, f, 0x1.2336e2p-3f);
        p = fused(p, f, -0x1.555c5ap-3f);
        p = fused(p, f, 0x1.99a4bcp-3f);
        p = fused(p, f, -0x1.000006p-2f);
        p = fused(p, f, 0x1.555548p-2f);
        const Float square = f * f;
        Float rest = L::fused(k, L::all(-0x1.05c610p-29f), p * (f * square));
        rest = L::fused(square, L::all(-0.5f), rest);
        return L::fused(k, L::all(0x1.62e430p-1f), f + rest);
    }
    // A positive normal number as 2^k (1 + f).
    WITHIN_HOST_DEVICE static void split(Float x, Float* k, Float* f) {
        const Int from_root = same_bits<Int>(same_bits<Word>(x) - 0x3f3504f3u);
        *k = L::float_of(from_root >> 23);
        *f = same_bits<Float>((from_root & 0x007fffff) + 0x3f3504f3) - 1.0f;
    }
    WITHIN_HOST_DEVICE static Float log(Float x) {
        const Float scaled = x < 0x1p-126f ? x * 0x1p23f : x;
        Float k, f;
        split(scaled, &k, &f);
        k = x < 0x1p-126f ? k - 23.0f : k;
        Float result = log_of(k, f);
        result = x < infinity() ? result : infinity();
        result = x == 0.0f ? -infinity() : result;
        return x >= 0.0f ? result : nan();
    }
    // What 1 + x loses is put back as its share of the sum.
    WITHIN_HOST_DEVICE static Float log1p(Float x) {
        const Float sum = x + 1.0f;
        Float k, f;
        split(sum, &k, &f);
        const Float lost = sum - 1.0f - x;
        const Float rest = magnitude(x) < 0x1p24f ? lost / sum : L::all(0.0f);
        const auto is_near = (f == sum - 1.0f);
        f = is_near ? x : f;
        Float result = log_of(k, f);
        result = is_near ? result : result - rest;
        result = x < infinity() ? result : infinity();
        result = x == -1.0f ? -infinity() : result;
        result = x == 0.0f ? x : result;
        return x >= -1.0f ? result : nan();
    }

    // Of x in [0, 1]: the same, as k is 0 or 1.
    WITHIN_HOST_DEVICE static Float log1p_of_share(Float x) {
        const Float sum = x + 1.0f;
        Float k, f;
        split(sum, &k, &f);
        const auto is_near = (f == sum - 1.0f);
        const Float result = log_of(k, is_near ? x : f);
        return is_near ? result : result - (sum - 1.0f - x) / sum;
    }

    WITHIN_HOST_DEVICE static Float tanh(Float x) {
        const Float size = magnitude(x);
        const Float square = x * x;
        Float p = fused(L::all(-0x1.768488p-8f), square, 0x1.524e66p-6f);
        p = fused(p, square, -0x1.b8430ep-5f);
        p = fused(p, square, 0x1.110760p-3f);
        p = fused(p, square, -0x1.555534p-2f);
        const Float small = L::fused(p * square, x, x);
        const Float large = 1.0f - 2.0f / (normal_exp(L::least(L::all(20), size + size)) + 1.0f);
        return unless_nan(x, size < 0.625f ? small : with_sign(large, x));
    }
    WITHIN_HOST_DEVICE static Float erf(Float x) {
        const Float size = magnitude(x), square = x * x;
        Float small = fused(L::all(-0x1.39c944p-11f), square, 0x1.473114p-8f);
        small = fused(small, square, -0x1.b68b54p-6f);
        small = fused(small, square, 0x1.ce1a92p-4f);
        small = fused(small, square, -0x1.8126e8p-2f);
        small = fused(small, square, 0x1.06eba6p-3f);
        small = L::fused(small, x, x);
        // log erfc(t) = t (q(t) - 1).
        const Float t = L::least(L::all(4), size);
        Float q = fused(L::all(-0x1.819b56p-17f), t, 0x1.5538dcp-12f);
        q = fused(q, t, -0x1.ded11ep-9f);
        q = fused(q, t, 0x1.85afa2p-6f);
        q = fused(q, t, -0x1.b340d6p-4f);
        q = fused(q, t, -0x1.45307cp-1f);
        q = fused(q, t, -0x1.077ae8p-3f);
        const Float large = 1.0f - normal_exp(L::fused(q, t, -t));
        return unless_nan(x, size < 0.927734375f ? small : with_sign(large, x));
    }

    // exp(t^2 / 2) times the normal distribution's share beyond t, of t in [0, 15]: v q(u), v = 1 / (t + 15 / 4),
    // u = (t - 15 / 4) v (Shepherd and Laframboise, "Chebyshev approximation of (1 + 2x) exp(x^2) erfc x", 1981).
    WITHIN_HOST_DEVICE static Float tail_ratio(Float t) {
        const Float v = 1.0f / (t + 3.75f);
        const Float u = (t - 3.75f) * v;
        Float p = fused(L::all(0x1.d8f4d2p-12f), u, 0x1.0fe6aep-11f);
        p = fused(p, u, -0x1.119f1ep-8f);
        p = fused(p, u, 0x1.3890c4p-10f);
        p = fused(p, u, 0x1.33279ap-5f);
        p = fused(p, u, -0x1.364f82p-3f);
        p = fused(p, u, 0x1.6968eap-2f);
        p = fused(p, u, -0x1.2d2708p-1f);
        p = fused(p, u, 0x1.80268cp-1f);
        return p * v;
    }

    WITHIN_HOST_DEVICE static Float root(Float x) { return x >= 0.0f ? L::root(x) : nan(); }
    WITHIN_HOST_DEVICE static Float canonical(Float x) { return x == x ? x : nan(); }
};

}  // namespace WITHIN_ISA
}  // namespace within
