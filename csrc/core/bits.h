// A number and its bits.
#pragma once

#include <cstdint>
#include <cstring>

#include "core/host_device.h"

namespace within {
inline namespace WITHIN_ISA {

template <typename To, typename From>
WITHIN_HOST_DEVICE To same_bits(From from) {
    static_assert(sizeof(To) == sizeof(From), "as many bits as there are");
    To to;
    memcpy(&to, &from, sizeof to);
    return to;
}

WITHIN_HOST_DEVICE uint64_t bits_of(double value) { return same_bits<uint64_t>(value); }
WITHIN_HOST_DEVICE double double_of(uint64_t bits) { return same_bits<double>(bits); }
WITHIN_HOST_DEVICE uint32_t bits_of_float(float value) { return same_bits<uint32_t>(value); }
WITHIN_HOST_DEVICE float float_of_bits(uint32_t bits) { return same_bits<float>(bits); }

// Of the power of two at or below a normal number.
WITHIN_HOST_DEVICE int exponent_of(double value) { return static_cast<int>(bits_of(value) >> 52 & 0x7ff) - 1023; }

}  // namespace WITHIN_ISA
}  // namespace within
