// What the kernels of a scatter are given: plain data that crosses from the dispatching source into them.
#pragma once

#include <cstdint>

#include "core/dtype.h"
#include "core/exact_accumulator.h"
#include "scatter/counted.h"
#include "scatter/window.h"

namespace within {

// What is summed for each group. A cell's record is its words, in this order: the value's word (float64: low, high);
// moments: low and high of its square. On a GPU the count of rows follows where it is needed; on the CPU the first word
// has it in its upper bits (counted.h).
enum class Work { sum, mean, moments };

// One exact sum for each cell. `wide` holds limb l of cell c at [(l - reach.first) * cells + c], `flags` the specials.
// The words of a cell count 2^base and, two by two, 2^(base + 32); `bases` has a base for each cell, where there is
// none for all.
struct Sums {
    int base;
    const int* bases;
    Reach reach;
    int64_t* wide;
    uint8_t* flags;
    int lowest_limb;  // of those that hold something in some cell; none: beyond the highest
    int highest_limb;
};

constexpr uint8_t kIsWide = 8;  // in flags: some limb of the cell may hold something

// Some of the rows, and the cells they are added to. By groups, a cell is a group; few groups have several cells each,
// by turns, so that additions to one word need not wait for each other. By columns, a cell is a column of one group.
// Word w of cell c is records[c * cell_step + w * word_step].
struct Share {
    Dtype dtype;
    Work work;
    const void* values;
    const int64_t* index;  // by groups: the group of each row
    const int32_t* order;  // by columns: which rows, all where there is none
    int64_t rows;          // of all shares
    int64_t begin;
    int64_t end;
    int64_t groups;  // by columns: how many columns
    int64_t replicas;
    int64_t cell_step;
    int64_t word_step;
    int64_t* records;
    int64_t* counts;  // by groups, where rows are counted: those that a record's first word could not hold, [cells]
    Sums sums[2];
    int64_t row_outside;  // out, by groups: a row whose group is outside, or -1
};

// Shares to be merged and rounded, for the groups or columns [begin, end).
struct Finish {
    Dtype dtype;
    Work work;
    Dtype written;
    bool is_std;
    int64_t ddof;
    int64_t count;  // rows of the group, by columns; -1 by groups
    const Share* shares;
    int64_t share_count;
    int64_t begin;
    int64_t end;
    void* out;
};

// Whole groups [first, last) of ordered rows, to be summed by columns with the cells of `share` and written.
struct Span {
    Share share;
    Finish finish;
    const int64_t* start;  // of each group's rows
    int64_t first;
    int64_t last;
    double* shifts;  // workspace: kShifts numbers a column
    int64_t row_bytes;
    bool is_zeroed;  // whether the result holds zeros
};
constexpr int kShifts = 7;

// Words of a record on the CPU: the value's, then its square's.
constexpr int words_of(Dtype dtype, Work work) {
    return (dtype == Dtype::float64 ? 2 : 1) + (work == Work::moments ? 2 : 0);
}

// Below which power of two the terms of a value's word are, by groups.
constexpr int value_term_bits(Dtype dtype, Work work) {
    return work == Work::sum || dtype == Dtype::float64 ? kTermBits : kCountedTermBits;
}

// On a GPU: these, then the count.
constexpr int counted_words_of(Dtype dtype, Work work) { return words_of(dtype, work) + (work == Work::sum ? 0 : 1); }

// Minima or maxima: rows [begin, end) into keys [groups, columns] of one share; then cells [begin, end) of all shares
// into `out`.
struct Extremes {
    Dtype dtype;
    bool is_max;
    const void* values;
    const int64_t* index;
    int64_t begin;
    int64_t end;
    int64_t groups;
    int64_t columns;
    int64_t shares;
    void* keys;
    void* out;
    int64_t* row_outside;
};

// Softmax: rows [begin, end), first as exponentials, then divided by their groups' sums.
struct Softmax {
    Dtype dtype;
    const void* values;
    const int64_t* index;
    int64_t begin;
    int64_t end;
    int64_t columns;
    const void* tops;
    void* exponentials;
    const double* sums;
    void* out;
};

}  // namespace within
