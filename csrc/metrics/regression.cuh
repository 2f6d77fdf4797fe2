// The kernels of regression metrics and the functions that launch them; compiled by nvcc, and by the tests' emulator.
//
// torch has sorted each column within each slice and added up weights from the first place on.
#pragma once

#include <cmath>

#include "metrics/nearest.h"
#include "metrics/regression_passes.cuh"
#include "metrics/weights.h"

namespace within {
inline namespace WITHIN_ISA {

// ---- reading ----

template <typename T, typename Key>
__global__ void read_columns_kernel(RegressionRows rows, Key* predictions, Key* targets, int64_t* errors,
                                    unsigned long long* found) {
    __shared__ unsigned long long most;
    if (threadIdx.x == 0) most = 0;
    __syncthreads();
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    unsigned long long largest = 0;
    for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < rows.count; i += step) {
        const T prediction = static_cast<const T*>(rows.predictions)[i];
        const T target = static_cast<const T*>(rows.targets)[i];
        const double weight = weight_at(rows, i) + 0.0;
        if (!is_finite(prediction) || !is_finite(target) || !(weight >= 0 && is_finite(weight)))
            atomicMin(&found[0], static_cast<unsigned long long>(i));
        predictions[i] = key_of(prediction);
        targets[i] = key_of(target);
        errors[i] = key_of(static_cast<double>(prediction) - static_cast<double>(target));
        largest = bits_of(weight) > largest ? bits_of(weight) : largest;
    }
    if (rows.weights == nullptr) return;
    atomicMax(&most, largest);
    __syncthreads();
    if (threadIdx.x == 0) atomicMax(&found[1], most);
}

// ---- ranks ----

__global__ void units_kernel(RegressionSlices all, const int64_t* order, int64_t* out) {
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < all.places; i += step) {
        const int64_t slice = slice_of(all.start, all.slices, i);
        const double largest = double_of(all.marks[slice * kRegressionMarks + kLargestWeight]);
        const __int128 units = whole_weight(all.rows.weights[order[i]], exponent_of(largest));
        for (int w = 0; w < kUnitWords; ++w)
            out[w * all.places + i] = static_cast<int64_t>(units >> 32 * w & 0xffffffffll);
    }
}

template <typename Key>
__global__ void ranks_kernel(RegressionSlices all, SortedColumn<Key> sorted, int64_t column) {
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < all.places; i += step) {
        const int64_t slice = slice_of(all.start, all.slices, i);
        const int64_t begin = all.start[slice], end = all.start[slice + 1];
        const Key key = sorted.keys[i];
        const bool is_first = i == begin || sorted.keys[i - 1] != key;
        const bool is_last = i + 1 == end || sorted.keys[i + 1] != key;
        const int64_t first = is_first ? i : first_from<Key>(sorted.keys, begin, i, key);
        const int64_t next = is_last ? i + 1 : first_from<Key>(sorted.keys, i, end, static_cast<Key>(key + 1));
        double rank = static_cast<double>(first - begin - (end - next));
        if (sorted.units != nullptr) {
            const __int128 before = units_between(sorted.units, kUnitWords, all.places, begin, first);
            rank = nearest_signed(before - units_between(sorted.units, kUnitWords, all.places, next, end));
        }
        all.ranks[column * all.places + place_of_rank(all, i, sorted.order[i])] = rank;
    }
}

// Without weights: sums of products of ranks, which are whole numbers below 2^31.
__global__ void multiply_ranks_kernel(RegressionSlices all) {
    __shared__ SegmentMemory memory;
    for_each_segment(all.start, all.slices, all.places, [&](int64_t slice, int64_t begin, int64_t end) {
        clear(memory);
        int64_t halves[2 * kRankSums] = {};
        for (int64_t i = begin + threadIdx.x; i < end; i += blockDim.x) {
            const int64_t at = place_of_rank(all, i, all.member[i]);
            const int64_t prediction = static_cast<int64_t>(all.ranks[at]);
            const int64_t target = static_cast<int64_t>(all.ranks[all.places + at]);
            const int64_t products[kRankSums] = {prediction * prediction, target * target, prediction * target};
            for (int k = 0; k < kRankSums; ++k) {
                halves[2 * k] += products[k] & 0xffffffffll;
                halves[2 * k + 1] += products[k] >> 32;
            }
        }
        for (int h = 0; h < 2 * kRankSums; ++h)
            give_mark(memory.marks, kProducts + h, static_cast<unsigned long long>(halves[h]));
        hand_over(memory, all.marks + slice * kRegressionMarks);
    });
}

// ---- results ----

