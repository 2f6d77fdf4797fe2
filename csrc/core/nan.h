// The one NaN that exact layers give.
#pragma once

#include "core/bits.h"

namespace within {
inline namespace WITHIN_ISA {

WITHIN_HOST_DEVICE float quiet_nan(float) { return float_of_bits(0x7fc00000u); }
WITHIN_HOST_DEVICE double quiet_nan(double) { return double_of(0x7ff8000000000000ull); }
template <typename T>
WITHIN_HOST_DEVICE T canonical(T value) {
    return value == value ? value : quiet_nan(value);
}

}  // namespace WITHIN_ISA
}  // namespace within
