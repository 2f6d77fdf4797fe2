// Floats as whole numbers in their order, and back.
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

// The same order as signed numbers, which torch sorts.
WITHIN_HOST_DEVICE int32_t key_of(float value) { return static_cast<int32_t>(ordered_bits(value) ^ 0x80000000u); }
WITHIN_HOST_DEVICE int64_t key_of(double value) {
    return static_cast<int64_t>(ordered_bits(value) ^ uint64_t{1} << 63);
}

WITHIN_HOST_DEVICE double number_of(uint32_t key) { return float_of_ordered(key); }
WITHIN_HOST_DEVICE double number_of(uint64_t key) { return double_of_ordered(key); }
WITHIN_HOST_DEVICE double number_of(int32_t key) { return number_of(static_cast<uint32_t>(key) ^ 0x80000000u); }
WITHIN_HOST_DEVICE double number_of(int64_t key) { return number_of(static_cast<uint64_t>(key) ^ uint64_t{1} << 63); }

}  // namespace WITHIN_ISA
}  // namespace within
