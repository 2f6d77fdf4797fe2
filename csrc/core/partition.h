// Rows put together by their group, in their order within it, on all threads: the same for any number of them.
#pragma once

#include <ATen/Parallel.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace within {

// Rows of each group: start[g] to start[g + 1], once they are in the order of their groups.
struct Partition {
    std::vector<int64_t> start;
    bool is_sorted;  // they lie in that order already
};

enum class Sorted { moved, left };

// Calls move(row, place) for each row, from several threads: place is where the row lies when rows are in the order of
// their groups; for rows that lie so already, only where `sorted` says so. Before anything is moved, refuse(row) is
// called, and must not return, for the first row whose group is outside [0, groups).
template <typename Refuse, typename Move>
Partition partition_by_group(const int64_t* group_of, int64_t rows, int64_t groups, const Refuse& refuse,
                             const Move& move, Sorted sorted = Sorted::moved) {
    constexpr int64_t kRowsOfThread = 1 << 14;  // fewer are not worth one
    const int64_t most = std::min(rows / kRowsOfThread, 4 * rows / std::max<int64_t>(1, groups));
    const int64_t shares = std::clamp<int64_t>(most, 1, at::get_num_threads());
    auto for_each_share = [&](auto work) {
        at::parallel_for(0, shares, 1, [&](int64_t from, int64_t to) {
            for (int64_t s = from; s < to; ++s) work(s, rows * s / shares, rows * (s + 1) / shares);
        });
    };
    std::vector<int64_t> next(shares * groups), outside(shares, -1);
    std::vector<char> in_order(shares, 1);
    for_each_share([&](int64_t s, int64_t begin, int64_t end) {
        int64_t* const own = next.data() + s * groups;
        bool is_sorted = true;
        for (int64_t i = begin; i < end; ++i) {
            const int64_t group = group_of[i];
            if (static_cast<uint64_t>(group) >= static_cast<uint64_t>(groups)) {
                outside[s] = i;
                return;
            }
            ++own[group];
            is_sorted &= i == 0 || group_of[i - 1] <= group;
        }
        in_order[s] = is_sorted;
    });
    for (const int64_t row : outside)
        if (row >= 0) refuse(row);
    Partition partition{std::vector<int64_t>(groups + 1),
                        std::find(in_order.begin(), in_order.end(), 0) == in_order.end()};
    int64_t at = 0;
    for (int64_t g = 0; g < groups; ++g) {
        partition.start[g] = at;
        for (int64_t s = 0; s < shares; ++s) at += std::exchange(next[s * groups + g], at);
    }
    partition.start[groups] = at;
    if (partition.is_sorted && sorted == Sorted::left) return partition;
    for_each_share([&](int64_t s, int64_t begin, int64_t end) {
        int64_t* const own = next.data() + s * groups;
        for (int64_t i = begin; i < end; ++i) move(i, own[group_of[i]]++);
    });
    return partition;
}

}  // namespace within
