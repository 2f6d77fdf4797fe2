// The kernels of multiclass metrics and the functions that launch them; compiled by nvcc, and by the tests' emulator.
#pragma once

#include "core/launch.h"
#include "metrics/multiclass.h"
#include "metrics/multiclass_launch.h"
#include "metrics/ranked_area.h"

namespace within {
inline namespace WITHIN_ISA {

constexpr int kMulticlassThreads = 256;

template <typename T>
__global__ void multiclass_rows_kernel(const T* probabilities, const int64_t* labels, int64_t rows, int64_t classes,
                                       int64_t* decisions, int64_t* places, double* losses,
                                       unsigned long long* refused) {
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < rows; i += step) {
        const T* const row = probabilities + i * classes;
        const int64_t label = labels[i];
        bool is_right = static_cast<uint64_t>(label) < static_cast<uint64_t>(classes);
        for (int64_t c = 0; c < classes; ++c) is_right &= is_probability(row[c]);
        if (!is_right) {
            atomicMin(refused, static_cast<unsigned long long>(i));
            continue;
        }
        decisions[i] = decided_class(row, classes);
        places[i] = place_of_label(row, classes, label);
        losses[i] = loss_of(clipped_probability(row[label]));
    }
}

template <typename T>
__global__ void ovr_keys_kernel(const T* probabilities, const int64_t* labels, int64_t rows, int64_t classes,
                                int64_t first, int64_t count, int64_t* keys) {
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < rows; i += step)
        for (int64_t c = 0; c < count; ++c)
            keys[c * rows + i] =
                static_cast<int64_t>(ovr_key(probabilities[i * classes + first + c], labels[i] == first + c));
}

// Rows without weights: sums are of 64 bits.
struct CountedWalk {
    using Number = uint64_t;

    __device__ CountedWalk(const RankedRows&, int64_t, int64_t) {}
    __device__ void look(int64_t, double*) const {}
    __device__ void settle(const double*, int64_t) {}
    __device__ Number weight(int64_t, int) const { return 1; }
    __device__ void settle_scale(Number, Number) {}
    __device__ Number pairs(Number before, Number positive, Number negative) const {
        return positive * (2 * before + negative);
    }
    __device__ double finish(Number pairs, Number positive, Number negative) const {
        return finish_area(CountedArea{pairs, positive, negative});
    }
};

// Weights in fixed point, as the CPU's.
struct WeightedWalk {
    using Number = Fixed;

    const double* weights;
    const int64_t* rows_of;
    int64_t weightings;
    int base[2];
    double scale;

    __device__ WeightedWalk(const RankedRows& sorted, int64_t column, int64_t weighting)
        : weights(sorted.weights + weighting),
          rows_of(sorted.rows_of + column * sorted.rows),
          weightings(sorted.weightings),
          base{0, 0},
          scale(1) {}
    __device__ double at(int64_t place) const { return weights[rows_of[place] * weightings]; }
    __device__ void look(int64_t place, double* largest) const {
        const double weight = at(place);
        if (weight > *largest) *largest = weight;
    }
    __device__ void settle(const double* largest, int64_t count) {
        base[0] = fixed_base(largest[0], count);
        base[1] = fixed_base(largest[1], count);
    }
    __device__ Number weight(int64_t place, int side) const { return fixed_of(at(place), base[side]); }
    __device__ void settle_scale(Number positive, Number negative) {
        if (positive != 0 && negative != 0) scale = scale_of_pairs({positive, negative});
    }
    __device__ Number pairs(Number before, Number positive, Number negative) const {
        return weighted_pairs({0, before}, {positive, negative}, scale);
    }
    __device__ double finish(Number pairs, Number positive, Number negative) const {
        return finish_area(pairs, Sides{positive, negative}, scale);
    }
};

// Numbers of a block in halves of 64 bits.
struct BlockNumbers {
    uint64_t low[kMulticlassThreads];
    uint64_t high[kMulticlassThreads];

    __device__ void put(int at, Fixed value) {
        low[at] = static_cast<uint64_t>(value);
        high[at] = static_cast<uint64_t>(value >> 64);
    }
    __device__ Fixed get(int at) const { return static_cast<Fixed>(high[at]) << 64 | low[at]; }
};

