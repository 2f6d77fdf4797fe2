// Floats as unsigned numbers, and back.
#pragma once

#include "core/bits.h"

namespace within {
inline namespace WITHIN_ISA {

// Unsigned numbers in the order of the floats, which hold no NaN: -0 and +0 are one.
WITHIN_HOST_DEVICE uint32_t ordered_bits(float value) {
    const uint32_t bits = bits_of_float(value + 0.0f);
    return bits ^ (bits >> 31 ? 0xffffffffu : 0x80000000u);
}
WITHIN_HOST_DEVICE uint64_t ordered_bits(double value) {
    const uint64_t bits = bits_of(value + 0.0);
    return bits ^ (bits >> 63 ? ~uint64_t{0} : uint64_t{1} << 63);
}
WITHIN_HOST_DEVICE float float_of_ordered(uint32_t bits) {
    return float_of_bits(bits ^ (bits >> 31 ? 0x80000000u : 0xffffffffu));
}
WITHIN_HOST_DEVICE double double_of_ordered(uint64_t bits) {
    return double_of(bits ^ (bits >> 63 ? uint64_t{1} << 63 : ~uint64_t{0}));
}

}  // namespace WITHIN_ISA
}  // namespace within
