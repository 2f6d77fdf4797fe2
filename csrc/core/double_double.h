// Numbers of about 106 bits as the unevaluated sum of two doubles (Dekker, "A floating-point technique for extending
// the available precision", 1971).
#pragma once

#include <cmath>

#include "core/host_device.h"

namespace within {
inline namespace WITHIN_ISA {

struct DoubleDouble {
    double high;
    double low;
};

WITHIN_HOST_DEVICE DoubleDouble exact_sum(double a, double b) {
    const double sum = a + b;
    const double of_b = sum - a;
    return {sum, (a - (sum - of_b)) + (b - of_b)};
}

WITHIN_HOST_DEVICE DoubleDouble exact_product(double a, double b) {
    const double product = a * b;
    return {product, fma(a, b, -product)};
}

// The sum of squared deviations of n numbers from their sum and the sum of their squares: squares - sum^2 / n, not
// below 0.
WITHIN_HOST_DEVICE double squared_deviations(DoubleDouble sum, DoubleDouble squares, double n) {
    const DoubleDouble square = exact_product(sum.high, sum.high);
    const double rest = square.low + 2.0 * sum.high * sum.low;
    const double quotient = square.high / n;
    const double remainder = fma(-quotient, n, square.high) + rest;
    const DoubleDouble difference = exact_sum(squares.high, -quotient);
    const double result = difference.high + (difference.low + (squares.low - remainder / n));
    return result < 0 ? 0 : result;
}

}  // namespace WITHIN_ISA
}  // namespace within
