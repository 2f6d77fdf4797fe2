// A word that holds a sum and how many rows were added to it.
//
// Terms are below 2^40 in magnitude and raised by 2^40, so that none is negative; the lowest 52 bits hold the sum of
// 2,048 of them, the bits above how many there were. A full word is negative, and is emptied before it takes more.
#pragma once

#include <cstdint>

#include "core/host_device.h"

namespace within {

constexpr int kCountedTermBits = 40;
constexpr int kCountAt = 52;
// What a row adds beside its term.
constexpr int64_t kCountedRow = (int64_t{1} << kCountAt) + (int64_t{1} << kCountedTermBits);

struct Counted {
    int64_t word;
    int64_t rows;
};

inline namespace WITHIN_ISA {

WITHIN_HOST_DEVICE Counted split_counted(int64_t word) {
    const int64_t rows = static_cast<int64_t>(static_cast<uint64_t>(word) >> kCountAt);
    return {(word & ((int64_t{1} << kCountAt) - 1)) - rows * (int64_t{1} << kCountedTermBits), rows};
}

}  // namespace WITHIN_ISA
}  // namespace within
