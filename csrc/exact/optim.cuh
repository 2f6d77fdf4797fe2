// The kernels of optimizers, one launch for each tensor, and the functions that launch them; compiled by nvcc, and by
// the tests' emulator.
#pragma once

#include "exact/optim_launch.h"
#include "exact/sum.cuh"

namespace within {
inline namespace WITHIN_ISA {

template <typename Element>
__global__ void adam_kernel(StepTask task, AdamRates rates) {
    using L = OneLane<Element>;
    const AdamStep<L> step(rates);
    Element *const parameter = static_cast<Element*>(task.parameter), *const mean = static_cast<Element*>(task.first),
                   *const square = static_cast<Element*>(task.second), *const most = static_cast<Element*>(task.third);
    const Element* const gradient = static_cast<const Element*>(task.gradient);
    const int64_t stride = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < task.end; i += stride) {
        Wider<Element> m = load(mean[i]), v = load(square[i]), largest{};
        if (rates.has_largest) largest = load(most[i]);
        write<L>(step(load(parameter[i]), load(gradient[i]), &m, &v, rates.has_largest ? &largest : nullptr),
                 parameter + i);
        write<L>(m, mean + i);
        write<L>(v, square + i);
        if (rates.has_largest) write<L>(largest, most + i);
    }
}

template <typename Element>
__global__ void sgd_kernel(StepTask task, SgdRates rates) {
    using L = OneLane<Element>;
    const SgdStep<L> step(rates);
    Element *const parameter = static_cast<Element*>(task.parameter), *const moved = static_cast<Element*>(task.first);
    const Element* const gradient = static_cast<const Element*>(task.gradient);
    const int64_t stride = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < task.end; i += stride) {
        Wider<Element> m{};
        if (moved != nullptr && !rates.is_first) m = load(moved[i]);
        write<L>(step(load(parameter[i]), load(gradient[i]), moved == nullptr ? nullptr : &m), parameter + i);
        if (moved != nullptr) write<L>(m, moved + i);
    }
}

// A warp a block of the sum, or a largest size.
template <typename Element>
__global__ void norm_sums_kernel(NormSumTask task) {
    const Element* const x = static_cast<const Element*>(task.data);
    const int64_t stride = static_cast<int64_t>(gridDim.x) * kSumWarps;
    for (int64_t block = static_cast<int64_t>(blockIdx.x) * kSumWarps + threadIdx.x / kSumLanes; block < task.end;
         block += stride) {
        const int64_t from = block * kSumBlock, left = task.count - from, count = left < kSumBlock ? left : kSumBlock;
        double sum;
        if (task.norm == Norm::largest) {
            auto most = size_bits(Wider<Element>{});
            for (int64_t i = threadIdx.x % kSumLanes; i < count; i += kSumLanes) {
                const auto bits = size_bits(load(x[from + i]));
                most = bits > most ? bits : most;
            }
            for (int half = kSumLanes / 2; half > 0; half /= 2) {
                const auto next = __shfl_down_sync(0xffffffffu, most, half);
                most = next > most ? next : most;
            }
            sum = size_from(most);
        } else {
            sum = warp_sum<double>(count, [&](int64_t i) { return norm_term(task.norm, load(x[from + i])); });
        }
        if (threadIdx.x % kSumLanes == 0) task.sums[block] = sum;
    }
}

// A block of threads for each tensor, whose sums are [ends[i - 1], ends[i]): of_tensors[i].
__global__ void norm_tensors_kernel(Norm norm, double* sums, const int64_t* ends, int64_t tensors, double* of_tensors) {
    for (int64_t i = blockIdx.x; i < tensors; i += gridDim.x) {
        const int64_t from = i == 0 ? 0 : ends[i - 1], count = ends[i] - from;
        if (norm != Norm::largest) add_pairs(sums + from, count);
        if (threadIdx.x == 0) {
            uint64_t most = 0;
            for (int64_t block = 0; norm == Norm::largest && block < count; ++block) {
                const uint64_t bits = size_bits(sums[from + block]);
                most = bits > most ? bits : most;
            }
            of_tensors[i] = norm == Norm::largest ? size_from(most) : count == 0 ? 0 : sums[from];
        }
        __syncthreads();
    }
}

// One warp.
template <typename Out>
__global__ void total_norm_kernel(Norm norm, const double* of_tensors, int64_t tensors, Out* out) {
    double result;
    if (norm == Norm::largest) {
        uint64_t most = 0;
        for (int64_t i = 0; i < tensors; ++i) {
            const uint64_t bits = size_bits(of_tensors[i]);
            most = bits > most ? bits : most;
        }
        result = size_from(most);
    } else {
        const double sum = warp_sum<double>(tensors, [&](int64_t i) { return of_tensors[i]; });
        result = norm == Norm::squares ? ::sqrt(sum) : sum;
    }
    if (threadIdx.x == 0) write<OneLane<Out>>(static_cast<Out>(result), out);
}

// Scales by a norm on the device where there is one, otherwise by the task's limit.
template <typename Element, typename Norms>
__global__ void clip_kernel(ClipTask task, const Norms* norm) {
    using L = OneLane<Element>;
    if (norm != nullptr) {
        task.factor = clip_factor(*norm, task.factor);
        if (task.factor == 1) return;
    }
    Element* const x = static_cast<Element*>(task.data);
    const int64_t stride = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < task.end; i += stride)
        write<L>(clip<L>(load(x[i]), task), x + i);
}

}  // namespace WITHIN_ISA

template <typename Element>
void launch_adam(const StepTask& task, const AdamRates& rates, Stream stream) {
    WITHIN_LAUNCH((adam_kernel<Element>), blocks_of(task.end, kSumThreads), kSumThreads, 0, stream, task, rates);
}

template <typename Element>
void launch_sgd(const StepTask& task, const SgdRates& rates, Stream stream) {
    WITHIN_LAUNCH((sgd_kernel<Element>), blocks_of(task.end, kSumThreads), kSumThreads, 0, stream, task, rates);
}

template <typename Element>
void launch_norm_sums(const NormSumTask& task, Stream stream) {
    WITHIN_LAUNCH((norm_sums_kernel<Element>), blocks_of(task.end, kSumWarps), kSumThreads, 0, stream, task);
}

template <typename Out>
void launch_total_norm(Norm norm, double* sums, const int64_t* ends, int64_t tensors, double* of_tensors, Out* out,
                       Stream stream) {
    WITHIN_LAUNCH(norm_tensors_kernel, blocks_of(tensors, 1), kSumThreads, 0, stream, norm, sums, ends, tensors,
                  of_tensors);
    WITHIN_LAUNCH((total_norm_kernel<Out>), 1, kSumLanes, 0, stream, norm, of_tensors, tensors, out);
}

template <typename Element, typename Norms>
void launch_clip(const ClipTask& task, const Norms* norm, Stream stream) {
    WITHIN_LAUNCH((clip_kernel<Element, Norms>), blocks_of(task.end, kSumThreads), kSumThreads, 0, stream, task, norm);
}

}  // namespace within
