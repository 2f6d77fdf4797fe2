// Both samples of a column walked together, on a GPU: a thread has a row, and looks for its place in the other sample.
#pragma once

#include <limits>

#include "metrics/drift.h"
#include "metrics/drift_launch.h"
#include "metrics/ordered_bits.h"
#include "metrics/slices.cuh"

namespace within {
inline namespace WITHIN_ISA {

constexpr int kDriftThreads = 256;
constexpr int kStepsOfThread = kTileRows / kDriftThreads;
constexpr int kLanes = 32;
constexpr unsigned kAllLanes = 0xffffffffu;

// ---- a warp's numbers, to each of its lanes ----

__device__ __forceinline__ unsigned long long sum_of_warp(unsigned long long own) {
    for (int lanes = kLanes / 2; lanes > 0; lanes /= 2) own += __shfl_xor_sync(kAllLanes, own, lanes);
    return own;
}
__device__ __forceinline__ unsigned long long most_of_warp(unsigned long long own) {
    for (int lanes = kLanes / 2; lanes > 0; lanes /= 2) {
        const unsigned long long other = __shfl_xor_sync(kAllLanes, own, lanes);
        own = other > own ? other : own;
    }
    return own;
}

// Adds the sums of a warp's threads to two words of its block.
__device__ __forceinline__ void give_warp(const ThreadSum& own, unsigned long long* shared) {
    const ThreadSum all = {static_cast<int64_t>(sum_of_warp(static_cast<unsigned long long>(own.low))),
                           static_cast<int64_t>(sum_of_warp(static_cast<unsigned long long>(own.high)))};
    if (threadIdx.x % kLanes == 0) all.give(shared);
}

// ---- steps ----

// Where the slice of a sample lies.
template <typename Key>
__device__ __forceinline__ OrderedSample<Key> ordered_slice(const DriftColumnOf<Key>& sample, int64_t slice) {
    const int64_t begin = sample.start[slice];
    return {sample.keys + begin, sample.shares != nullptr ? sample.shares + begin : nullptr,
            sample.start[slice + 1] - begin};
}

struct DriftStep {
    unsigned long long farthest;
    double area;
};

// The step at row i of a sample, if it is the last of equal ones. The other's rows up to it are from `low` to `high`.
// At a number that both have it is the first sample that steps.
template <typename Key>
__device__ __forceinline__ DriftStep step_at(const OrderedSample<Key>& mine, const OrderedSample<Key>& other,
                                             bool is_second, int64_t i, int64_t low, int64_t high, double per_row) {
    constexpr Key kNone = std::numeric_limits<Key>::max();  // above every number
    const Key key = mine.keys[i];
    const Key next = i + 1 < mine.count ? mine.keys[i + 1] : kNone;
    if (next == key) return {0, 0};
    const int64_t j = first_from<Key>(other.keys, low, high, static_cast<Key>(key + 1));
    if (is_second && j > 0 && other.keys[j - 1] == key) return {0, 0};
    const Key other_next = j < other.count ? other.keys[j] : kNone;
    const double x = number_of(key), next_x = number_of(next < other_next ? next : other_next);
    if (mine.shares != nullptr) {
        const double apart = magnitude(mine.shares[i] - other.share_of(j));
        return {bits_of(apart), area_of(apart, x, next_x)};
    }
    const int64_t by = (i + 1) * other.count - j * mine.count;
    const int64_t size = by < 0 ? -by : by;
    return {static_cast<unsigned long long>(size), area_of(apart_of(size, per_row), x, next_x)};
}

struct WalkMemory {
    unsigned long long words[2];
    unsigned long long farthest;
    unsigned exponent;  // of the largest area: decides the speed alone
};

// The steps at the rows of one sample.
template <typename Key>
__global__ void walk_kernel(DriftColumnOf<Key> sample, DriftColumnOf<Key> other_sample, bool is_second,
                            DriftSlices all) {
    __shared__ WalkMemory memory;
    for_each_segment(sample.start, all.slices, sample.places, [&](int64_t slice, int64_t begin, int64_t end) {
        const OrderedSample<Key> mine = ordered_slice(sample, slice), other = ordered_slice(other_sample, slice);
        if (other.count == 0) return;
        if (threadIdx.x == 0) memory = WalkMemory{};
        __syncthreads();
        const int64_t first = begin - sample.start[slice], count = end - begin;
        const int64_t low = first_from<Key>(other.keys, 0, other.count, mine.keys[first]);
        const int64_t high =
            first_from<Key>(other.keys, low, other.count, static_cast<Key>(mine.keys[first + count - 1] + 1));
        const double per_row = per_row_of(mine.count, other.count);
        double areas[kStepsOfThread];
        unsigned long long farthest = 0, largest = 0;
#pragma unroll
        for (int k = 0; k < kStepsOfThread; ++k) {
            const int64_t i = static_cast<int64_t>(k) * kDriftThreads + threadIdx.x;
            areas[k] = 0;
            if (i >= count) continue;
            const DriftStep step = step_at(mine, other, is_second, first + i, low, high, per_row);
            areas[k] = step.area;
            farthest = step.farthest > farthest ? step.farthest : farthest;
            largest = bits_of(step.area) > largest ? bits_of(step.area) : largest;
        }
        farthest = most_of_warp(farthest);
        const unsigned exponent = static_cast<unsigned>(most_of_warp(largest >> 52));
        if (threadIdx.x % kLanes == 0) {
            atomicMax(&memory.farthest, farthest);
            atomicMax(&memory.exponent, exponent);
        }
        __syncthreads();
        unsigned long long* const limbs = all.limbs + slice * kLimbs;
        const int base = base_below(double_of(static_cast<uint64_t>(memory.exponent) << 52));
        const Shift shift(base);
        ThreadSum sum{};
#pragma unroll
        for (int k = 0; k < kStepsOfThread; ++k) sum.add(areas[k], shift, limbs);
        give_warp(sum, memory.words);
        __syncthreads();
        if (threadIdx.x == 0) {
            take(memory.words, base, limbs);
            atomicMax(&all.farthest[slice], memory.farthest);
        }
    });
}

// ---- what is found ----

template <typename Key>
__global__ void ends_of_bins_kernel(DriftColumnOf<Key> reference, DriftColumnOf<Key> current, DriftSlices all) {
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < all.slices * all.bins;
         i += step) {
        const OrderedSample<Key> mine = ordered_slice(reference, i / all.bins);
        if (mine.count == 0) continue;
        const double end = end_of_bin(mine, i % all.bins, all.bins);
        all.up_to[2 * i] = mine.part_up_to(end);
        all.up_to[2 * i + 1] = ordered_slice(current, i / all.bins).part_up_to(end);
    }
}

// Rounds the limbs, and clears them for the next column.
template <typename Key>
__global__ void round_distances_kernel(DriftColumnOf<Key> reference, DriftColumnOf<Key> current, DriftSlices all) {
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t s = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; s < all.slices; s += step) {
        const OrderedSample<Key> r = ordered_slice(reference, s), c = ordered_slice(current, s);
        if (r.count == 0 || c.count == 0) continue;
        const Key least = r.keys[0] < c.keys[0] ? r.keys[0] : c.keys[0];
        const Key last = r.keys[r.count - 1], other_last = c.keys[c.count - 1];
        const double range = number_of(last > other_last ? last : other_last) - number_of(least);
        unsigned long long* const limbs = all.limbs + s * kLimbs;
        all.distance[s] = distance_within(range, rounded_limbs(limbs));
        for (int l = 0; l < kLimbs; ++l) limbs[l] = 0;
    }
}

}  // namespace WITHIN_ISA

template <typename Key>
void launch_column(const DriftColumnOf<Key>& reference, const DriftColumnOf<Key>& current, const DriftSlices& all,
                   Stream stream) {
    WITHIN_LAUNCH((walk_kernel<Key>), blocks_of(reference.places, kTileRows), kDriftThreads, 0, stream, reference,
                  current, false, all);
    WITHIN_LAUNCH((walk_kernel<Key>), blocks_of(current.places, kTileRows), kDriftThreads, 0, stream, current,
                  reference, true, all);
    WITHIN_LAUNCH((ends_of_bins_kernel<Key>), blocks_of(all.slices * all.bins, kDriftThreads), kDriftThreads, 0, stream,
                  reference, current, all);
    WITHIN_LAUNCH((round_distances_kernel<Key>), blocks_of(all.slices, kDriftThreads), kDriftThreads, 0, stream,
                  reference, current, all);
}

}  // namespace within
