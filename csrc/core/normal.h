// Standard normal draws of one random word: Box and Muller, "A Note on the Generation of Random Normal Deviates",
// Annals of Mathematical Statistics 29 (1958), of IEEE operations alone. L is a lane type (core/lanes.h).
#pragma once

#include <cstdint>

#include "core/lanes.h"

namespace within {
inline namespace WITHIN_ISA {

// sqrt(-2 log u) of u = (k + 1/2) / 2^kBits, where k, in [0, 2^kBits), is the word's upper bits. log2 u is the
// exponent, the mantissa's excess f over 1, and f (1 - f) times a polynomial for what the logarithm is above that
// chord: within 2.3e-6 of log2 u.
template <typename L, int kBits>
WITHIN_HOST_DEVICE typename L::Float normal_radius(typename L::Word word) {
    using Float = typename L::Float;
    using Int = typename L::Int;
    const Float scaled = L::float_of(same_bits<Int>(word >> (32 - kBits))) + 0.5f;
    const Int bits = same_bits<Int>(scaled);
    // Exponent and mantissa as one number: exact, as the lowest bits of the mantissa are zero.
    const Float chord = L::float_of(bits - ((127 + kBits) << 23)) * 0x1p-23f;
    const Float f = same_bits<Float>((bits & 0x007fffff) | 0x3f800000) - 1.0f;
    Float p = L::fused(f, L::all(0.0258414198f), L::all(-0.0959563985f));
    p = L::fused(p, f, L::all(0.181948841f));
    p = L::fused(p, f, L::all(-0.275600314f));
    p = L::fused(p, f, L::all(0.442544937f));
    const Float log2 = L::fused(f - f * f, p, chord);
    return L::root(log2 * -1.38629436f);
}

// sin(pi t / 2) for t in [-1, 1], within 7e-7.
template <typename L>
WITHIN_HOST_DEVICE typename L::Float sine_of_quarters(typename L::Float t, typename L::Float square) {
    typename L::Float p = L::fused(square, L::all(-0.00433309702f), L::all(0.0794343427f));
    p = L::fused(p, square, L::all(-0.645892859f));
    p = L::fused(p, square, L::all(1.57079101f));
    return p * t;
}

// cos(pi t / 2) for t in [-1, 1], of t's square, within 7e-6.
template <typename L>
WITHIN_HOST_DEVICE typename L::Float cosine_of_quarters(typename L::Float square) {
    typename L::Float p = L::fused(square, L::all(-0.0190957375f), L::all(0.252580225f));
    p = L::fused(p, square, L::all(-1.23348451f));
    return L::fused(p, square, L::all(0.999993324f));
}

// The middles of 2^14 equal parts of [-1, 1], by the word's lowest 14 bits.
template <typename L>
WITHIN_HOST_DEVICE typename L::Float normal_angle(typename L::Word word) {
    using Int = typename L::Int;
    return L::fused(L::float_of(same_bits<Int>(word << 18)), L::all(0x1p-31f), L::all(0x1p-14f));
}

// One normal number: 18 bits give the radius, 14 the angle. As an angle's cosine and sine are distributed alike and
// symmetric, the sine of half a turn is enough. The largest is 5.13.
template <typename L>
WITHIN_HOST_DEVICE typename L::Float normal(typename L::Word word) {
    const typename L::Float t = normal_angle<L>(word);
    return normal_radius<L, 18>(word) * sine_of_quarters<L>(t, t * t);
}

template <typename L>
struct NormalPair {
    typename L::Float first;
    typename L::Float second;
};

// Two independent normal numbers: 17 bits give the radius, 15 the angle. The largest is 4.99.
template <typename L>
WITHIN_HOST_DEVICE NormalPair<L> normal_pair(typename L::Word word) {
    using Float = typename L::Float;
    using Word = typename L::Word;
    const Float radius = normal_radius<L, 17>(word);
    const Float t = normal_angle<L>(word);
    const Float square = t * t;
    // One bit says which half of the circle the cosine is of.
    const Word side = (word << 17) & 0x80000000u;
    const Float cosine = same_bits<Float>(same_bits<Word>(cosine_of_quarters<L>(square)) ^ side);
    return {radius * sine_of_quarters<L>(t, square), radius * cosine};
}

}  // namespace WITHIN_ISA
}  // namespace within
