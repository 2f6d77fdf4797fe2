// What kernels have in common that add up rows in slices: slices lie one after the other, blocks take tiles of rows,
// and of a tile one slice after the other.
#pragma once

#include "core/launch.h"
#include "metrics/exact_sum.h"

namespace within {
inline namespace WITHIN_ISA {

constexpr int64_t kTileRows = 2048;  // of a block at a time

// ---- exact sums ----

__device__ __forceinline__ void add_word(unsigned long long* limbs, int64_t word, int base) {
    int limb;
    int64_t parts[3];
    split_word(word, base, &limb, parts);
    for (int i = 0; i < 3; ++i)
        if (parts[i] != 0) atomicAdd(&limbs[limb + i], static_cast<unsigned long long>(parts[i]));
}

__device__ __forceinline__ void add_double(unsigned long long* limbs, double value) {
    const Placed placed = place(value);
    add_word(limbs, placed.low, kLowestExponent + kLimbBits * placed.limb);
    add_word(limbs, placed.high, kLowestExponent + kLimbBits * (placed.limb + 1));
}

// A thread's part of a sum.
struct ThreadSum {
    int64_t low;
    int64_t high;

    __device__ __forceinline__ void add(double term, const Shift& shift, unsigned long long* limbs) {
        int64_t term_low, term_high;
        if (!shift_to_words(term, shift, &term_low, &term_high)) return add_double(limbs, term);
        low += term_low;
        high += term_high;
    }
    __device__ __forceinline__ void give(unsigned long long* shared) const {
        if (low != 0) atomicAdd(&shared[0], static_cast<unsigned long long>(low));
        if (high != 0) atomicAdd(&shared[1], static_cast<unsigned long long>(high));
    }
};

__device__ __forceinline__ void take(const unsigned long long* shared, int base, unsigned long long* limbs) {
    add_word(limbs, static_cast<int64_t>(shared[0]), base);
    add_word(limbs, static_cast<int64_t>(shared[1]), base + 32);
}

__device__ inline double rounded_limbs(const unsigned long long* limbs) {
    int64_t own[kLimbs];
    for (int i = 0; i < kLimbs; ++i) own[i] = static_cast<int64_t>(limbs[i]);
    return round_limbs(own, 0, kLimbs, kFloat64);
}

// The units of places [from, to). `sums` are cumulative words of 32 bits each, the lowest first: [words, rows].
__device__ inline __int128 units_between(const int64_t* sums, int64_t words, int64_t rows, int64_t from, int64_t to) {
    __int128 units = 0;
    for (int64_t w = words - 1; w >= 0 && to > from; --w)
        units = (units << 32) + (sums[w * rows + to - 1] - (from > 0 ? sums[w * rows + from - 1] : 0));
    return units;
}

// ---- slices ----

// The slice of a row, of several that begin there the one that has it.
__device__ inline int64_t slice_of(const int64_t* start, int64_t slices, int64_t row) {
    int64_t low = 0, high = slices;
    while (high - low > 1) {
        const int64_t middle = (low + high) / 2;
        if (start[middle] <= row) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

// The first row in [begin, end) whose key is at least `key`.
template <typename Key>
__device__ inline int64_t first_from(const Key* keys, int64_t begin, int64_t end, Key key) {
    while (begin < end) {
        const int64_t middle = begin + (end - begin) / 2;
        if (keys[middle] < key) {
            begin = middle + 1;
        } else {
            end = middle;
        }
    }
    return begin;
}

// Calls run(slice, begin, end) for the rows of a slice within each tile of this block, after all its threads are done
// with those before.
template <typename Run>
__device__ void for_each_segment(const int64_t* start, int64_t slices, int64_t rows, const Run& run) {
    for (int64_t tile = static_cast<int64_t>(blockIdx.x) * kTileRows; tile < rows;
         tile += static_cast<int64_t>(gridDim.x) * kTileRows) {
        const int64_t beyond = tile + kTileRows < rows ? tile + kTileRows : rows;
        int64_t slice = slice_of(start, slices, tile);
        for (int64_t begin = tile; begin < beyond; ++slice) {
            const int64_t end = start[slice + 1] < beyond ? start[slice + 1] : beyond;
            if (end <= begin) continue;
            __syncthreads();
            run(slice, begin, end);
            begin = end;
        }
    }
}

}  // namespace WITHIN_ISA
}  // namespace within
