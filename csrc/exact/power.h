// x^y: y log |x| and its exponential in float64, rounded once; in float64 with the logarithm as a sum of two numbers.
#pragma once

#include "core/double_double.h"
#include "core/dtype.h"
#include "exact/functions.h"
#include "exact/functions64.h"
#include "exact/trigonometry.h"
#if !defined(__CUDACC__) && defined(__GNUC__)
#include "core/wide.h"
#endif

namespace within {

// The power, or a derivative of it times a gradient.
enum class PowerPart { value, of_x, of_y };

struct PowerTask {
    Dtype dtype;
    PowerPart part;
    const void* gradient;  // null for the value
    const void* x;
    const void* y;
    bool is_one_x;  // one number is taken for all
    bool is_one_y;
    int64_t begin;
    int64_t end;
    void* out;
};

inline namespace WITHIN_ISA {

// log(x) of a positive normal x, within 2^-44 of it: x = 2^k m, m in [sqrt(1/2), sqrt(2)), s = (m - 1) / (m + 1),
// log m = 2 s + 2 s^3 p(s^2).
template <typename D>
WITHIN_HOST_DEVICE typename D::Float log_for_float(typename D::Float x) {
    using Float = typename D::Float;
    using Word = typename D::Word;
    const Word from_root = same_bits<Word>(x) + 0x00095F619980C433ull;
    const Float k = same_bits<Float>((from_root >> 52) | 0x4330000000000000ull) - (0x1p52 + 1023);
    const Float m = same_bits<Float>((from_root & 0x000FFFFFFFFFFFFFull) + 0x3FE6A09E667F3BCDull);
    const Float f = m - 1.0;
    const Float s = f / (f + 2.0);
    const Float z = s * s, doubled = s + s;
    Float p = D::fused(D::all(0x1.9115a20fd391ap-4), z, D::all(0x1.c62b1342d442fp-4));
    p = D::fused(p, z, D::all(0x1.249411f2969eap-3));
    p = D::fused(p, z, D::all(0x1.999996a93f5c9p-3));
    p = D::fused(p, z, D::all(0x1.555555561e476p-2));
    return D::fused(k, D::all(0.69314718055994531), D::fused(doubled * z, p, doubled));
}

// exp(t) of t in [-300, 300] or NaN, within 2^-34 of it.
template <typename D>
WITHIN_HOST_DEVICE typename D::Float exp_for_float(typename D::Float t) {
    using Float = typename D::Float;
    const Float shifted = D::fused(t, D::all(1.4426950408889634), D::all(0x1.8p52));
    const Float n = shifted - 0x1.8p52;
    const Float r = D::fused(n, D::all(-0.69314718055994531), t);
    Float p = D::fused(D::all(0x1.9f08a2565bf17p-13), r, D::all(0x1.6d8cf77496429p-10));
    p = D::fused(p, r, D::all(0x1.111270953854bp-7));
    p = D::fused(p, r, D::all(0x1.55548dd4e56b0p-5));
    p = D::fused(p, r, D::all(0x1.555554435e8b3p-3));
    p = D::fused(p, r, D::all(0x1.0000003a1c695p-1));
    p = D::fused(p * r, r, r) + 1.0;
    return p * same_bits<Float>((same_bits<typename D::Word>(shifted) + 1023ull) << 52);
}

// size^y for size >= 0 in float32's range; y log(size) NaN gives NaN.
template <typename D>
WITHIN_HOST_DEVICE typename D::Float power_for_float(typename D::Float size, typename D::Float y) {
    using Float = typename D::Float;
    const Float infinity = same_bits<Float>(typename D::Word{} + 0x7ff0000000000000ull);
    Float log = log_for_float<D>(size);
    log = size < infinity ? log : infinity;
    log = size == 0.0 ? -infinity : log;
    Float t = y * log;
    t = t < -300.0 ? D::all(-300.0) : t > 300.0 ? D::all(300.0) : t;
    return exp_for_float<D>(t);
}

WITHIN_HOST_DEVICE float sized_power(Scalar, float size, float y) {
    return static_cast<float>(power_for_float<Scalar64>(size, y));
}

#if !defined(__CUDACC__) && defined(__GNUC__)
// As many bytes of float64.
struct Lanes64 {
    using Float = Wide<double>::Register;
    typedef uint64_t Word __attribute__((vector_size(kRegisterBytes)));
    static inline Float all(double value) { return Wide<double>::all(value); }
    static inline Float fused(Float a, Float b, Float c) { return Wide<double>::fused(a, b, c); }
};

inline Lanes::Float sized_power(Lanes, Lanes::Float size, Lanes::Float y) {
    typedef float Half __attribute__((vector_size(kRegisterBytes / 2)));
    Half sizes[2], powers[2], results[2];
    memcpy(sizes, &size, sizeof size);
    memcpy(powers, &y, sizeof y);
    for (int i = 0; i < 2; ++i)
        results[i] =
            __builtin_convertvector(power_for_float<Lanes64>(__builtin_convertvector(sizes[i], Lanes64::Float),
                                                             __builtin_convertvector(powers[i], Lanes64::Float)),
                                    Half);
    Lanes::Float result;
    memcpy(&result, results, sizeof result);
    return result;
}
#endif

// log(x) of a positive normal x as a sum, within 2^-62 of it: x = 2^k m, m in [sqrt(1/2), sqrt(2)),
// log m = 2 s + 2 s^3 / 3 + ..., s = (m - 1) / (m + 1), the first two terms twice as long.
WITHIN_HOST_DEVICE DoubleDouble long_log(double x) {
    const double scaled = x < 0x1p-1022 ? x * 0x1p54 : x;
    const uint64_t from_root = bits_of(scaled) + 0x00095F619980C433ull;
    const double k = static_cast<double>(static_cast<int64_t>(from_root >> 52) - 1023) - (x < 0x1p-1022 ? 54.0 : 0.0);
    const double m = double_of((from_root & 0x000FFFFFFFFFFFFFull) + 0x3FE6A09E667F3BCDull);
    const double f = m - 1.0;
    const DoubleDouble below = exact_sum(f, 2.0);
    const double s = f / below.high;
    const double s_low = ::fma(-s, below.low, ::fma(-s, below.high, f)) / below.high;
    const DoubleDouble square = exact_product(s, s);
    const double square_low = ::fma(2.0 * s, s_low, square.low);
    // z / 3 + z^2 (1 / 5 + z / 7 + ...).
    const double z = square.high;
    double p = 1.0 / 29;
    for (int k2 = 27; k2 >= 5; k2 -= 2) p = ::fma(p, z, 1.0 / k2);
    const double third = z / 3.0;
    const double third_low = (::fma(-third, 3.0, z) + square_low) / 3.0;
    const DoubleDouble tail = exact_sum(third, ::fma(p * z, z, third_low));
    // 2 s (1 + tail).
    const DoubleDouble product = exact_product(s, tail.high);
    const double product_low = ::fma(s_low, tail.high, ::fma(s, tail.low, product.low));
    const DoubleDouble half = exact_sum(s, product.high);
    const double half_low = half.low + (product_low + s_low);
    // k log 2: the first part has so few bits that its product is exact.
    const DoubleDouble main = exact_sum(k * 6.93147180369123816490e-01, 2.0 * half.high);
    const double rest = ::fma(k, 1.90821492927058770002e-10, 2.0 * half_low);
    const DoubleDouble correction = exact_sum(main.low, rest);
    const DoubleDouble sum = exact_sum(main.high, correction.high);
    return {sum.high, sum.low + correction.low};
}

WITHIN_HOST_DEVICE double sized_power(Scalar64, double size, double y) {
    using F = Functions<Scalar64>;
    if (size == 0 || size == F::infinity() || y == F::infinity() || y == -F::infinity()) {
        const double log = size == 0 ? -F::infinity() : size == F::infinity() ? F::infinity() : within::log(size);
        return F::exp(y * log);
    }
    const DoubleDouble log = long_log(size);
    const double t = y * log.high;
    if (!(t > -760.0 && t < 720.0)) return F::exp(t);
    const double rest = ::fma(y, log.high, -t) + y * log.low;
    if (t > 0) {
        const double power = F::exp_bounded(t);
        return power < F::infinity() ? ::fma(power, rest, power) : power;
    }
    const double power = F::lifted_exp(t);
    return F::lowered(::fma(power, rest, power));
}

// Whole numbers among what is not negative, and infinity, as they are; others rounded.
template <typename L>
WITHIN_HOST_DEVICE typename L::Float nearest_whole(typename L::Float size) {
    constexpr auto least = HalfPi<L>::kWhole / 1.5f;  // 2^23 or 2^52: what is as large is whole
    return size < least ? size + least - least : size;
}

// As C's pow: 1 where y is 0 or x is 1, whatever the other; NaN of what is negative but for whole y. x x where y is 2.
template <typename L>
WITHIN_HOST_DEVICE typename L::Float power(typename L::Float x, typename L::Float y) {
    using F = Functions<L>;
    using Float = typename L::Float;
    const Float size = F::magnitude(x), exponent = F::magnitude(y), half = exponent * 0.5f;
    const Float one = L::all(1);
    Float sized = sized_power(L{}, size, y);
    sized = size == 1.0f ? one : sized;
    const Float of_whole = nearest_whole<L>(half) == half ? sized : F::with_sign(sized, x);
    const Float of_other = x < 0.0f ? (size < F::infinity() ? F::nan() : sized) : sized;
    Float result = nearest_whole<L>(exponent) == exponent ? of_whole : of_other;
    result = y == 2.0f ? x * x : result;
    result = y == 1.0f ? x : result;
    result = x == x ? (y == y ? result : F::nan()) : F::nan();
    result = y == 0.0f ? one : result;
    return x == 1.0f ? one : result;
}

// The derivatives: y x^(y - 1), 0 where y is 0; x^y log x, 0 where x is 0 and y not negative.
template <typename L>
WITHIN_HOST_DEVICE typename L::Float power_slope_of_x(typename L::Float x, typename L::Float y) {
    return y == 0.0f ? L::all(0) : y * power<L>(x, y - 1.0f);
}
template <typename L>
WITHIN_HOST_DEVICE typename L::Float power_slope_of_y(typename L::Float x, typename L::Float y) {
    const typename L::Float slope = power<L>(x, y) * Functions<L>::log(x);
    return x == 0.0f ? (y >= 0.0f ? L::all(0) : slope) : slope;
}

// What comes back through a function with that derivative.
template <typename L>
WITHIN_HOST_DEVICE typename L::Float received(typename L::Float gradient, typename L::Float slope) {
    return Functions<L>::canonical(slope == 0.0f ? L::all(0) : gradient * slope);
}

template <typename L, PowerPart part>
WITHIN_HOST_DEVICE typename L::Float power_part(typename L::Float gradient, typename L::Float x, typename L::Float y) {
    if constexpr (part == PowerPart::value) return power<L>(x, y);
    const typename L::Float slope = part == PowerPart::of_x ? power_slope_of_x<L>(x, y) : power_slope_of_y<L>(x, y);
    return received<L>(gradient, slope);
}

// Calls work.template run<part>().
template <typename Work>
WITHIN_HOST_DEVICE void with_power_part(PowerPart part, const Work& work) {
    switch (part) {
        case PowerPart::value:
            return work.template run<PowerPart::value>();
        case PowerPart::of_x:
            return work.template run<PowerPart::of_x>();
        case PowerPart::of_y:
            return work.template run<PowerPart::of_y>();
    }
}

}  // namespace WITHIN_ISA
}  // namespace within
