// Numbers as integers in their order, so that a maximum of integers finds a maximum of numbers in any order of rows.
#pragma once

#include <cstdint>
#include <limits>
#include <type_traits>

#include "core/elementary.h"
#include "core/exact_accumulator.h"
#include "core/half.h"

namespace within {
inline namespace WITHIN_ISA {

// The integer of a type's keys. The lowest of them stands for a group without rows, the highest for NaN.
template <typename T>
using KeyOf = std::conditional_t<std::is_same_v<T, double>, int64_t, int32_t>;

// A key grows with the number, -0 before +0; for a minimum it falls.
template <typename T>
WITHIN_HOST_DEVICE KeyOf<T> key_of(T value, bool is_max) {
    using Key = KeyOf<T>;
    Key key;
    bool is_nan;
    if constexpr (std::is_same_v<T, double>) {
        key = static_cast<Key>(bits_of(value));
        is_nan = value != value;
    } else {
        const float number = load(value);
        key = static_cast<Key>(bits_of_float(number));
        is_nan = number != number;
    }
    key ^= (key >> (sizeof(Key) * 8 - 1)) & std::numeric_limits<Key>::max();
    key = is_max ? key : ~key;
    return is_nan ? std::numeric_limits<Key>::max() : key;
}

// The number of a key; NaN for a group without rows.
template <typename T>
WITHIN_HOST_DEVICE void store_key(KeyOf<T> key, bool is_max, T* out) {
    using Key = KeyOf<T>;
    const bool is_number = key != std::numeric_limits<Key>::min() && key != std::numeric_limits<Key>::max();
    Key bits = is_max ? key : ~key;
    bits ^= (bits >> (sizeof(Key) * 8 - 1)) & std::numeric_limits<Key>::max();
    if constexpr (std::is_same_v<T, double>) {
        *out = double_of(is_number ? static_cast<uint64_t>(bits) : 0x7ff8000000000000ull);
    } else {
        store(float_of_bits(is_number ? static_cast<uint32_t>(bits) : 0x7fc00000u), out);
    }
}

// log(sum of exp) from the largest value and the sum of exponentials beside it; an infinite top is the result, a group
// without rows gives -infinity.
WITHIN_HOST_DEVICE double log_of_sum(double top, double sum, int64_t count) {
    if (count == 0) return double_of(0xfff0000000000000ull);
    return is_finite(top) ? top + log(sum) : top;
}

}  // namespace WITHIN_ISA
}  // namespace within
