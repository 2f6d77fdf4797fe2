// Products shared among threads.
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

// work(begin, end) for parts of [0, items), about one for each thread.
template <typename Work>
void share(int64_t items, int64_t threads, const Work& work) {
    at::parallel_for(0, items, std::max<int64_t>(1, ceiling(items, threads)), work);
}

}  // namespace within
