// The kernels of binary metrics and the functions that launch them; compiled by nvcc, and by the tests' emulator.
//
// Rows lie in slices, one after the other, each in the order of its keys; torch has sorted them and added up their
// weights from the first on. What a block's rows add goes into words that all its threads share, then to the slice's
// limbs.
#pragma once

#include <cmath>

#include "metrics/binary_launch.h"
#include "metrics/binary_rows.h"
#include "metrics/slices.cuh"

namespace within {
inline namespace WITHIN_ISA {

constexpr int kBinaryThreads = 256;

// ---- reading ----

template <typename Key, typename Score>
__global__ void encode_kernel(const Score* scores, const double* labels, int64_t rows, Key* keys,
                              unsigned long long* found) {
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < rows; i += step) {
        const Score score = scores[i];
        const double label = labels[i];
        if (!(score >= Score{0} && score <= Score{1})) atomicMin(&found[0], static_cast<unsigned long long>(i));
        if (label != 0 && !(label == 1)) atomicMin(&found[1], static_cast<unsigned long long>(i));
        keys[i] = Coded<Key>::code(score, label == 1);
    }
}

template <typename Weight>
__global__ void measure_kernel(const Weight* weights, int64_t rows, unsigned long long* found) {
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    unsigned long long largest = 0, finest = 0x7ff0000000000000ull;
    for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < rows; i += step) {
        const double weight = static_cast<double>(weights[i]) + 0.0;
        if (!(weight >= 0 && weight <= kMostWeight)) {
            atomicMin(&found[2], static_cast<unsigned long long>(i));
            continue;
        }
        const unsigned long long bits = bits_of(weight), lowest = lowest_bit(weight);
        largest = bits > largest ? bits : largest;
        finest = lowest < finest ? lowest : finest;
    }
    atomicMax(&found[3], largest);
    atomicMin(&found[4], finest);
}

template <typename Key>
__global__ void words_kernel(const Key* keys, const double* weights, int64_t rows, int64_t base, int64_t words,
                             int64_t* out) {
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < rows; i += step) {
        const bool label = keys[i] & 1;
        const __int128 units = weights == nullptr ? 1 : units_of(weights[i], static_cast<int>(base));
        for (int64_t w = 0; w < words; ++w) {
            const int64_t word = static_cast<int64_t>(units >> (32 * w) & 0xffffffffll);
            out[w * rows + i] = label ? word : 0;
            out[(words + w) * rows + i] = word;
        }
    }
}

// ---- exact sums ----

__device__ __forceinline__ unsigned long long* limbs_of(const DeviceSlices& all, int64_t slice, int64_t sum) {
    return all.limbs + (slice * (kSliceSums + all.bins) + sum) * kLimbs;
}

// The units of rows [from, to), of label 1 or of any.
__device__ inline __int128 units_between(const DeviceSlices& all, int any, int64_t from, int64_t to) {
    return units_between(all.sums + any * all.words * all.rows, all.words, all.rows, from, to);
}

// ---- slices ----

template <typename Key>
__global__ void masses_kernel(DeviceSlices all, const Key* keys) {
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t s = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; s < all.slices; s += step) {
        const int64_t begin = all.start[s], end = all.start[s + 1];
        int64_t cut = begin, beyond = end;
        while (cut < beyond) {
            const int64_t middle = cut + (beyond - cut) / 2;
            if (Coded<Key>::score(keys[middle]) >= all.threshold) {
                cut = middle + 1;
            } else {
                beyond = middle;
            }
        }
        const double unit = power_of_two(static_cast<int>(all.unit_base));
        const __int128 tp = units_between(all, 0, begin, cut), above = units_between(all, 1, begin, cut);
        const __int128 fn = units_between(all, 0, cut, end), below = units_between(all, 1, cut, end);
        all.masses[s] = {nearest(tp + fn) * unit,       nearest(above + below - tp - fn) * unit,
                         nearest(above + below) * unit, nearest(tp) * unit,
                         nearest(above - tp) * unit,    nearest(fn) * unit,
                         nearest(below - fn) * unit};
    }
}

