// Rows in the order of their groups, on all threads.
#pragma once

#include <ATen/Parallel.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "scatter/checks.h"

namespace within {

// Rows of each group: start[g] to start[g + 1] in `rows`, which is empty where they lie in that order already.
struct Order {
    std::vector<int64_t> start;
    std::vector<int32_t> rows;
};

// Fewer than 2^31 rows. The first whose group is outside is refused.
inline Order order_by_group(const int64_t* index, int64_t count, int64_t groups) {
    constexpr int64_t kRowsOfThread = 1 << 14;  // fewer are not worth one
    const int64_t most = std::min(count / kRowsOfThread, 4 * count / std::max<int64_t>(1, groups));
    const int64_t shares = std::clamp<int64_t>(most, 1, at::get_num_threads());
    auto for_each_share = [&](auto work) {
        at::parallel_for(0, shares, 1, [&](int64_t from, int64_t to) {
            for (int64_t s = from; s < to; ++s) work(s, count * s / shares, count * (s + 1) / shares);
        });
    };
    std::vector<int64_t> next(shares * groups), outside(shares, -1);
    std::vector<char> is_sorted(shares, 1);
    for_each_share([&](int64_t s, int64_t begin, int64_t end) {
        int64_t* const own = next.data() + s * groups;
        bool sorted = true;
        for (int64_t i = begin; i < end; ++i) {
            const int64_t group = index[i];
            if (group < 0 || group >= groups) {
                outside[s] = i;
                return;
            }
            ++own[group];
            sorted &= i == 0 || index[i - 1] <= group;
        }
        is_sorted[s] = sorted;
    });
    for (const int64_t row : outside)
        if (row >= 0) refuse_group(row, index[row], groups);
    Order order;
    order.start.resize(groups + 1);
    int64_t at = 0;
    for (int64_t g = 0; g < groups; ++g) {
        order.start[g] = at;
        for (int64_t s = 0; s < shares; ++s) at += std::exchange(next[s * groups + g], at);
    }
    order.start[groups] = at;
    if (std::find(is_sorted.begin(), is_sorted.end(), 0) == is_sorted.end()) return order;
    order.rows.resize(count);
    for_each_share([&](int64_t s, int64_t begin, int64_t end) {
        int64_t* const own = next.data() + s * groups;
        for (int64_t i = begin; i < end; ++i) order.rows[own[index[i]]++] = static_cast<int32_t>(i);
    });
    return order;
}

}  // namespace within
