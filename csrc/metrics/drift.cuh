// The kernels of drift metrics and the functions that launch them; compiled by nvcc, and by the tests' emulator.
//
// torch has sorted a column of each sample within each slice, and adds up weights from the first place on. Places of a
// sample are numbered through its slices: the groups one after the other, then the whole, which has every row once more
// where there are groups.
#pragma once

#include "metrics/drift_walk.cuh"
#include "metrics/nearest.h"
#include "metrics/weights.h"

namespace within {
inline namespace WITHIN_ISA {

// ---- reading ----

// Values of a sample, column by column; the first that is refused, where the CPU looks at a column of the reference,
// then at the same of the current sample: (2 column + is_current) 2^31 + row.
template <typename T, typename Key>
__global__ void read_values_kernel(const T* values, int64_t rows, int64_t columns, int64_t is_current, Key* keys,
                                   unsigned long long* found) {
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < rows * columns; i += step) {
        const T value = values[i];
        if (!is_finite(value))
            atomicMin(&found[kBadValue],
                      static_cast<unsigned long long>(((2 * (i / rows) + is_current) << 31) + i % rows));
        keys[i] = key_of(value);
    }
}

__global__ void read_weights_kernel(const double* weights, int64_t rows, unsigned long long* first) {
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < rows; i += step)
        if (!(weights[i] >= 0 && is_finite(weights[i]))) atomicMin(first, static_cast<unsigned long long>(i));
}

// ---- weights ----

__global__ void largest_weights_kernel(DriftWeights all) {
    __shared__ unsigned long long largest;
    for_each_segment(all.start, all.slices, all.places, [&](int64_t slice, int64_t begin, int64_t end) {
        if (threadIdx.x == 0) largest = 0;
        __syncthreads();
        unsigned long long own = 0;
        for (int64_t i = begin + threadIdx.x; i < end; i += blockDim.x) {
            const unsigned long long bits = bits_of(all.of_row[all.row[i]] + 0.0);
            own = bits > own ? bits : own;
        }
        own = most_of_warp(own);
        if (threadIdx.x % kLanes == 0) atomicMax(&largest, own);
        __syncthreads();
        if (threadIdx.x == 0) atomicMax(&all.largest[slice], largest);
    });
}

// Exact sums of weights and of their squares, as shares of the slice's largest: limbs [slices, 2, kLimbs].
__global__ void sum_weights_kernel(DriftWeights all, unsigned long long* limbs) {
    __shared__ unsigned long long words[4];
    for_each_segment(all.start, all.slices, all.places, [&](int64_t slice, int64_t begin, int64_t end) {
        if (threadIdx.x < 4) words[threadIdx.x] = 0;
        __syncthreads();
        const double largest = double_of(all.largest[slice]);
        if (!(largest > 0)) return;
        unsigned long long* const own = limbs + slice * 2 * kLimbs;
        const int base = base_below(1.0);
        ThreadSum sum{}, squares{};
        for (int64_t i = begin + threadIdx.x; i < end; i += blockDim.x) {
            const double part = all.of_row[all.row[i]] / largest;
            sum.add(part, Shift(base), own);
            squares.add(part * part, Shift(base), own + kLimbs);
        }
        give_warp(sum, words);
        give_warp(squares, words + 2);
        __syncthreads();
        if (threadIdx.x < 2) take(words + 2 * threadIdx.x, base, own + threadIdx.x * kLimbs);
    });
}

__global__ void effective_rows_kernel(const unsigned long long* limbs, int64_t slices, double* out) {
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t s = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; s < slices; s += step) {
        const double sum = rounded_limbs(limbs + 2 * s * kLimbs);
        out[s] = sum > 0 ? effective_rows(sum, rounded_limbs(limbs + (2 * s + 1) * kLimbs)) : 0;
    }
}

__global__ void weight_words_kernel(DriftWeights all, int64_t* out) {
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < all.places; i += step) {
        const double largest = double_of(all.largest[slice_of(all.start, all.slices, i)]);
        const __int128 units = whole_weight(all.of_row[all.row[i]], exponent_of(largest));
        for (int w = 0; w < kUnitWords; ++w)
            out[w * all.places + i] = static_cast<int64_t>(units >> 32 * w & 0xffffffffll);
    }
}

__global__ void shares_kernel(DriftWeights all, const int64_t* units, double* out) {
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < all.places; i += step) {
        const int64_t slice = slice_of(all.start, all.slices, i);
        const int64_t begin = all.start[slice], end = all.start[slice + 1];
        out[i] = nearest(units_between(units, kUnitWords, all.places, begin, i + 1)) /
                 nearest(units_between(units, kUnitWords, all.places, begin, end));
    }
}

}  // namespace WITHIN_ISA

// ---- launches ----

template <typename T, typename Key>
void launch_read_values(const T* values, int64_t rows, int64_t columns, bool is_current, Key* keys,
                        unsigned long long* found, Stream stream) {
    WITHIN_LAUNCH((read_values_kernel<T, Key>), blocks_of(rows * columns, kDriftThreads), kDriftThreads, 0, stream,
                  values, rows, columns, static_cast<int64_t>(is_current), keys, found);
}

void launch_read_weights(const double* weights, int64_t rows, unsigned long long* first, Stream stream) {
    WITHIN_LAUNCH(read_weights_kernel, blocks_of(rows, kDriftThreads), kDriftThreads, 0, stream, weights, rows, first);
}

void launch_weigh(const DriftWeights& all, unsigned long long* limbs, double* effective, Stream stream) {
    const int tiles = blocks_of(all.places, kTileRows);
    WITHIN_LAUNCH(largest_weights_kernel, tiles, kDriftThreads, 0, stream, all);
    WITHIN_LAUNCH(sum_weights_kernel, tiles, kDriftThreads, 0, stream, all, limbs);
    WITHIN_LAUNCH(effective_rows_kernel, blocks_of(all.slices, kDriftThreads), kDriftThreads, 0, stream, limbs,
                  all.slices, effective);
}

void launch_weight_words(const DriftWeights& all, int64_t* out, Stream stream) {
    WITHIN_LAUNCH(weight_words_kernel, blocks_of(all.places, kDriftThreads), kDriftThreads, 0, stream, all, out);
}

void launch_shares(const DriftWeights& all, const int64_t* units, double* out, Stream stream) {
    WITHIN_LAUNCH(shares_kernel, blocks_of(all.places, kDriftThreads), kDriftThreads, 0, stream, all, units, out);
}

}  // namespace within
