// Elementary functions of float64, one number at a time, of IEEE operations alone; names as in exact/functions.h.
#pragma once

#include "core/elementary.h"
#include "core/exponential.h"
#include "exact/functions.h"

namespace within {
inline namespace WITHIN_ISA {

template <>
struct Functions<Scalar64> {
    WITHIN_HOST_DEVICE static double magnitude(double x) { return double_of(bits_of(x) & ~(uint64_t{1} << 63)); }
    WITHIN_HOST_DEVICE static double with_sign(double size, double sign) {
        return double_of(bits_of(size) | (bits_of(sign) & (uint64_t{1} << 63)));
    }
    WITHIN_HOST_DEVICE static double nan() { return double_of(0x7ff8000000000000ull); }
    WITHIN_HOST_DEVICE static double unless_nan(double x, double result) { return x == x ? result : nan(); }
    WITHIN_HOST_DEVICE static double canonical(double x) { return unless_nan(x, x); }
    WITHIN_HOST_DEVICE static double exp(double x) { return exponential<13>(x); }
    WITHIN_HOST_DEVICE static double exp_bounded(double x) { return exponential<13>(x); }
    WITHIN_HOST_DEVICE static double log(double x) { return x == x ? within::log(x) : nan(); }
    WITHIN_HOST_DEVICE static double root(double x) { return x >= 0 ? ::sqrt(x) : nan(); }
    // Of small numbers by odd powers, with no cancellation.
    WITHIN_HOST_DEVICE static double tanh(double x) {
        const double size = magnitude(x), power = exponential<13>(-2 * size), square = x * x;
        const double small = ::fma(::fma(square, 2.0 / 15, -1.0 / 3) * square, x, x);
        return unless_nan(x, size < 0x1p-10 ? small : with_sign((1 - power) / (1 + power), x));
    }
    WITHIN_HOST_DEVICE static double sigmoid(double x) {
        const double power = exponential<13>(-magnitude(x));
        return unless_nan(x, (x < 0 ? power : 1.0) / (power + 1.0));
    }
};

}  // namespace WITHIN_ISA
}  // namespace within
