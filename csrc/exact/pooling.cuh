// The kernels of pooling and the functions that launch them; compiled by nvcc, and by the tests' emulator. A thread
// makes one result: of the gradient too, for which it looks through the windows that may have its place.
#pragma once

#include "core/launch.h"
#include "core/nan.h"
#include "exact/pooling_launch.h"
#include "exact/sum.h"

namespace within {
inline namespace WITHIN_ISA {

constexpr int kPoolThreads = 128;

template <typename T>
WITHIN_HOST_DEVICE T least_number() {
    if constexpr (sizeof(T) == 8) {
        return double_of(0xfff0000000000000ull);
    } else {
        return float_of_bits(0xff800000u);
    }
}

template <typename Element, typename T>
__global__ void max_pool_kernel(Pool pool, int64_t planes, const Element* x, Element* out, int64_t* places) {
    const int64_t positions = pool.y.out * pool.x.out, step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
    for (; i < planes * positions; i += step) {
        const Element* const plane = x + i / positions * pool.y.in * pool.x.in;
        const PoolWindow rows = window_of(pool.y, i % positions / pool.x.out, false);
        const PoolWindow columns = window_of(pool.x, i % pool.x.out, false);
        Largest<T> largest{least_number<T>(), rows.first * pool.x.in + columns.first};
        for (int64_t row = rows.first; row < rows.end; row += pool.y.dilation)
            for (int64_t column = columns.first; column < columns.end; column += pool.x.dilation) {
                const int64_t at = row * pool.x.in + column;
                largest.take(load(plane[at]), at);
            }
        store(canonical(largest.value), out + i);
        places[i] = largest.place;
    }
}

template <typename Element, typename T>
__global__ void average_pool_kernel(Pool pool, int64_t planes, const Element* x, Element* out) {
    const int64_t positions = pool.y.out * pool.x.out, step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
    for (; i < planes * positions; i += step) {
        const Element* const plane = x + i / positions * pool.y.in * pool.x.in;
        const PoolWindow rows = window_of(pool.y, i % positions / pool.x.out, pool.counts_padding);
        const PoolWindow columns = window_of(pool.x, i % pool.x.out, pool.counts_padding);
        T sum = 0;
        for (int64_t row = rows.first; row < rows.end; ++row)
            for (int64_t column = columns.first; column < columns.end; ++column)
                sum += load(plane[row * pool.x.in + column]);
        store(canonical(sum / static_cast<T>(divisor_of(pool, rows, columns))), out + i);
    }
}

// A warp makes one result.
template <typename Element, typename T>
__global__ void adaptive_average_pool_kernel(Pool pool, int64_t planes, const Element* x, Element* out) {
    const int64_t positions = pool.y.out * pool.x.out;
    const int lane = threadIdx.x % kSumLanes, warps = blockDim.x / kSumLanes;
    int64_t i = static_cast<int64_t>(blockIdx.x) * warps + threadIdx.x / kSumLanes;
    for (; i < planes * positions; i += static_cast<int64_t>(gridDim.x) * warps) {
        const Element* const plane = x + i / positions * pool.y.in * pool.x.in;
        const PoolWindow rows = window_of(pool.y, i % positions / pool.x.out, false);
        const PoolWindow columns = window_of(pool.x, i % pool.x.out, false);
        const int64_t count = rows.count * columns.count;
        BlockSums<T> blocks;
        for (int64_t begin = 0; begin < count; begin += kSumBlock) {
            const int64_t end = begin + kSumBlock < count ? begin + kSumBlock : count;
            T sum = 0;
            for (int64_t k = begin + lane; k < end; k += kSumLanes)
                sum += load(plane[(rows.first + k / columns.count) * pool.x.in + columns.first + k % columns.count]);
            for (int half = kSumLanes / 2; half > 0; half /= 2) sum += __shfl_down_sync(0xffffffffu, sum, half);
            if (lane == 0) blocks.add(sum);
        }
        if (lane == 0) store(canonical(blocks.total() / static_cast<T>(count)), out + i);
    }
}

// places: null for averages.
template <typename Element, typename T>
__global__ void pool_backward_kernel(Pool pool, int64_t planes, const Element* gradient, const int64_t* places,
                                     Element* out) {
    const int64_t numbers = pool.y.in * pool.x.in, step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
    for (; i < planes * numbers; i += step) {
        const int64_t plane = i / numbers * pool.y.out * pool.x.out, place = i % numbers;
        const int64_t row = place / pool.x.in, column = place % pool.x.in;
        const PoolReach reach_y = reach_of(pool.y, row), reach_x = reach_of(pool.x, column);
        T sum = 0;
        for (int64_t y = reach_y.first; y < reach_y.end; ++y) {
            for (int64_t x = reach_x.first; x < reach_x.end; ++x) {
                const int64_t at = plane + y * pool.x.out + x;
                if (places != nullptr) {
                    if (places[at] == place) sum += load(gradient[at]);
                    continue;
                }
                const PoolWindow rows = window_of(pool.y, y, pool.counts_padding);
                const PoolWindow columns = window_of(pool.x, x, pool.counts_padding);
                sum += load(gradient[at]) / static_cast<T>(divisor_of(pool, rows, columns));
            }
        }
        store(canonical(sum), out + i);
    }
}

}  // namespace WITHIN_ISA

template <typename Element, typename T>
void launch_max_pool(const Pool& pool, int64_t planes, const Element* x, Element* out, int64_t* places, Stream stream) {
    WITHIN_LAUNCH((max_pool_kernel<Element, T>), blocks_of(planes * pool.y.out * pool.x.out, kPoolThreads),
                  kPoolThreads, 0, stream, pool, planes, x, out, places);
}

template <typename Element, typename T>
void launch_average_pool(const Pool& pool, int64_t planes, const Element* x, Element* out, Stream stream) {
    const int64_t results = planes * pool.y.out * pool.x.out;
    if (pool.y.kernel == 0) {
        WITHIN_LAUNCH((adaptive_average_pool_kernel<Element, T>), blocks_of(results, kPoolThreads / kSumLanes),
                      kPoolThreads, 0, stream, pool, planes, x, out);
    } else {
        WITHIN_LAUNCH((average_pool_kernel<Element, T>), blocks_of(results, kPoolThreads), kPoolThreads, 0, stream,
                      pool, planes, x, out);
    }
}

template <typename Element, typename T>
void launch_pool_backward(const Pool& pool, int64_t planes, const Element* gradient, const int64_t* places,
                          Element* out, Stream stream) {
    WITHIN_LAUNCH((pool_backward_kernel<Element, T>), blocks_of(planes * pool.y.in * pool.x.in, kPoolThreads),
                  kPoolThreads, 0, stream, pool, planes, gradient, places, out);
}

}  // namespace within
