// Columns side by side as units of work for threads.
#pragma once

#include <ATen/Parallel.h>

#include <algorithm>

#include "exact/reduce.h"

namespace within {

// work(begin, end) for sums of one index of `outer`, kReduceColumns at most at a time; narrower units where there would
// be fewer than threads.
template <typename Work>
void for_column_units(const SumLayout& layout, const Work& work) {
    constexpr int64_t kLeast = 16, kNumbersOfThread = 1 << 14;
    const int64_t threads = at::get_num_threads();
    const int64_t wanted = (layout.inner * layout.outer + threads - 1) / threads;
    const int64_t width = std::clamp((wanted + kLeast - 1) / kLeast * kLeast, kLeast, kReduceColumns);
    const int64_t chunks = (layout.inner + width - 1) / width;
    const int64_t grain = std::max<int64_t>(1, kNumbersOfThread / (numbers_of(layout) * width));
    at::parallel_for(0, layout.outer * chunks, grain, [&](int64_t begin, int64_t end) {
        for (int64_t unit = begin; unit < end; ++unit) {
            const int64_t which = unit / chunks * layout.inner, first = unit % chunks * width;
            work(which + first, which + std::min(first + width, layout.inner));
        }
    });
}

}  // namespace within