// The thresholds at which rows [begin, end) of a slice end; a block's work.
template <typename Key>
__device__ void add_curve(const DeviceSlices& all, const Key* keys, int64_t slice, int64_t begin, int64_t end,
                          unsigned long long* own) {
    const Masses masses = all.masses[slice];
    const int64_t first = all.start[slice], last = all.start[slice + 1];
    const bool is_weighted = all.words > 1;
    const double unit = power_of_two(static_cast<int>(all.unit_base));
    const int base_of_area = area_base(all.largest, masses.total), base = precision_base(all.largest);
    const Shift area_shift(base_of_area), shift(base);
    ThreadSum area{}, precision{};
    unsigned long long pairs = 0, top = 0;
    for (int64_t i = begin + threadIdx.x; i < end; i += blockDim.x) {
        if (i + 1 < last && (keys[i] ^ keys[i + 1]) <= 1) continue;
        const int64_t before = first_from(keys, first, i, static_cast<Key>(keys[i] & ~static_cast<Key>(1)));
        const __int128 tp = units_between(all, 0, first, i + 1), gained_tp = units_between(all, 0, before, i + 1);
        const __int128 fp = units_between(all, 1, first, i + 1) - tp;
        const __int128 gained_fp = units_between(all, 1, before, i + 1) - gained_tp;
        if (!is_weighted) {
            const int64_t tps = static_cast<int64_t>(tp), fps = static_cast<int64_t>(fp);
            pairs +=
                static_cast<uint64_t>(gained_fp) * static_cast<uint64_t>(2 * tps - static_cast<int64_t>(gained_tp));
            const int64_t apart =
                tps * static_cast<int64_t>(masses.negatives) - fps * static_cast<int64_t>(masses.positives);
            const unsigned long long distance = static_cast<unsigned long long>(apart < 0 ? -apart : apart);
            top = distance > top ? distance : top;
            precision.add(precision_of_counts(static_cast<int64_t>(gained_tp), tps, tps + fps), shift,
                          limbs_of(all, slice, kPrecisionSum));
            continue;
        }
        const CurveTerms terms =
            curve_terms(nearest(tp) * unit, nearest(fp) * unit, nearest(tp - gained_tp) * unit,
                        nearest(gained_tp) * unit, nearest(gained_fp) * unit, masses.positives, masses.negatives);
        area.add(terms.area, area_shift, limbs_of(all, slice, kAreaSum));
        precision.add(terms.precision, shift, limbs_of(all, slice, kPrecisionSum));
        const unsigned long long distance = terms.distance > 0 ? bits_of(terms.distance) : 0;
        top = distance > top ? distance : top;
    }
    area.give(own);
    precision.give(own + 2);
    if (pairs != 0) atomicAdd(&own[4], pairs);
    if (top != 0) atomicMax(&own[5], top);
    __syncthreads();
    if (threadIdx.x == 0) {
        take(own, base_of_area, limbs_of(all, slice, kAreaSum));
        take(own + 2, base, limbs_of(all, slice, kPrecisionSum));
        atomicAdd(&all.tops[2 * slice], own[4]);
        atomicMax(&all.tops[2 * slice + 1], own[5]);
    }
}

// What rows [begin, end) of a slice add by themselves; a block's work.
template <typename Key>
__device__ void add_points(const DeviceSlices& all, const Key* keys, const double* weights, int64_t slice,
                           int64_t begin, int64_t end, unsigned long long* own) {
    const int base_of_loss = loss_base(all.largest), base = point_base(all.largest);
    const Shift loss_shift(base_of_loss), shift(base);
    const double step = 1.0 / static_cast<double>(all.bins);
    const int64_t bin = bin_of(Coded<Key>::score(keys[begin]), all.bins, step);
    const bool is_one_bin = bin == bin_of(Coded<Key>::score(keys[end - 1]), all.bins, step);
    ThreadSum losses{}, briers{}, gaps{};
    for (int64_t i = begin + threadIdx.x; i < end; i += blockDim.x) {
        const double score = Coded<Key>::score(keys[i]);
        const bool label = keys[i] & 1;
        const double weight = weights == nullptr ? 1.0 : weights[i];
        double loss, brier;
        points_of<Key, uint64_t>(score, label, &loss, &brier);
        losses.add(loss * weight, loss_shift, limbs_of(all, slice, kLossSum));
        briers.add(brier * weight, shift, limbs_of(all, slice, kBrierSum));
        unsigned long long* const gap =
            limbs_of(all, slice, kSliceSums + (is_one_bin ? bin : bin_of(score, all.bins, step)));
        if (is_one_bin) {
            gaps.add(score * weight, shift, gap);
            if (label) gaps.add(-weight, shift, gap);
        } else {
            add_double(gap, score * weight);
            if (label) add_double(gap, -weight);
        }
    }
    losses.give(own);
    briers.give(own + 2);
    gaps.give(own + 4);
    __syncthreads();
    if (threadIdx.x == 0) {
        take(own, base_of_loss, limbs_of(all, slice, kLossSum));
        take(own + 2, base, limbs_of(all, slice, kBrierSum));
        take(own + 4, base, limbs_of(all, slice, kSliceSums + bin));
    }
}

