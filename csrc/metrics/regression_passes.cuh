// The sums of regression metrics by slices, on a GPU: both passes over the rows, and products of weighted ranks.
//
// Places are numbered through the slices: the groups one after the other, then the whole, which has every row once more
// where there are groups.
#pragma once

#include "metrics/ordered_bits.h"
#include "metrics/regression_launch.h"
#include "metrics/slices.cuh"

namespace within {
inline namespace WITHIN_ISA {

constexpr int kRegressionThreads = 256;

__device__ __forceinline__ double value_at(const RegressionRows& rows, const void* column, int64_t row) {
    return rows.is_double ? static_cast<const double*>(column)[row] : static_cast<const float*>(column)[row];
}
__device__ __forceinline__ double weight_at(const RegressionRows& rows, int64_t row) {
    return rows.weights == nullptr ? 1.0 : rows.weights[row];
}

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
__global__ void __launch_bounds__(kRegressionThreads, 2) add_kernel(RegressionSlices all) {
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

// ---- launches ----

inline void launch_weighted_products(const RegressionSlices& all, Stream stream) {
    WITHIN_LAUNCH((add_kernel<WeightedProducts>), blocks_of(all.places, kTileRows), kRegressionThreads, 0, stream, all);
    WITHIN_LAUNCH(round_kernel, blocks_of(all.slices * kRankSums, kRegressionThreads), kRegressionThreads, 0, stream,
                  all, WeightedProducts::kFirst, kRankSums);
}

}  // namespace WITHIN_ISA

void launch_passes(const RegressionSlices& all, Stream stream) {
    const int tiles = blocks_of(all.places, kTileRows);
    const int rounds = blocks_of(all.slices * kRegressionSums, kRegressionThreads);
    WITHIN_LAUNCH((add_kernel<FirstPass>), tiles, kRegressionThreads, 0, stream, all);
    WITHIN_LAUNCH(round_kernel, rounds, kRegressionThreads, 0, stream, all, FirstPass::kFirst, kRegressionSums);
    WITHIN_LAUNCH((add_kernel<SecondPass>), tiles, kRegressionThreads, 0, stream, all);
    WITHIN_LAUNCH(round_kernel, rounds, kRegressionThreads, 0, stream, all, SecondPass::kFirst, kRegressionSums);
}

}  // namespace within
