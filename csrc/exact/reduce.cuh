// The kernels of reductions and the functions that launch them; compiled by nvcc, and by the tests' emulator.
//
// A team of threads sums one block of one sum; then a thread puts each sum's blocks together.
#pragma once

#include "exact/batch_norm.h"
#include "exact/reduce_launch.h"
#include "exact/team.cuh"

namespace within {
inline namespace WITHIN_ISA {

constexpr int kReduceThreads = 128;

WITHIN_HOST_DEVICE int64_t offset_of_number(const SumLayout& layout, int64_t i) {
    return i / layout.length * layout.segment_step + i % layout.length * layout.step;
}

// work(sum, block, is_one) for every block of every sum; columns have one block for all sums of a thread block.
template <typename Team, typename Work>
__device__ __forceinline__ void for_blocks(const SumLayout& layout, const Work& work) {
    const int64_t sums = sums_of(layout), blocks = blocks_of_sum(layout);
    const int64_t groups = (sums + kTeamColumns - 1) / kTeamColumns;
    const Team team;
    for (int64_t unit = blockIdx.x; unit < groups * blocks; unit += gridDim.x) {
        const int64_t sum = unit % groups * kTeamColumns + team.team;
        work(team, sum < sums ? sum : sums - 1, unit / groups, sum < sums);
    }
}

// partial[block][sum] = the stage's value of that block; `centre` T [sums].
template <typename Team, typename Element>
__global__ void stage_kernel(const Element* x, SumLayout layout, Stage stage, const Wider<Element>* centre,
                             Wider<Element>* partial) {
    using T = Wider<Element>;
    using L = LaneOf<T>;
    using Most = Extreme<L, false>;
    using Least = Extreme<L, true>;
    using Order = typename Most::One;
    __shared__ T shared[kTeamThreads];
    __shared__ Order shared_order[kTeamThreads];
    const int64_t n = numbers_of(layout);
    for_blocks<Team>(layout, [&](const Team& team, int64_t sum, int64_t block, bool is_one) {
        const Element* const own = x + offset_of(layout, sum);
        const int64_t from = block * kSumBlock, end = from + kSumBlock < n ? from + kSumBlock : n;
        T result;
        if (stage == Stage::amax || stage == Stage::amin) {
            Order most = Most::kLowest;
            for (int64_t i = from + team.lane; i < end; i += kSumLanes) {
                const T value = load(own[offset_of_number(layout, i)]);
                most = Most::larger(most, stage == Stage::amax ? Most::order(value) : Least::order(value));
            }
            most = team.most(most, shared_order, [](Order a, Order b) { return Most::larger(a, b); });
            result = stage == Stage::amax ? Most::number(most) : Least::number(most);
        } else {
            const T middle = centre == nullptr ? T{0} : centre[sum];
            T chain = 0;
            for (int64_t i = from + team.lane; i < end; i += kSumLanes) {
                const T value = load(own[offset_of_number(layout, i)]);
                if (stage == Stage::sum) chain += value;
                if (stage == Stage::squares) chain = Moments<L>::add_square(value - middle, chain);
                if (stage == Stage::powers) chain += Softmax<L>::power(value - middle);
            }
            result = team.sum(chain, shared);
        }
        if (is_one && team.lane == 0) partial[block * sums_of(layout) + sum] = result;
    });
}

template <typename T>
__device__ __forceinline__ T total_of(const T* partial, int64_t sums, int64_t blocks, int64_t sum) {
    BlockSums<T> total;
    for (int64_t block = 0; block < blocks; ++block) total.add(partial[block * sums + sum]);
    return total.total();
}

// Puts blocks together: to `wide` T [sums], or to `out` rounded.
template <typename Element>
__global__ void finish_kernel(const Wider<Element>* partial, SumLayout layout, Stage stage, Reduction reduction,
                              const Wider<Element>* centre, Wider<Element> divisor, Element* out,
                              Wider<Element>* wide) {
    using T = Wider<Element>;
    using Most = Extreme<LaneOf<T>, false>;
    using Least = Extreme<LaneOf<T>, true>;
    const int64_t sums = sums_of(layout), blocks = blocks_of_sum(layout);
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t sum = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; sum < sums; sum += step) {
        T value;
        if (stage == Stage::amax || stage == Stage::amin) {
            auto most = Most::kLowest;
            for (int64_t block = 0; block < blocks; ++block) {
                const T one = partial[block * sums + sum];
                most = Most::larger(most, stage == Stage::amax ? Most::order(one) : Least::order(one));
            }
            value = stage == Stage::amax ? Most::number(most) : Least::number(most);
        } else {
            const T middle = centre == nullptr ? T{0} : centre[sum];
            value = finish<T>(reduction, total_of(partial, sums, blocks, sum), middle,
                              static_cast<T>(numbers_of(layout)), divisor);
            if (reduction == Reduction::logsumexp && !(middle - middle == T{0})) value = middle;
        }
        if (out != nullptr) store(value, out + sum);
        if (wide != nullptr) wide[sum] = value;
    }
}

template <typename Element>
inline void launch_stage(const Element* x, const SumLayout& layout, Stage stage, Reduction reduction,
                         const Wider<Element>* centre, Wider<Element> divisor, Wider<Element>* partial, Element* out,
                         Wider<Element>* wide, Stream stream) {
    const int64_t sums = sums_of(layout);
    const int64_t units = (sums + kTeamColumns - 1) / kTeamColumns * blocks_of_sum(layout);
    if (layout.step == 1) {
        WITHIN_LAUNCH((stage_kernel<Warp, Element>), blocks_of(units, 1), kTeamThreads, 0, stream, x, layout, stage,
                      centre, partial);
    } else {
        WITHIN_LAUNCH((stage_kernel<Column, Element>), blocks_of(units, 1), kTeamThreads, 0, stream, x, layout, stage,
                      centre, partial);
    }
    WITHIN_LAUNCH((finish_kernel<Element>), blocks_of(sums, kReduceThreads), kReduceThreads, 0, stream, partial, layout,
                  stage, reduction, centre, divisor, out, wide);
}

// What PairTask says: partial[k][block][sum], k 0 for weights and 1 for biases.
template <typename Team, typename Element>
__global__ void pair_kernel(const Element* x, const Element* gradient, SumLayout layout, const Wider<Element>* mean,
                            const Wider<Element>* scale, int64_t statistic_segment, int64_t statistic_sums,
                            Wider<Element>* partial) {
    using T = Wider<Element>;
    using L = LaneOf<T>;
    __shared__ T shared[kTeamThreads];
    const int64_t n = numbers_of(layout);
    for_blocks<Team>(layout, [&](const Team& team, int64_t sum, int64_t block, bool is_one) {
        const int64_t from = block * kSumBlock, end = from + kSumBlock < n ? from + kSumBlock : n;
        T of_weight = 0, of_bias = 0;
        for (int64_t i = from + team.lane; i < end; i += kSumLanes) {
            const int64_t at = offset_of(layout, sum) + offset_of_number(layout, i);
            const int64_t statistic = i / layout.length * statistic_segment + sum / statistic_sums;
            const T g = load(gradient[at]);
            const T middle = mean == nullptr ? T{0} : mean[statistic];
            of_weight = L::fused(g, Moments<L>::normalised(load(x[at]), middle, scale[statistic]), of_weight);
            of_bias += g;
        }
        of_weight = team.sum(of_weight, shared);
        of_bias = team.sum(of_bias, shared);
        if (!is_one || team.lane != 0) return;
        partial[block * sums_of(layout) + sum] = of_weight;
        partial[(blocks_of_sum(layout) + block) * sums_of(layout) + sum] = of_bias;
    });
}

// The sums, and the same over `count` where that is wanted.
template <typename T>
__global__ void finish_pair_kernel(const T* partial, SumLayout layout, T count, T* of_weight, T* of_bias,
                                   T* weight_share, T* bias_share) {
    using F = Functions<LaneOf<T>>;
    const int64_t sums = sums_of(layout), blocks = blocks_of_sum(layout);
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t sum = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; sum < sums; sum += step) {
        of_weight[sum] = F::canonical(total_of(partial, sums, blocks, sum));
        of_bias[sum] = F::canonical(total_of(partial + blocks * sums, sums, blocks, sum));
        if (weight_share == nullptr) continue;
        weight_share[sum] = of_weight[sum] / count;
        bias_share[sum] = of_bias[sum] / count;
    }
}

}  // namespace WITHIN_ISA

