// Rows put together by their group, in their order within it: the same for any number of threads.
#pragma once

#include <ATen/Parallel.h>
#include <c10/util/Exception.h>

#include <vector>

#include "metrics/parallel_sort.h"

namespace within {

[[noreturn]] inline void refuse_group(const char* who, const char* name, int64_t row, int64_t group, int64_t groups) {
    TORCH_CHECK_INDEX(false, who, ": ", name, "[", row, "] is ", group,
                      ", expected 0 to num_groups - 1 = ", groups - 1);
    std::abort();
}

// Calls move(row, place) for each row, from several threads: place is where the row lies when rows are in the order of
// their groups. Gives where each group starts, and last the number of rows. The first row whose group is outside
// [0, groups) is refused before anything is moved, by the `name` of what holds the groups.
template <typename Move>
std::vector<int64_t> partition_by_group(const char* who, const int64_t* group_of, int64_t rows, int64_t groups,
                                        const Move& move, const char* name = "groups") {
    const int64_t shares = std::max<int64_t>(1, std::min(shares_of(rows), 4 * rows / std::max<int64_t>(1, groups)));
    std::vector<int64_t> counts(shares * groups), outside(shares, -1), start(groups + 1);
    at::parallel_for(0, shares, 1, [&](int64_t from, int64_t to) {
        for (int64_t s = from; s < to; ++s) {
            int64_t* const own = counts.data() + s * groups;
            const int64_t end = rows * (s + 1) / shares;
            for (int64_t i = rows * s / shares; i < end; ++i) {
                const uint64_t group = static_cast<uint64_t>(group_of[i]);
                if (group >= static_cast<uint64_t>(groups)) {
                    outside[s] = i;
                    break;
                }
                ++own[group];
            }
        }
    });
    for (const int64_t row : outside)
        if (row >= 0) refuse_group(who, name, row, group_of[row], groups);
    int64_t at = 0;
    for (int64_t g = 0; g < groups; ++g) {
        start[g] = at;
        for (int64_t s = 0; s < shares; ++s) at += std::exchange(counts[s * groups + g], at);
    }
    start[groups] = at;
    at::parallel_for(0, shares, 1, [&](int64_t from, int64_t to) {
        for (int64_t s = from; s < to; ++s) {
            int64_t* const next = counts.data() + s * groups;
            const int64_t end = rows * (s + 1) / shares;
            for (int64_t i = rows * s / shares; i < end; ++i) move(i, next[group_of[i]]++);
        }
    });
    return start;
}

// The numbers of the rows in the order of their groups: those of group g are rows[start[g]] to rows[start[g + 1] - 1].
struct GroupedRows {
    std::vector<int64_t> start;
    std::vector<uint32_t> rows;
};

inline GroupedRows group_rows(const char* who, const int64_t* group_of, int64_t rows, int64_t groups) {
    TORCH_CHECK_VALUE(rows < (int64_t{1} << 31), who, ": groups has ", rows, " rows, expected fewer than 2^31");
    GroupedRows grouped;
    grouped.rows.resize(rows);
    uint32_t* const out = grouped.rows.data();
    grouped.start = partition_by_group(who, group_of, rows, groups,
                                       [out](int64_t row, int64_t place) { out[place] = static_cast<uint32_t>(row); });
    return grouped;
}

}  // namespace within