// Blocks take tiles of rows, and of a tile one slice after the other.
template <typename Key, bool kIsCurve>
__global__ void slices_kernel(DeviceSlices all, const Key* keys, const double* weights) {
    __shared__ unsigned long long own[6];
    for_each_segment(all.start, all.slices, all.rows, [&](int64_t slice, int64_t begin, int64_t end) {
        if (threadIdx.x < 6) own[threadIdx.x] = 0;
        __syncthreads();
        if constexpr (kIsCurve) {
            add_curve(all, keys, slice, begin, end, own);
        } else {
            add_points(all, keys, weights, slice, begin, end, own);
        }
    });
}

__global__ void write_slices_kernel(DeviceSlices all, double* out) {
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t s = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; s < all.slices; s += step) {
        const Masses masses = all.masses[s];
        double gap = 0;
        for (int64_t bin = 0; bin < all.bins; ++bin)
            gap += magnitude(rounded_limbs(limbs_of(all, s, kSliceSums + bin)));
        const PointSums sums = {rounded_limbs(limbs_of(all, s, kLossSum)), rounded_limbs(limbs_of(all, s, kBrierSum)),
                                gap};
        const double precision = rounded_limbs(limbs_of(all, s, kPrecisionSum));
        Ranking ranking{};
        if (masses.positives > 0 && all.words == 1)
            ranking = ranking_of_counts(all.tops[2 * s], all.tops[2 * s + 1], precision, masses);
        if (masses.positives > 0 && all.words > 1)
            ranking = {rounded_limbs(limbs_of(all, s, kAreaSum)), precision / masses.positives,
                       double_of(all.tops[2 * s + 1])};
        write_metrics(ranking, masses, sums, out + s * kMetrics);
    }
}

}  // namespace WITHIN_ISA

// ---- launches ----

template <typename Key, typename Score>
void launch_encode(const Score* scores, const double* labels, int64_t rows, Key* keys, unsigned long long* found,
                   Stream stream) {
    WITHIN_LAUNCH((encode_kernel<Key, Score>), blocks_of(rows, kBinaryThreads), kBinaryThreads, 0, stream, scores,
                  labels, rows, keys, found);
}

template <typename Weight>
void launch_measure(const Weight* weights, int64_t rows, unsigned long long* found, Stream stream) {
    WITHIN_LAUNCH((measure_kernel<Weight>), blocks_of(rows, kBinaryThreads), kBinaryThreads, 0, stream, weights, rows,
                  found);
}

template <typename Key>
void launch_words(const Key* keys, const double* weights, int64_t rows, int64_t base, int64_t words, int64_t* out,
                  Stream stream) {
    WITHIN_LAUNCH((words_kernel<Key>), blocks_of(rows, kBinaryThreads), kBinaryThreads, 0, stream, keys, weights, rows,
                  base, words, out);
}

template <typename Key>
void launch_slices(const DeviceSlices& all, const Key* keys, const double* weights, double* out, Stream stream) {
    WITHIN_LAUNCH((masses_kernel<Key>), blocks_of(all.slices, kBinaryThreads), kBinaryThreads, 0, stream, all, keys);
    const int tiles = blocks_of(all.rows, kTileRows);
    WITHIN_LAUNCH((slices_kernel<Key, true>), tiles, kBinaryThreads, 0, stream, all, keys, weights);
    WITHIN_LAUNCH((slices_kernel<Key, false>), tiles, kBinaryThreads, 0, stream, all, keys, weights);
    WITHIN_LAUNCH(write_slices_kernel, blocks_of(all.slices, kBinaryThreads), kBinaryThreads, 0, stream, all, out);
}

}  // namespace within
