// What the kernels of the scatter family are launched with.
#pragma once

#include <cstdint>

#include "core/dtype.h"
#include "core/stream.h"
#include "scatter/extremes.h"
#include "scatter/rows.h"

namespace within {

// An exact sum in progress on a device. `cells` are groups x columns; the words of a cell lie together, then its count.
struct DeviceSums {
    int64_t rows;
    int64_t columns;
    int64_t groups;
    int term_bits;
    int* exponents;               // of each column's sample
    unsigned long long* words;    // [cells, counted_words_of(dtype, work)]
    unsigned long long* misfits;  // elements that fit into no word
    unsigned long long* found;    // [0]: how many; [1]: the first row whose group is outside, or ~0
    int* slots;                   // of each cell that has misfits, else -1
    int64_t slot_count;
    unsigned long long* limbs[2];  // [reach.count, slots]
    int* specials[2];              // [slots]
};

inline namespace WITHIN_ISA {

// Terms so small that a word takes all rows, whatever they are: no overflow has to be watched for.
inline int term_bits_for(int64_t rows) {
    int bits = 62;
    for (int64_t reach = 1; reach < rows; reach *= 2) --bits;
    return bits < kTermBits ? bits : kTermBits;
}

}  // namespace WITHIN_ISA

// Samples the exponents and adds all rows to words; `words` and found[0] are zeros, found[1] is ~0.
template <typename T, Work work>
void launch_add_rows(const DeviceSums& sums, const T* values, const int64_t* index, Dtype dtype, Stream stream);

void launch_misfit_cells(const DeviceSums& sums, const int64_t* index, int64_t count, int64_t* cells, Stream stream);

// Adds the misfits to limbs; `cells` are those of launch_misfit_cells, `distinct` each of them once. Limbs and specials
// are zeros, slots -1.
template <typename T>
void launch_add_misfits(const DeviceSums& sums, const T* values, const int64_t* cells, int64_t count,
                        const int64_t* distinct, Stream stream);

template <typename T, Work work, typename Out>
void launch_finish(const DeviceSums& sums, double ddof, bool is_std, Format format, Out* out, Stream stream);

// `keys` hold the lowest integer, `outside` ~0.
template <typename T>
void launch_extremes(const T* values, const int64_t* index, int64_t rows, int64_t columns, int64_t groups, bool is_max,
                     KeyOf<T>* keys, unsigned long long* outside, T* out, Stream stream);

void launch_count(const int64_t* index, int64_t rows, int64_t groups, unsigned long long* counts,
                  unsigned long long* outside, Stream stream);

template <typename T>
void launch_exponentials(const T* values, const int64_t* index, int64_t elements, int64_t columns, const T* tops,
                         Wider<T>* out, Stream stream);

template <typename T>
void launch_shares(const Wider<T>* powers, const int64_t* index, int64_t elements, int64_t columns, const double* sums,
                   T* out, Stream stream);

template <typename T>
void launch_log_of_sums(const T* tops, const double* sums, const int64_t* counts, int64_t cells, int64_t columns,
                        T* out, Stream stream);

}  // namespace within
