// Whole numbers rounded to float64: to nearest, ties to even, on every device.
#pragma once

#include "core/exact_accumulator.h"

namespace within {
inline namespace WITHIN_ISA {

// Of numbers that are not negative.
WITHIN_HOST_DEVICE double nearest(int64_t units) { return static_cast<double>(units); }
WITHIN_HOST_DEVICE double nearest(__int128 units) {
    const uint64_t high = static_cast<uint64_t>(units >> 64);
    if (high == 0) return static_cast<double>(static_cast<uint64_t>(units));
    // The highest 64 bits, the last of which tells whether something is below: more than rounding needs.
    const int shift = 64 - leading_zeros(high);
    const uint64_t top = static_cast<uint64_t>(units >> shift);
    const bool is_more = (static_cast<__int128>(top) << shift) != units;
    return static_cast<double>(top | static_cast<uint64_t>(is_more)) * power_of_two(shift);
}

// Of any above -2^127.
WITHIN_HOST_DEVICE double nearest_signed(__int128 whole) { return whole < 0 ? -nearest(-whole) : nearest(whole); }

}  // namespace WITHIN_ISA
}  // namespace within
