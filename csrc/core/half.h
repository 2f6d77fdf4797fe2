// The 16-bit formats, without torch: loaded as float exactly, stored rounded to nearest even.
#pragma once

#include <cstdint>

#include "core/bits.h"

namespace within {

// Layout-compatible with at::Half and at::BFloat16.
struct Float16 {
    uint16_t bits;
};
struct BFloat16 {
    uint16_t bits;
};

inline namespace WITHIN_ISA {

WITHIN_HOST_DEVICE double load(double value) { return value; }
WITHIN_HOST_DEVICE float load(float value) { return value; }
WITHIN_HOST_DEVICE float load(BFloat16 value) { return float_of_bits(static_cast<uint32_t>(value.bits) << 16); }
WITHIN_HOST_DEVICE float load(Float16 value) {
    const uint32_t sign = static_cast<uint32_t>(value.bits & 0x8000u) << 16;
    const uint32_t magnitude = value.bits & 0x7fffu;
    if (magnitude >= 0x7c00u) return float_of_bits(sign | 0x7f800000u | ((magnitude & 0x3ffu) << 13));
    // A half's bits, shifted, are the float 2^112 times too small; the product is exact, subnormals included.
    return float_of_bits(sign | bits_of_float(float_of_bits(magnitude << 13) * 0x1p112f));
}

WITHIN_HOST_DEVICE void store(double value, double* out) { *out = value; }
WITHIN_HOST_DEVICE void store(float value, float* out) { *out = value; }
WITHIN_HOST_DEVICE void store(float value, BFloat16* out) {
    const uint32_t bits = bits_of_float(value);
    const bool is_nan = (bits & 0x7fffffffu) > 0x7f800000u;
    out->bits = static_cast<uint16_t>(is_nan ? 0x7fc0u : (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}
WITHIN_HOST_DEVICE void store(float value, Float16* out) {
    const uint32_t bits = bits_of_float(value);
    const uint32_t sign = (bits >> 16) & 0x8000u;
    const uint32_t magnitude = bits & 0x7fffffffu;
    uint32_t half;
    if (magnitude > 0x7f800000u) {
        half = 0x7e00u;
    } else if (magnitude >= 0x477ff000u) {  // 65520 and more round to infinity
        half = 0x7c00u;
    } else if (magnitude >= 0x38800000u) {
        half = (magnitude - 0x38000000u + 0xfffu + ((magnitude >> 13) & 1u)) >> 13;
    } else {
        // A subnormal: adding 1/2 rounds at the place of its lowest bit, 2^-24.
        half = bits_of_float(float_of_bits(magnitude) + 0.5f) - 0x3f000000u;
    }
    out->bits = static_cast<uint16_t>(sign | half);
}

}  // namespace WITHIN_ISA
}  // namespace within