template <typename Element>
void launch_reduce(const Element* x, const SumLayout& layout, Reduction reduction, Wider<Element> divisor,
                   Wider<Element>* partial, Wider<Element>* centre, Element* out, Wider<Element>* wide, Stream stream) {
    const bool is_var = reduction == Reduction::var || reduction == Reduction::std;
    const bool is_powers = reduction == Reduction::logsumexp;
    if (is_var)
        launch_stage<Element>(x, layout, Stage::sum, Reduction::mean, nullptr, divisor, partial, nullptr, centre,
                              stream);
    if (is_powers)
        launch_stage<Element>(x, layout, Stage::amax, Reduction::amax, nullptr, divisor, partial, nullptr, centre,
                              stream);
    const Stage last = is_var                         ? Stage::squares
                       : is_powers                    ? Stage::powers
                       : reduction == Reduction::amax ? Stage::amax
                       : reduction == Reduction::amin ? Stage::amin
                                                      : Stage::sum;
    launch_stage<Element>(x, layout, last, reduction, is_var || is_powers ? centre : nullptr, divisor, partial, out,
                          wide, stream);
}

template <typename Element>
void launch_pair(const Element* x, const Element* gradient, const SumLayout& layout, const Wider<Element>* mean,
                 const Wider<Element>* scale, int64_t statistic_segment, int64_t statistic_sums,
                 Wider<Element>* partial, Wider<Element>* of_weight, Wider<Element>* of_bias,
                 Wider<Element>* weight_share, Wider<Element>* bias_share, Stream stream) {
    const int64_t sums = sums_of(layout);
    const int64_t units = (sums + kTeamColumns - 1) / kTeamColumns * blocks_of_sum(layout);
    if (layout.step == 1) {
        WITHIN_LAUNCH((pair_kernel<Warp, Element>), blocks_of(units, 1), kTeamThreads, 0, stream, x, gradient, layout,
                      mean, scale, statistic_segment, statistic_sums, partial);
    } else {
        WITHIN_LAUNCH((pair_kernel<Column, Element>), blocks_of(units, 1), kTeamThreads, 0, stream, x, gradient, layout,
                      mean, scale, statistic_segment, statistic_sums, partial);
    }
    WITHIN_LAUNCH((finish_pair_kernel<Wider<Element>>), blocks_of(sums, kReduceThreads), kReduceThreads, 0, stream,
                  partial, layout, static_cast<Wider<Element>>(numbers_of(layout)), of_weight, of_bias, weight_share,
                  bias_share);
}

}  // namespace within
