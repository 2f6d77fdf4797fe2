// The kernels that vary tables and the functions that launch them; compiled by nvcc, and by the tests' emulator.
#pragma once

#include "augment/features_launch.h"
#include "core/launch.h"
#include "core/normal.h"

namespace within {
inline namespace WITHIN_ISA {

constexpr int kFeatureThreads = 256;
constexpr int64_t kMostFeatureBlocks = 1 << 14;

inline int feature_blocks(int64_t items) {
    const int64_t blocks = (items + kFeatureThreads - 1) / kFeatureThreads;
    return static_cast<int>(blocks < 1 ? 1 : blocks > kMostFeatureBlocks ? kMostFeatureBlocks : blocks);
}

__device__ __forceinline__ PhiloxBlock draw_block(const Features& task, Purpose purpose, int64_t id, uint32_t block) {
    const uint32_t* const key = task.keys[static_cast<int>(purpose)];
    return philox({{low_of(id), high_of(id), block, task.epoch}}, {{key[0], key[1]}});
}

// The features of one block of one row, `count` of them; loops have a fixed length so that values stay in registers.
template <typename T>
__device__ __forceinline__ void vary_block(const Features& task, int64_t row, int64_t block, const T* x, T* out,
                                           int count) {
    const int64_t id = task.ids[row], column = block * kFeaturesOfBlock;
    const uint32_t counter = static_cast<uint32_t>(block);
    const T* const bank = static_cast<const T*>(task.bank) + column;
    T values[kFeaturesOfBlock] = {};
    for (int i = 0; i < kFeaturesOfBlock; ++i)
        if (i < count) values[i] = x[i];
    if (task.swap != 0) {
        const PhiloxBlock drawn = draw_block(task, Purpose::swap, id, counter);
        const PhiloxBlock partner = draw_block(task, Purpose::partner, id, counter);
        for (int i = 0; i < kFeaturesOfBlock; ++i)
            if (i < count && drawn.words[i] < task.swap)
                values[i] = bank[row_of(partner.words[i], task.bank_rows) * task.columns + i];
    }
    if (task.weights != nullptr && task.weights[row] != 0) {
        const T weight = static_cast<T>(task.weights[row]);
        const T* const other = bank + task.partners[row] * task.columns;
        for (int i = 0; i < kFeaturesOfBlock; ++i)
            if (i < count) values[i] = mixed(values[i], other[i], weight);
    }
    if (task.noise_scale != nullptr) {
        const PhiloxBlock drawn = draw_block(task, Purpose::noise, id, counter);
        const T* const scale = static_cast<const T*>(task.noise_scale) + column;
        for (int i = 0; i < kFeaturesOfBlock; ++i)
            if (i < count) values[i] = perturbed(values[i], normal<Scalar>(drawn.words[i]), scale[i]);
    }
    if (task.dropout != 0) {
        const PhiloxBlock drawn = draw_block(task, Purpose::dropout, id, counter);
        const T* const fill = static_cast<const T*>(task.fill) + column;
        for (int i = 0; i < kFeaturesOfBlock; ++i)
            if (i < count && drawn.words[i] < task.dropout) values[i] = fill[i];
    }
    for (int i = 0; i < kFeaturesOfBlock; ++i)
        if (i < count) out[i] = values[i];
}

// The gradient of what vary_block gives in what it was given.
template <typename T>
__device__ __forceinline__ void pass_block_back(const Features& task, int64_t row, int64_t block, const T* gradient,
                                                T* out, int count) {
    const int64_t id = task.ids[row];
    const uint32_t counter = static_cast<uint32_t>(block);
    const T kept = T{1} - static_cast<T>(task.weights == nullptr ? 0 : task.weights[row]);
    bool is_cut[kFeaturesOfBlock] = {};
    if (task.swap != 0) {
        const PhiloxBlock drawn = draw_block(task, Purpose::swap, id, counter);
        for (int i = 0; i < kFeaturesOfBlock; ++i)
            if (i < count) is_cut[i] = drawn.words[i] < task.swap;
    }
    if (task.dropout != 0) {
        const PhiloxBlock drawn = draw_block(task, Purpose::dropout, id, counter);
        for (int i = 0; i < kFeaturesOfBlock; ++i)
            if (i < count) is_cut[i] |= drawn.words[i] < task.dropout;
    }
    for (int i = 0; i < kFeaturesOfBlock; ++i)
        if (i < count) out[i] = is_cut[i] ? T{0} : kept * gradient[i];
}

template <typename T, bool kIsGradient>
__global__ void features_kernel(Features task) {
    const int64_t blocks = (task.columns + kFeaturesOfBlock - 1) / kFeaturesOfBlock;
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t at = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; at < task.end * blocks; at += step) {
        const int64_t row = at / blocks, block = at - row * blocks;
        const int64_t column = block * kFeaturesOfBlock, left = task.columns - column;
        const int count = static_cast<int>(left < kFeaturesOfBlock ? left : kFeaturesOfBlock);
        const T* const x = static_cast<const T*>(task.x) + row * task.columns + column;
        T* const out = static_cast<T*>(task.out) + row * task.columns + column;
        if constexpr (kIsGradient) {
            pass_block_back<T>(task, row, block, x, out, count);
        } else {
            vary_block<T>(task, row, block, x, out, count);
        }
    }
}

__global__ void mixup_kernel(Mixup mixup) {
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t row = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; row < mixup.end; row += step) {
        const Mixed drawn = draw_mixup(mixup, mixup.ids[row]);
        mixup.partners[row] = drawn.partner;
        mixup.weights[row] = drawn.weight;
    }
}

// The first row whose partner is not in the bank, or ~0.
__global__ void partners_outside_kernel(const int64_t* partners, int64_t rows, int64_t bank_rows,
                                        unsigned long long* outside) {
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t row = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; row < rows; row += step)
        if (partners[row] < 0 || partners[row] >= bank_rows) atomicMin(outside, static_cast<unsigned long long>(row));
}

}  // namespace WITHIN_ISA

template <typename T, bool kIsGradient>
void launch_features(const Features& task, Stream stream) {
    const int64_t blocks = (task.columns + kFeaturesOfBlock - 1) / kFeaturesOfBlock;
    WITHIN_LAUNCH((features_kernel<T, kIsGradient>), feature_blocks(task.end * blocks), kFeatureThreads, 0, stream,
                  task);
}

void launch_mixup(const Mixup& mixup, Stream stream) {
    WITHIN_LAUNCH((mixup_kernel), feature_blocks(mixup.end), kFeatureThreads, 0, stream, mixup);
}

void launch_partners_outside(const int64_t* partners, int64_t rows, int64_t bank_rows, unsigned long long* outside,
                             Stream stream) {
    WITHIN_LAUNCH((partners_outside_kernel), feature_blocks(rows), kFeatureThreads, 0, stream, partners, rows,
                  bank_rows, outside);
}

}  // namespace within
