// Elementary functions of ours, of IEEE operations alone: the same bits on every processor and device.
#pragma once

#include <cstdint>

#include "core/bits.h"

namespace within {
inline namespace WITHIN_ISA {

// The natural logarithm of a positive normal number; less than 1 ulp from the truth.
// F is double, U uint64_t, or both are vectors of them: every operation acts lane by lane.
// Source: Sun's fdlibm, e_log.c: x = 2^k m with m in [sqrt(1/2), sqrt(2)), log m = 2 atanh((m - 1) / (m + 1)) by a
// minimax polynomial.
template <typename F, typename U>
WITHIN_HOST_DEVICE F log_normal(F x) {
    const U from_root = same_bits<U>(x) + 0x00095F619980C433ull;  // the exponent steps at sqrt(1/2), not at 1
    // 2^52 and an integer below it in the mantissa: a conversion that every instruction set has.
    const F k = same_bits<F>((from_root >> 52) | 0x4330000000000000ull) - (0x1p52 + 1023);
    const F m = same_bits<F>((from_root & 0x000FFFFFFFFFFFFFull) + 0x3FE6A09E667F3BCDull);
    const F f = m - 1.0;
    const F half = f * f * 0.5;
    const F s = f / (f + 2.0);
    const F z = s * s;
    const F w = z * z;
    const F odd = w * (w * (w * 1.531383769920937332e-01 + 2.222219843214978396e-01) + 3.999999999940941908e-01);
    const F even = z * (w * (w * (w * 1.479819860511658591e-01 + 1.818357216161805012e-01) + 2.857142874366239149e-01) +
                        6.666666666666735130e-01);
    return s * (half + (even + odd)) + k * 1.90821492927058770002e-10 - half + f + k * 6.93147180369123816490e-01;
}

// The natural logarithm of any double: -inf of 0, NaN of what is negative or NaN.
WITHIN_HOST_DEVICE double log(double x) {
    if (!(x > 0))
        return x == 0 ? -same_bits<double>(uint64_t{0x7ff0000000000000})
                      : same_bits<double>(uint64_t{0x7ff8000000000000});
    if (same_bits<uint64_t>(x) >= 0x7ff0000000000000ull) return x;
    // A subnormal is scaled by 2^54 first; the subtraction is that of a product below 2^6, rounded once.
    if (x < 0x1p-1022) return log_normal<double, uint64_t>(x * 0x1p54) - 54 * 6.93147180559945286227e-01;
    return log_normal<double, uint64_t>(x);
}

}  // namespace WITHIN_ISA
}  // namespace within
