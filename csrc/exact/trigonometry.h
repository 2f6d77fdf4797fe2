// Sine and cosine of arguments of any size, of IEEE operations alone.
//
// x = n pi / 2 + r + low, |r| at most a little over pi / 4: pi / 2 is taken off in three parts (Cody and Waite,
// "Software Manual for the Elementary Functions", 1980) as far as the first of them is exact, and by multiplying with
// as many bits of 2 / pi as matter beyond (Payne and Hanek, "Radian reduction for trigonometric functions", 1983).
#pragma once

#include "core/double_double.h"
#include "exact/functions.h"
#include "exact/functions64.h"

namespace within {
inline namespace WITHIN_ISA {

template <typename L>
struct QuarterTurns {
    typename L::Float r;
    typename L::Float low;
    typename L::Int n;  // only its two lowest bits are
};

// pi / 2 in parts; kWhole rounds what is added to it to an integer.
template <typename L>
struct HalfPi {
    static constexpr float kFirst = 0x1.921fb6p0f, kSecond = -0x1.777a5cp-25f, kThird = -0x1.ee59dap-50f;
    static constexpr float kWhole = 0x1.8p23f, kNear = 0x1p16f;
};
template <>
struct HalfPi<Scalar64> {
    static constexpr double kFirst = 0x1.921fb54442d18p0, kSecond = 0x1.1a62633145c07p-54,
                            kThird = -0x1.f1976b7ed8fbcp-110;
    static constexpr double kWhole = 0x1.8p52, kNear = 0x1p30;
};

// |x| < kNear. x - n kFirst is exact, and a multiple of the last bit of n kSecond; so what the second difference loses
// is found by two more (Dekker, 1971).
template <typename L>
WITHIN_HOST_DEVICE QuarterTurns<L> reduce_near(typename L::Float x) {
    using P = HalfPi<L>;
    using Float = typename L::Float;
    const Float shifted = L::fused(x, L::all(0.63661977236758134308), L::all(P::kWhole));
    const Float n = shifted - P::kWhole;
    const Float first = L::fused(n, L::all(-P::kFirst), x);
    const Float second = n * P::kSecond;
    const Float lost = L::fused(n, L::all(P::kSecond), -second);
    const Float r = first - second;
    const Float rest = first - r - second - lost;
    return {r, L::fused(n, L::all(-P::kThird), rest), same_bits<typename L::Int>(shifted)};
}

// x in [2^30, infinity).
WITHIN_HOST_DEVICE QuarterTurns<Scalar64> reduce_by_product(double x) {
    // 2 / pi: the word at j is worth 2^(-32 j).
    constexpr uint32_t kTwoOverPi[] = {
        0x00000000, 0xa2f9836e, 0x4e441529, 0xfc2757d1, 0xf534ddc0, 0xdb629599, 0x3c439041, 0xfe5163ab,
        0xdebbc561, 0xb7246e3a, 0x424dd2e0, 0x06492eea, 0x09d1921c, 0xfe1deb1c, 0xb129a73e, 0xe88235f5,
        0x2ebb4484, 0xe99c7026, 0xb45f7e41, 0x3991d639, 0x835339f4, 0x9c845f8b, 0xbdf9283b, 0x1ff897ff,
        0xde05980f, 0xef2f118b, 0x5a0a6d1f, 0x6d367ecf, 0x27cb09b7, 0x4f463f66, 0x9e5fea2d, 0x7527bac7,
        0xebe5f17b, 0x3d0739f7, 0x8a5292ea, 0x6bfb5fb1, 0x1f8d5d08, 0x56033046, 0xfc7b6bab};
    const uint64_t bits = bits_of(x);
    const int exponent = static_cast<int>(bits >> 52) - 1075;  // of the mantissa's last bit, -22 to 971
    const uint64_t mantissa = (bits & 0x000fffffffffffffull) | 0x0010000000000000ull;
    const int q = (exponent + 32) / 32 - 1, shift = exponent - 32 * q;
    const uint64_t lower = mantissa << shift, upper = shift == 0 ? 0 : mantissa >> (64 - shift);
    // Worth 2^(32 (q + k)).
    const uint32_t words[3] = {static_cast<uint32_t>(lower), static_cast<uint32_t>(lower >> 32),
                               static_cast<uint32_t>(upper)};
    // The product's words that are worth 1 to 2^-192: those above are whole turns.
    uint32_t product[7];
    uint64_t carry = 0;
    for (int i = 6; i >= 0; --i) {
        uint64_t sum = carry, next = 0;
        for (int k = 0; k < 3; ++k) {
            const int j = i + q + k;
            const uint64_t term = j < 1 ? 0 : uint64_t{words[k]} * kTwoOverPi[j];
            sum += term & 0xffffffffu;
            next += term >> 32;
        }
        product[i] = static_cast<uint32_t>(sum);
        carry = (sum >> 32) + next;
    }
    // The nearest integer is taken off, and the size of what is left made a sum of doubles.
    const bool is_above = (product[1] >> 31) != 0;
    const int64_t n = static_cast<int64_t>(product[0]) + (is_above ? 1 : 0);
    double parts[6], unit = 1.0;
    for (int i = 1; i <= 6; ++i) {
        unit *= 0x1p-32;
        parts[i - 1] = (is_above ? ~product[i] : product[i]) * unit;  // less 2^-192 above
    }
    const DoubleDouble top = exact_sum(parts[0], parts[1]), middle = exact_sum(parts[2], parts[3]);
    const DoubleDouble between = exact_sum(top.low, middle.high), size = exact_sum(top.high, between.high);
    const double rest = size.low + (between.low + (middle.low + (parts[4] + parts[5])));
    using P = HalfPi<Scalar64>;
    const DoubleDouble angle = exact_product(size.high, P::kFirst);
    const DoubleDouble sum = exact_sum(angle.high, angle.low + (size.high * P::kSecond + rest * P::kFirst));
    return {is_above ? -sum.high : sum.high, is_above ? -sum.low : sum.low, n};
}

WITHIN_HOST_DEVICE QuarterTurns<Scalar64> reduce_any(double x) {
    const double size = Functions<Scalar64>::magnitude(x);
    if (size < HalfPi<Scalar64>::kNear) return reduce_near<Scalar64>(x);
    if (!(size < Functions<Scalar64>::infinity())) return {0, 0, 0};
    const QuarterTurns<Scalar64> turns = reduce_by_product(size);
    return x < 0 ? QuarterTurns<Scalar64>{-turns.r, -turns.low, -turns.n} : turns;
}

// Numbers of float32 that are not near go through float64, one by one.
template <typename L>
WITHIN_HOST_DEVICE QuarterTurns<L> reduce(typename L::Float x) {
    if constexpr (std::is_same_v<L, Scalar64>) {
        return reduce_any(x);
    } else {
        QuarterTurns<L> turns = reduce_near<L>(x);
        if (!L::any(!(Functions<L>::magnitude(x) < HalfPi<L>::kNear))) return turns;
        float size[L::kCount], r[L::kCount], low[L::kCount];
        int32_t n[L::kCount];
        L::store(size, x);
        L::store(r, turns.r);
        L::store(low, turns.low);
        memcpy(n, &turns.n, sizeof n);
        for (int i = 0; i < L::kCount; ++i) {
            if (Functions<Scalar>::magnitude(size[i]) < HalfPi<L>::kNear) continue;
            const QuarterTurns<Scalar64> one = reduce_any(size[i]);
            r[i] = static_cast<float>(one.r);
            low[i] = static_cast<float>(one.r - r[i]);
            n[i] = static_cast<int32_t>(one.n & 3);
        }
        memcpy(&turns.n, n, sizeof n);
        return {L::load(r), L::load(low), turns.n};
    }
}

// (sin(r) - r) / r^3 and (cos(r) - 1 + r^2 / 2) / r^4 of z = r^2; in float64 their series.
template <typename L>
WITHIN_HOST_DEVICE typename L::Float sine_rest(typename L::Float z) {
    if constexpr (std::is_same_v<L, Scalar64>) {
        double p = 1;
        for (int k = 9; k >= 2; --k) p = ::fma(p, z / (-2 * k * (2 * k + 1)), 1.0);
        return p / -6;
    } else {
        return L::fused(
            L::fused(L::fused(L::all(0x1.7c34b6p-19f), z, L::all(-0x1.a05962p-13f)), z, L::all(0x1.111174p-7f)), z,
            L::all(-0x1.555556p-3f));
    }
}
template <typename L>
WITHIN_HOST_DEVICE typename L::Float cosine_rest(typename L::Float z) {
    if constexpr (std::is_same_v<L, Scalar64>) {
        double p = 1;
        for (int k = 9; k >= 3; --k) p = ::fma(p, z / (-2 * k * (2 * k - 1)), 1.0);
        return p / 24;
    } else {
        return L::fused(L::fused(L::all(0x1.99e908p-16f), z, L::all(-0x1.6c0c2ap-10f)), z, L::all(0x1.55554ap-5f));
    }
}

// The sine of x and so many quarters of a turn.
template <typename L, int quarters>
WITHIN_HOST_DEVICE typename L::Float sine_after(typename L::Float x) {
    using F = Functions<L>;
    using Float = typename L::Float;
    const QuarterTurns<L> turns = reduce<L>(x);
    const Float r = turns.r, z = r * r;
    // What r leaves out enters by the first term of its factor.
    const Float sine = r + L::fused(r * z, sine_rest<L>(z), L::fused(z * -0.5f, turns.low, turns.low));
    // 1 - z / 2 and what it loses, z's own rounding included.
    const Float half = z * 0.5f;
    const Float main = 1.0f - half;
    const Float lost = 1.0f - main - half - L::fused(r, r, -z) * 0.5f;
    const Float cosine = main + L::fused(z * z, cosine_rest<L>(z), L::fused(-r, turns.low, lost));
    const auto n = turns.n + quarters;
    const Float size = (n & 1) != 0 ? cosine : sine;
    const Float result = (n & 2) != 0 ? -size : size;
    return F::magnitude(x) < F::infinity() ? result : F::nan();
}
template <typename L>
WITHIN_HOST_DEVICE typename L::Float sine(typename L::Float x) {
    return x == 0.0f ? x : sine_after<L, 0>(x);
}
template <typename L>
WITHIN_HOST_DEVICE typename L::Float cosine(typename L::Float x) {
    return sine_after<L, 1>(x);
}

}  // namespace WITHIN_ISA
}  // namespace within
