// The kernels of regression metrics and the functions that launch them; compiled by nvcc, and by the tests' emulator.
//
// Places are numbered through the slices: the groups one after the other, then the whole, which has every row once more
// where there are groups. torch has sorted each column within each slice and added up weights from the first place on.
#pragma once

#include <cmath>

#include "metrics/nearest.h"
#include "metrics/ordered_bits.h"
#include "metrics/regression_rows.h"
#include "metrics/slices.cuh"
#include "metrics/weights.h"

namespace within {

constexpr int kRankSums = 3;
constexpr int kSumsOfSlice = 2 * kRegressionSums + kRankSums;  // of both passes, then of ranks
constexpr int kUnitWords = 3;                                  // of 32 bits each, of a weight in whole units

// What is known of a slice beside its exact sums, each 0 at first.
enum RegressionMark : int {
    kLeast = 0,  // of those with a weight, ~ordered_bits of the least prediction, target and error
    kMost = 3,   // ordered_bits of the largest
    kLargestWeight = 6,
    kCounted,
    kSpecials,                  // three bits of each sum: of the first pass, of the second
    kProducts = kSpecials + 2,  // without weights: sums of products of ranks, in halves of 32 bits
    kRegressionMarks = kProducts + 2 * kRankSums
};

struct RegressionSlices {
    RegressionRows rows;
    int64_t places;
    int64_t slices;
    const int64_t* start;       // [slices + 1]
    const int64_t* member;      // [places]: which row
    unsigned long long* limbs;  // [slices, kRegressionSums, kLimbs], zeros
    unsigned long long* marks;  // [slices, kRegressionMarks], zeros
    double* sums;               // [slices, kSumsOfSlice]
    double* ranks;              // [2, places]: of the prediction and the target of row r in half h at h * rows + r
};

// A column of which each slice is in order.
template <typename Key>
struct SortedColumn {
    const Key* keys;       // [places]
    const int64_t* order;  // [places]: which row
    const int64_t* units;  // [kUnitWords, places], cumulative, or null: each is 1
};

inline namespace WITHIN_ISA {

constexpr int kRegressionThreads = 256;

// Signed numbers in the order of the floats, as torch sorts them.
__device__ __forceinline__ int32_t key_of(float value) {
    return static_cast<int32_t>(ordered_bits(value) ^ 0x80000000u);
}
__device__ __forceinline__ int64_t key_of(double value) {
    return static_cast<int64_t>(ordered_bits(value) ^ uint64_t{1} << 63);
}
__device__ __forceinline__ double number_of(int64_t key) {
    return double_of_ordered(static_cast<uint64_t>(key) ^ uint64_t{1} << 63);
}

__device__ __forceinline__ double value_at(const RegressionRows& rows, const void* column, int64_t row) {
    return rows.is_double ? static_cast<const double*>(column)[row] : static_cast<const float*>(column)[row];
}
__device__ __forceinline__ double weight_at(const RegressionRows& rows, int64_t row) {
    return rows.weights == nullptr ? 1.0 : rows.weights[row];
}

// ---- reading ----

// found[0]: the first row that is refused; found[1]: the bits of the largest weight.
template <typename T, typename Key>
__global__ void read_columns_kernel(RegressionRows rows, Key* predictions, Key* targets, int64_t* errors,
                                    unsigned long long* found) {
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
    atomicMax(&found[1], largest);
}

// ---- sums ----

__device__ __forceinline__ void give_mark(unsigned long long* marks, int mark, unsigned long long value) {
    if (value == 0) return;
    if (mark < kCounted) {
        atomicMax(&marks[mark], value);
    } else if (mark == kSpecials || mark == kSpecials + 1) {
        atomicOr(&marks[mark], value);
    } else {
        atomicAdd(&marks[mark], value);
    }
}

// The terms of a place, and which sums of a slice they are.
struct FirstPass {
    static constexpr int kSums = kRegressionSums;
    static constexpr int kFirst = 0;
    const RegressionSlices& all;

    __device__ FirstPass(const RegressionSlices& all, int64_t) : all(all) {}
    __device__ RegressionTerms at(int64_t place) const {
        const int64_t row = all.member[place];
        return first_terms(value_at(all.rows, all.rows.predictions, row), value_at(all.rows, all.rows.targets, row),
                           weight_at(all.rows, row));
    }
};

struct SecondPass {
    static constexpr int kSums = kRegressionSums;
    static constexpr int kFirst = kRegressionSums;
    const RegressionSlices& all;
    RegressionMeans means;

    __device__ SecondPass(const RegressionSlices& all, int64_t slice)
        : all(all), means(means_of(all.sums + slice * kSumsOfSlice)) {}
    __device__ RegressionTerms at(int64_t place) const {
        const int64_t row = all.member[place];
        return second_terms(value_at(all.rows, all.rows.predictions, row), value_at(all.rows, all.rows.targets, row),
                            weight_at(all.rows, row), means);
    }
};

__device__ __forceinline__ int64_t place_of_rank(const RegressionSlices& all, int64_t place, int64_t row) {
    return place < all.rows.count ? row : all.rows.count + row;
}

struct WeightedProducts {
    static constexpr int kSums = kRankSums;
    static constexpr int kFirst = 2 * kRegressionSums;
    const RegressionSlices& all;

    __device__ WeightedProducts(const RegressionSlices& all, int64_t) : all(all) {}
    __device__ RegressionTerms at(int64_t place) const {
        const int64_t row = all.member[place], rank = place_of_rank(all, place, row);
        const double weight = weight_at(all.rows, row);
        const double prediction = all.ranks[rank], target = all.ranks[all.places + rank];
        return {{weight * prediction * prediction, weight * target * target, weight * prediction * target}};
    }
};

struct SegmentMemory {
    unsigned long long words[2 * kRegressionSums];
    unsigned long long largest[kRegressionSums];
    unsigned long long marks[kRegressionMarks];
};

__device__ inline void clear(SegmentMemory& memory) {
    unsigned long long* const words = reinterpret_cast<unsigned long long*>(&memory);
    if (threadIdx.x < sizeof memory / sizeof *words) words[threadIdx.x] = 0;
    __syncthreads();
}

// Marks of a block's threads, to those of the slice.
__device__ inline void hand_over(const SegmentMemory& memory, unsigned long long* marks) {
    __syncthreads();
    if (threadIdx.x < kRegressionMarks) give_mark(marks, static_cast<int>(threadIdx.x), memory.marks[threadIdx.x]);
}

// Adds the terms of places [begin, end) of a slice; a block's work. Where words lie is seen from its first places, and
// decides the speed alone.
template <typename Pass>
__device__ void add_segment(const RegressionSlices& all, int64_t slice, int64_t begin, int64_t end,
                            SegmentMemory& memory) {
    const Pass pass(all, slice);
    if (begin + threadIdx.x < end) {
        const RegressionTerms terms = pass.at(begin + threadIdx.x);
        for (int k = 0; k < Pass::kSums; ++k) {
            const double size = size_of(terms.of[k]);
            if (size > 0 && size < 0x1p900) atomicMax(&memory.largest[k], bits_of(size));
        }
    }
    __syncthreads();
    int base[Pass::kSums];
    for (int k = 0; k < Pass::kSums; ++k) base[k] = base_below(double_of(memory.largest[k]) * 4);
    unsigned long long* const limbs = all.limbs + slice * kRegressionSums * kLimbs;
    ThreadSum sums[Pass::kSums] = {};
    unsigned long long specials = 0;
    for (int64_t i = begin + threadIdx.x; i < end; i += blockDim.x) {
        const RegressionTerms terms = pass.at(i);
        for (int k = 0; k < Pass::kSums; ++k) {
            if (is_finite(terms.of[k])) {
                sums[k].add(terms.of[k], Shift(base[k]), limbs + k * kLimbs);
            } else {
                specials |= static_cast<unsigned long long>(special_of(terms.of[k])) << 3 * k;
            }
        }
    }
    for (int k = 0; k < Pass::kSums; ++k) sums[k].give(memory.words + 2 * k);
    if constexpr (Pass::kFirst < 2 * kRegressionSums)
        give_mark(memory.marks, kSpecials + Pass::kFirst / kRegressionSums, specials);
    __syncthreads();
    if (threadIdx.x < Pass::kSums) {
        const int k = static_cast<int>(threadIdx.x);
        take(memory.words + 2 * k, base_below(double_of(memory.largest[k]) * 4), limbs + k * kLimbs);
    }
}

// Notes what rows of places [begin, end) have a weight, and between what numbers they lie; a block's work.
__device__ inline void note_segment(const RegressionSlices& all, int64_t begin, int64_t end, SegmentMemory& memory) {
    unsigned long long own[kCounted + 1] = {};
    for (int64_t i = begin + threadIdx.x; i < end; i += blockDim.x) {
        const int64_t row = all.member[i];
        const double weight = weight_at(all.rows, row);
        if (!(weight > 0)) continue;
        const double prediction = value_at(all.rows, all.rows.predictions, row);
        const double target = value_at(all.rows, all.rows.targets, row);
        const double numbers[3] = {prediction, target, prediction - target};
        for (int c = 0; c < 3; ++c) {
            const unsigned long long most = ordered_bits(numbers[c]), least = ~most;
            own[kLeast + c] = least > own[kLeast + c] ? least : own[kLeast + c];
            own[kMost + c] = most > own[kMost + c] ? most : own[kMost + c];
        }
        own[kLargestWeight] = bits_of(weight) > own[kLargestWeight] ? bits_of(weight) : own[kLargestWeight];
        ++own[kCounted];
    }
    for (int mark = 0; mark <= kCounted; ++mark) give_mark(memory.marks, mark, own[mark]);
}

template <typename Pass>
__global__ void add_kernel(RegressionSlices all) {
    __shared__ SegmentMemory memory;
    for_each_segment(all.start, all.slices, all.places, [&](int64_t slice, int64_t begin, int64_t end) {
        clear(memory);
        add_segment<Pass>(all, slice, begin, end, memory);
        if constexpr (Pass::kFirst == 0) note_segment(all, begin, end, memory);
        hand_over(memory, all.marks + slice * kRegressionMarks);
    });
}

// Rounds the limbs of one pass, and clears them for the next.
__global__ void round_kernel(RegressionSlices all, int first, int count) {
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < all.slices * count; i += step) {
        const int64_t slice = i / count;
        const int k = static_cast<int>(i % count);
        unsigned long long* const limbs = all.limbs + (slice * kRegressionSums + k) * kLimbs;
        const unsigned long long* const marks = all.marks + slice * kRegressionMarks;
        const int special =
            first < 2 * kRegressionSums ? static_cast<int>(marks[kSpecials + first / kRegressionSums] >> 3 * k & 7) : 0;
        all.sums[slice * kSumsOfSlice + first + k] = special != 0 ? sum_of_specials(special) : rounded_limbs(limbs);
        for (int l = 0; l < kLimbs; ++l) limbs[l] = 0;
    }
}

// ---- ranks ----

// The weights of places, of which each slice counts in units of its own.
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

// Doubled, centred ranks of column 0, the predictions, or 1.
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

// ---- launches ----

template <typename T, typename Key>
void launch_read_columns(const RegressionRows& rows, Key* predictions, Key* targets, int64_t* errors,
                         unsigned long long* found, Stream stream) {
    WITHIN_LAUNCH((read_columns_kernel<T, Key>), blocks_of(rows.count, kRegressionThreads), kRegressionThreads, 0,
                  stream, rows, predictions, targets, errors, found);
}

inline void launch_passes(const RegressionSlices& all, Stream stream) {
    const int tiles = blocks_of(all.places, kTileRows);
    const int rounds = blocks_of(all.slices * kRegressionSums, kRegressionThreads);
    WITHIN_LAUNCH((add_kernel<FirstPass>), tiles, kRegressionThreads, 0, stream, all);
    WITHIN_LAUNCH(round_kernel, rounds, kRegressionThreads, 0, stream, all, FirstPass::kFirst, kRegressionSums);
    WITHIN_LAUNCH((add_kernel<SecondPass>), tiles, kRegressionThreads, 0, stream, all);
    WITHIN_LAUNCH(round_kernel, rounds, kRegressionThreads, 0, stream, all, SecondPass::kFirst, kRegressionSums);
}

inline void launch_units(const RegressionSlices& all, const int64_t* order, int64_t* out, Stream stream) {
    WITHIN_LAUNCH(units_kernel, blocks_of(all.places, kRegressionThreads), kRegressionThreads, 0, stream, all, order,
                  out);
}

template <typename Key>
void launch_ranks(const RegressionSlices& all, const SortedColumn<Key>& sorted, int64_t column, Stream stream) {
    WITHIN_LAUNCH((ranks_kernel<Key>), blocks_of(all.places, kRegressionThreads), kRegressionThreads, 0, stream, all,
                  sorted, column);
}

inline void launch_quantiles(const RegressionSlices& all, const SortedColumn<int64_t>& errors, const double* shares,
                             int64_t count, double* out, Stream stream) {
    WITHIN_LAUNCH(quantiles_kernel, blocks_of(all.slices * count, kRegressionThreads), kRegressionThreads, 0, stream,
                  all, errors, shares, count, out);
}

inline void launch_finish(const RegressionSlices& all, int64_t quantiles, double* out, Stream stream) {
    const int tiles = blocks_of(all.places, kTileRows);
    if (all.rows.weights == nullptr) {
        WITHIN_LAUNCH(multiply_ranks_kernel, tiles, kRegressionThreads, 0, stream, all);
    } else {
        WITHIN_LAUNCH((add_kernel<WeightedProducts>), tiles, kRegressionThreads, 0, stream, all);
        WITHIN_LAUNCH(round_kernel, blocks_of(all.slices * kRankSums, kRegressionThreads), kRegressionThreads, 0,
                      stream, all, WeightedProducts::kFirst, kRankSums);
    }
    WITHIN_LAUNCH(finish_regression_kernel, blocks_of(all.slices, kRegressionThreads), kRegressionThreads, 0, stream,
                  all, quantiles, out);
}

}  // namespace WITHIN_ISA
}  // namespace within