// The least error up to which the share of the weights reaches `share`.
__device__ inline double weighted_quantile(const SortedColumn<int64_t>& errors, int64_t places, int64_t begin,
                                           int64_t end, double share) {
    const double total = nearest(units_between(errors.units, kUnitWords, places, begin, end));
    int64_t low = begin, high = end - 1;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        const __int128 units = units_between(errors.units, kUnitWords, places, begin, middle + 1);
        if (units > 0 && nearest(units) / total >= share) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return number_of(errors.keys[low]);
}

__device__ inline double interpolated_quantile(const int64_t* keys, int64_t begin, int64_t end, double share) {
    const double reach = share * static_cast<double>(end - begin - 1);
    const int64_t below = static_cast<int64_t>(floor(reach));
    const int64_t above = below + 1 < end - begin ? below + 1 : end - begin - 1;
    return between_statistics(number_of(keys[begin + below]), number_of(keys[begin + above]),
                              reach - static_cast<double>(below));
}

__global__ void quantiles_kernel(RegressionSlices all, SortedColumn<int64_t> errors, const double* shares,
                                 int64_t count, double* out) {
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < all.slices * count; i += step) {
        const int64_t slice = i / count, q = i % count;
        const int64_t begin = all.start[slice], end = all.start[slice + 1];
        double found = no_number();
        if (all.marks[slice * kRegressionMarks + kCounted] > 0)
            found = errors.units != nullptr ? weighted_quantile(errors, all.places, begin, end, shares[q])
                                            : interpolated_quantile(errors.keys, begin, end, shares[q]);
        out[slice * (kRegressionMetrics + count) + kRegressionMetrics + q] = found;
    }
}

__global__ void finish_regression_kernel(RegressionSlices all, int64_t quantiles, double* out) {
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t s = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; s < all.slices; s += step) {
        const unsigned long long* const marks = all.marks + s * kRegressionMarks;
        const double* const sums = all.sums + s * kSumsOfSlice;
        RegressionFacts facts;
        for (int k = 0; k < kRegressionSums; ++k) {
            facts.first[k] = sums[k];
            facts.second[k] = sums[kRegressionSums + k];
        }
        for (int k = 0; k < kRankSums; ++k) {
            const __int128 high = static_cast<int64_t>(marks[kProducts + 2 * k + 1]);
            facts.ranks[k] =
                all.rows.weights != nullptr
                    ? sums[2 * kRegressionSums + k]
                    : nearest_signed(high * (int64_t{1} << 32) + static_cast<int64_t>(marks[kProducts + 2 * k]));
        }
        facts.counted = static_cast<double>(marks[kCounted]);
        facts.predictions_differ = ~marks[kLeast] != marks[kMost];
        facts.targets_differ = ~marks[kLeast + 1] != marks[kMost + 1];
        facts.errors_differ = ~marks[kLeast + 2] != marks[kMost + 2];
        finish_regression(facts, out + s * (kRegressionMetrics + quantiles));
    }
}

}  // namespace WITHIN_ISA

// ---- launches ----

template <typename T, typename Key>
void launch_read_columns(const RegressionRows& rows, Key* predictions, Key* targets, int64_t* errors,
                         unsigned long long* found, Stream stream) {
    WITHIN_LAUNCH((read_columns_kernel<T, Key>), blocks_of(rows.count, kRegressionThreads), kRegressionThreads, 0,
                  stream, rows, predictions, targets, errors, found);
}

void launch_units(const RegressionSlices& all, const int64_t* order, int64_t* out, Stream stream) {
    WITHIN_LAUNCH(units_kernel, blocks_of(all.places, kRegressionThreads), kRegressionThreads, 0, stream, all, order,
                  out);
}

template <typename Key>
void launch_ranks(const RegressionSlices& all, const SortedColumn<Key>& sorted, int64_t column, Stream stream) {
    WITHIN_LAUNCH((ranks_kernel<Key>), blocks_of(all.places, kRegressionThreads), kRegressionThreads, 0, stream, all,
                  sorted, column);
}

void launch_quantiles(const RegressionSlices& all, const SortedColumn<int64_t>& errors, const double* shares,
                      int64_t count, double* out, Stream stream) {
    WITHIN_LAUNCH(quantiles_kernel, blocks_of(all.slices * count, kRegressionThreads), kRegressionThreads, 0, stream,
                  all, errors, shares, count, out);
}

void launch_finish(const RegressionSlices& all, int64_t quantiles, double* out, Stream stream) {
    if (all.rows.weights == nullptr) {
        WITHIN_LAUNCH(multiply_ranks_kernel, blocks_of(all.places, kTileRows), kRegressionThreads, 0, stream, all);
    } else {
        launch_weighted_products(all, stream);
    }
    WITHIN_LAUNCH(finish_regression_kernel, blocks_of(all.slices, kRegressionThreads), kRegressionThreads, 0, stream,
                  all, quantiles, out);
}

}  // namespace within
