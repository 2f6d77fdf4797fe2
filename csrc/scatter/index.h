// An index of groups, read in blocks.
#pragma once

#include "core/standard.h"
//
#include "core/host_device.h"

namespace within {

constexpr int64_t kIndexBlock = 256;

inline namespace WITHIN_ISA {

// The first row of a block whose group is outside [0, groups), groups > 0; -1 where none is.
inline int64_t first_outside(const int64_t* index, int64_t count, int64_t groups) {
    uint64_t outside = 0;
    for (int64_t i = 0; i < count; ++i)
        outside |= static_cast<uint64_t>(index[i]) | static_cast<uint64_t>(groups - 1 - index[i]);
    if (!(outside >> 63)) return -1;
    for (int64_t i = 0; i < count; ++i)
        if (static_cast<uint64_t>(index[i]) >= static_cast<uint64_t>(groups)) return i;
    return -1;
}

}  // namespace WITHIN_ISA
}  // namespace within
