// The kernels of a bootstrap's resamples and the functions that launch them; compiled by nvcc, and by the tests'
// emulator.
#pragma once

#include "core/launch.h"
#include "metrics/resample.h"
#include "metrics/resample_launch.h"

namespace within {
inline namespace WITHIN_ISA {

constexpr int kResampleThreads = 256;

// A thread draws one block of one resample; counts [resamples, size] are zeros.
__global__ void count_draws_kernel(uint64_t key, int64_t first, int64_t resamples, int64_t size, int* counts) {
    const int64_t blocks = (size + kDrawsOfBlock - 1) / kDrawsOfBlock;
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < resamples * blocks; i += step) {
        const int64_t resample = i / blocks, block = i % blocks;
        const PhiloxBlock drawn = draw_block(key, first + resample, block);
        for (int word = 0; word < kDrawsOfBlock && block * kDrawsOfBlock + word < size; ++word)
            atomicAdd(&counts[resample * size + drawn_unit(drawn.words[word], size)], 1);
    }
}

__global__ void weigh_rows_kernel(const int64_t* units, const double* weights, const int* counts, int64_t rows,
                                  int64_t resamples, int64_t size, double* out, unsigned long long* outside) {
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t row = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; row < rows; row += step) {
        const int64_t unit = units[row];
        if (static_cast<uint64_t>(unit) >= static_cast<uint64_t>(size)) {
            atomicMin(outside, static_cast<unsigned long long>(row));
            continue;
        }
        const double weight = weights == nullptr ? 1.0 : weights[row];
        for (int64_t r = 0; r < resamples; ++r)
            out[r * rows + row] = weight * static_cast<double>(counts[r * size + unit]);
    }
}

}  // namespace WITHIN_ISA

void launch_resample(uint64_t key, int64_t first, int64_t resamples, int64_t size, const int64_t* units,
                     const double* weights, int64_t rows, int* counts, double* out, unsigned long long* outside,
                     Stream stream) {
    const int64_t draws = resamples * ((size + kDrawsOfBlock - 1) / kDrawsOfBlock);
    WITHIN_LAUNCH((count_draws_kernel), blocks_of(draws, kResampleThreads), kResampleThreads, 0, stream, key, first,
                  resamples, size, counts);
    WITHIN_LAUNCH((weigh_rows_kernel), blocks_of(rows, kResampleThreads), kResampleThreads, 0, stream, units, weights,
                  counts, rows, resamples, size, out, outside);
}

}  // namespace within
