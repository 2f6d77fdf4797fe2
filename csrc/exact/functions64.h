// Elementary functions of float64, one number at a time, of IEEE operations alone; names as in exact/functions.h. They
// are within 6 ulp (gelu_tanh far below 0 within 1100), and made for checks of gradients, not for speed.
#pragma once

#include "core/elementary.h"
#include "core/exponential.h"
#include "exact/functions.h"

namespace within {
inline namespace WITHIN_ISA {

template <>
struct Functions<Scalar64> : Activations<Scalar64> {
    using Float = double;

    static constexpr double kLeastExponent = -760.0;  // the power of what is less is 0, 2^20 times too
    static constexpr double kFarTail = 39.0;          // exp(-t^2 / 2) t is 0 beyond
    static constexpr double kFarErf = 27.5;           // exp(-t^2) is 0 beyond
    static constexpr int kLift = 256;
    static constexpr double kLowered = 0x1p-256;

    WITHIN_HOST_DEVICE static double magnitude(double x) { return double_of(bits_of(x) & ~(uint64_t{1} << 63)); }
    WITHIN_HOST_DEVICE static double minus_magnitude(double x) { return double_of(bits_of(x) | (uint64_t{1} << 63)); }
    WITHIN_HOST_DEVICE static double with_sign(double size, double sign) {
        return double_of(bits_of(size) | (bits_of(sign) & (uint64_t{1} << 63)));
    }
    WITHIN_HOST_DEVICE static double nan() { return double_of(0x7ff8000000000000ull); }
    WITHIN_HOST_DEVICE static double infinity() { return double_of(0x7ff0000000000000ull); }
    WITHIN_HOST_DEVICE static double unless_nan(double x, double result) { return x == x ? result : nan(); }
    WITHIN_HOST_DEVICE static double canonical(double x) { return unless_nan(x, x); }
    WITHIN_HOST_DEVICE static double fused(double a, double b, double c) { return ::fma(a, b, c); }

    // exp(x) 2^kLift of x in [-800, 500]; as exponential<13>.
    WITHIN_HOST_DEVICE static double lifted_exp(double x) {
        const double shifted = ::fma(x, 1.4426950408889634, 0x1.8p52);
        const double n = shifted - 0x1.8p52;
        double r = ::fma(n, -6.93147180369123816490e-01, x);
        r = ::fma(n, -1.90821492927058770002e-10, r);
        const int64_t whole = static_cast<int64_t>(bits_of(shifted) - bits_of(0x1.8p52));
        return exponential_series<13>(r) * double_of(static_cast<uint64_t>(whole + 1023 + kLift) << 52);
    }
    WITHIN_HOST_DEVICE static double exp(double x) { return exponential<13>(x); }
    WITHIN_HOST_DEVICE static double exp_bounded(double x) { return exponential<13>(x); }
    // x + x^2 / 2 (1 + x / 3 (1 + x / 4 ...)) up to 1 in size, exp(x) - 1 beyond.
    WITHIN_HOST_DEVICE static double expm1(double x) {
        if (!(magnitude(x) <= 1)) return unless_nan(x, exponential<13>(x) - 1.0);
        double p = 1;
        for (int k = 20; k >= 3; --k) p = ::fma(p, x / k, 1.0);
        return x == 0 ? x : ::fma(0.5 * x * p, x, x);
    }

    WITHIN_HOST_DEVICE static double log(double x) { return x == x ? within::log(x) : nan(); }
    // What 1 + x loses is put back as its share of the sum.
    WITHIN_HOST_DEVICE static double log1p(double x) {
        if (!(x > -1)) return x == -1 ? -infinity() : nan();
        if (x == 0 || x == infinity()) return x;
        const double sum = 1.0 + x;
        return within::log(sum) + (x - (sum - 1.0)) / sum;
    }
    WITHIN_HOST_DEVICE static double log1p_of_share(double x) { return log1p(x); }
    WITHIN_HOST_DEVICE static double root(double x) { return x >= 0 ? ::sqrt(x) : nan(); }

    WITHIN_HOST_DEVICE static double tanh(double x) {
        const double size = magnitude(x);
        if (x == 0 || x != x) return canonical(x);
        if (size >= 22) return with_sign(1.0, x);
        if (size >= 1) return with_sign(1.0 - 2.0 / (expm1(2.0 * size) + 2.0), x);
        const double less = expm1(-2.0 * size);
        return with_sign(-less / (less + 2.0), x);
    }

    // 2 / sqrt(pi) exp(-x^2) x (1 + 2 x^2 / 3 (1 + 2 x^2 / 5 ...)) up to 1 in size, 1 - erfc(x) beyond.
    WITHIN_HOST_DEVICE static double erf(double x) {
        if (x == 0 || x != x) return canonical(x);
        const double size = magnitude(x);
        if (size >= 1) return with_sign(1.0 - erfc_positive(size), x);
        const double doubled = 2.0 * x * x;
        double p = 1;
        for (int k = 22; k >= 1; --k) p = ::fma(p, doubled / (2 * k + 1), 1.0);
        return lowered(p * lifted_exp_square(x, 1.0f)) * 1.1283791670955125739 * x;
    }
    // As in exact/functions.h, of t in [0, 39].
    WITHIN_HOST_DEVICE static double tail_ratio(double t) {
        constexpr double kTerms[] = {
            0x1.7d241a953a614p-1,   -0x1.2191517fa27b9p-1,  0x1.42fec3680acb1p-2,   -0x1.db5837f7f5367p-4,
            0x1.1d35bdee1580bp-6,   0x1.a86cec762f0acp-8,   -0x1.a2007969a6db1p-9,  -0x1.d2a140d51f6bcp-12,
            0x1.f3cfaa9743814p-12,  0x1.19285a179437ap-14,  -0x1.3d06669f9a6a5p-14, -0x1.3b38fd7b69cc6p-16,
            0x1.8218cbd1f897cp-17,  0x1.7b4131333c4b3p-18,  -0x1.38b416b6e7629p-20, -0x1.8cb3b9fcffa14p-20,
            -0x1.33b70ddd75538p-23, 0x1.39ef45a6aecf1p-22,  0x1.09b8180c6ddc1p-23,  -0x1.e3aa27a2df058p-26,
            -0x1.342ddbb4306e8p-25, -0x1.549f21d8cc18bp-28, 0x1.3582eaf3d249ap-28,  0x1.e391472483ad9p-30,
            0x1.2119efac8a90cp-33};
        const double v = 1.0 / (t + 3.5), u = (t - 3.5) * v;
        double p = kTerms[24];
        for (int k = 23; k >= 0; --k) p = ::fma(p, u, kTerms[k]);
        return p * v;
    }
    // Of x >= 0.
    WITHIN_HOST_DEVICE static double erfc_positive(double x) {
        const double size = x < kFarErf ? x : kFarErf;
        return lowered(tail_ratio(size * 1.4142135623730950488) * 2.0 * lifted_exp_square(size, 1.0f));
    }
};

}  // namespace WITHIN_ISA
}  // namespace within
