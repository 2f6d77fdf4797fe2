// Among how many threads products are shared.
#pragma once

#include <ATen/Parallel.h>

#include <algorithm>
#include <cstdint>

namespace within {

constexpr int64_t kWorkOfThread = int64_t{1} << 17;  // products that are worth one

inline int64_t ceiling(int64_t count, int64_t of) { return (count + of - 1) / of; }

inline int64_t threads_for(int64_t products) {
    return std::clamp<int64_t>(products / kWorkOfThread, 1, at::get_num_threads());
}

}  // namespace within
