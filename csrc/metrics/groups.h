// Rows put together by their group, and the refusal of a group outside.
#pragma once

#include <c10/util/Exception.h>

#include <vector>

#include "core/partition.h"

namespace within {

[[noreturn]] inline void refuse_group(const char* who, const char* name, int64_t row, int64_t group, int64_t groups) {
    TORCH_CHECK_INDEX(false, who, ": ", name, "[", row, "] is ", group,
                      ", expected 0 to num_groups - 1 = ", groups - 1);
    std::abort();
}

// Moves rows to where they lie in the order of their groups: move(row, place). Gives where each group starts, and last
// the number of rows; `name` is what holds the groups.
template <typename Move>
std::vector<int64_t> move_by_group(const char* who, const int64_t* group_of, int64_t rows, int64_t groups,
                                   const Move& move, const char* name = "groups") {
    auto refuse = [&](int64_t row) { refuse_group(who, name, row, group_of[row], groups); };
    return partition_by_group(group_of, rows, groups, refuse, move).start;
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
    grouped.start = move_by_group(who, group_of, rows, groups,
                                  [out](int64_t row, int64_t place) { out[place] = static_cast<uint32_t>(row); });
    return grouped;
}

}  // namespace within