// A block measures one class in one segment under one weighting. A thread has a share of the rows, and of the stretches
// of equal probabilities those that begin in it.
template <typename Walk>
__global__ void ovr_area_kernel(RankedRows sorted) {
    using Number = typename Walk::Number;
    __shared__ BlockNumbers numbers[2];
    __shared__ double largest[2][kMulticlassThreads];
    const int64_t areas = sorted.columns * sorted.segments * sorted.weightings;
    const int thread = static_cast<int>(threadIdx.x);
    for (int64_t area = blockIdx.x; area < areas; area += gridDim.x) {
        const int64_t column = area % sorted.columns;
        const int64_t segment = area / sorted.columns % sorted.segments;
        const int64_t weighting = area / sorted.columns / sorted.segments;
        const int64_t* const keys = sorted.keys + column * sorted.rows;
        const int64_t first = sorted.start[segment], last = sorted.start[segment + 1];
        const int64_t begin = first + (last - first) * thread / kMulticlassThreads;
        const int64_t end = first + (last - first) * (thread + 1) / kMulticlassThreads;
        Walk walk(sorted, column, weighting);
        double own[2] = {0, 0};
        for (int64_t i = begin; i < end; ++i) walk.look(i, &own[keys[i] & 1]);
        for (int side = 0; side < 2; ++side) largest[side][thread] = own[side];
        __syncthreads();
        if (thread < 2)
            for (int t = 1; t < kMulticlassThreads; ++t)
                if (largest[thread][t] > largest[thread][0]) largest[thread][0] = largest[thread][t];
        __syncthreads();
        own[0] = largest[0][0];
        own[1] = largest[1][0];
        walk.settle(own, last - first);
        Number sums[2] = {0, 0};
        for (int64_t i = begin; i < end; ++i) {
            const int side = static_cast<int>(keys[i] & 1);
            sums[side] += walk.weight(i, side);
        }
        for (int side = 0; side < 2; ++side) numbers[side].put(thread, sums[side]);
        __syncthreads();
        if (thread < 2) {
            Fixed sum = 0;
            for (int t = 0; t < kMulticlassThreads; ++t) numbers[thread].put(t, sum += numbers[thread].get(t));
        }
        __syncthreads();
        const Number totals[2] = {static_cast<Number>(numbers[0].get(kMulticlassThreads - 1)),
                                  static_cast<Number>(numbers[1].get(kMulticlassThreads - 1))};
        Number before = thread == 0 ? 0 : static_cast<Number>(numbers[0].get(thread - 1));
        walk.settle_scale(totals[1], totals[0]);
        Number pairs = 0;
        int64_t i = begin;
        if (begin > first)
            for (; i < end && keys[i] >> 1 == keys[begin - 1] >> 1; ++i)
                if ((keys[i] & 1) == 0) before += walk.weight(i, 0);
        while (i < end) {
            const int64_t from = i;
            Number tie[2] = {0, 0};
            for (; i < last && keys[i] >> 1 == keys[from] >> 1; ++i) {
                const int side = static_cast<int>(keys[i] & 1);
                tie[side] += walk.weight(i, side);
            }
            pairs += walk.pairs(before, tie[1], tie[0]);
            before += tie[0];
        }
        __syncthreads();
        numbers[0].put(thread, pairs);
        __syncthreads();
        if (thread == 0) {
            Number all = 0;
            for (int t = 0; t < kMulticlassThreads; ++t) all += static_cast<Number>(numbers[0].get(t));
            sorted.out[(weighting * sorted.sets + segment) * sorted.classes + column] =
                walk.finish(all, totals[1], totals[0]);
        }
        __syncthreads();
    }
}

}  // namespace WITHIN_ISA

template <typename T>
void launch_multiclass_rows(const T* probabilities, const int64_t* labels, int64_t rows, int64_t classes,
                            int64_t* decisions, int64_t* places, double* losses, unsigned long long* refused,
                            Stream stream) {
    WITHIN_LAUNCH((multiclass_rows_kernel<T>), blocks_of(rows, kMulticlassThreads), kMulticlassThreads, 0, stream,
                  probabilities, labels, rows, classes, decisions, places, losses, refused);
}

template <typename T>
void launch_ovr_keys(const T* probabilities, const int64_t* labels, int64_t rows, int64_t classes, int64_t first,
                     int64_t count, int64_t* keys, Stream stream) {
    WITHIN_LAUNCH((ovr_keys_kernel<T>), blocks_of(rows, kMulticlassThreads), kMulticlassThreads, 0, stream,
                  probabilities, labels, rows, classes, first, count, keys);
}

void launch_ovr_areas(const RankedRows& sorted, Stream stream) {
    const int64_t areas = sorted.columns * sorted.segments * sorted.weightings;
    const int blocks = blocks_of(areas * kMulticlassThreads, kMulticlassThreads);
    if (sorted.weights == nullptr) {
        WITHIN_LAUNCH((ovr_area_kernel<CountedWalk>), blocks, kMulticlassThreads, 0, stream, sorted);
    } else {
        WITHIN_LAUNCH((ovr_area_kernel<WeightedWalk>), blocks, kMulticlassThreads, 0, stream, sorted);
    }
}

}  // namespace within
