// The sort of sort.h on all threads: each counts and moves an equal share of the records.
#pragma once

#include <ATen/Parallel.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "metrics/sort.h"

namespace within {

constexpr int64_t kRowsOfShare = 1 << 14;  // fewer rows are not worth a thread

// Into how many shares rows are cut, one a thread; no result depends on it.
inline int64_t shares_of(int64_t rows) {
    return std::max<int64_t>(1, std::min<int64_t>(at::get_num_threads(), rows / kRowsOfShare));
}

// Sorts fewer than 2^32 records by bits [first, last) of their keys, upwards; says which of the two places they lie in then.
template <typename Key, typename Payload>
Records<Key, Payload> sort_in_parallel(Records<Key, Payload> records, Records<Key, Payload> scratch, int64_t count,
                                       int first, int last) {
    const int64_t shares = shares_of(count);
    if (shares == 1) return sort_records(records, scratch, count, first, last);
    const Digits digits(first, last, kMostDigitBits);
    const int64_t values = digits.values();
    std::vector<uint32_t> counts(shares * values);
    for (int pass = 0; pass < digits.passes; ++pass) {
        at::parallel_for(0, shares, 1, [&](int64_t from, int64_t to) {
            for (int64_t s = from; s < to; ++s) {
                uint32_t* const own = counts.data() + s * values;
                std::fill(own, own + values, 0);
                count_digits(records.keys, count * s / shares, count * (s + 1) / shares, digits, pass, own);
            }
        });
        uint32_t at = 0;
        bool is_one = false;
        for (int64_t digit = 0; digit < values; ++digit) {
            const uint32_t began = at;
            for (int64_t s = 0; s < shares; ++s) at += std::exchange(counts[s * values + digit], at);
            is_one |= at - began == count;
        }
        if (is_one) continue;
        at::parallel_for(0, shares, 1, [&](int64_t from, int64_t to) {
            for (int64_t s = from; s < to; ++s)
                move_by_digit(records, count * s / shares, count * (s + 1) / shares, digits, pass,
                              counts.data() + s * values, scratch);
        });
        std::swap(records, scratch);
    }
    return records;
}

}  // namespace within
