// The CPU loops of batch normalisation, and of gradients of weights that belong to channels.
#pragma once

#include "core/standard.h"
//
#include "exact/batch_norm.h"
#include "exact/layout_sum.h"

namespace within {
inline namespace WITHIN_ISA {

enum class Batch { shifted, unshifted, slope, frozen };

// What a register of channels is made with.
template <typename L>
struct OfChannels {
    typename L::Float mean, scale, factor, bias, of_weight, of_bias;
};

// get(pointer) gives a register of one of a task's arrays.
template <typename L, Batch kind, typename Get>
inline OfChannels<L> of_channels(const BatchTask& task, const Get& get) {
    OfChannels<L> of{};
    of.factor = get(task.factor);
    if constexpr (kind != Batch::frozen) of.mean = get(task.mean);
    if constexpr (kind == Batch::shifted) of.bias = get(task.bias);
    if constexpr (kind == Batch::slope) {
        of.scale = get(task.scale);
        of.of_weight = get(task.of_weight);
        of.of_bias = get(task.of_bias);
    }
    return of;
}

template <typename L, Batch kind, typename Element, typename Some>
inline typename L::Float of_number(const OfChannels<L>& of, const Element* x, const Element* gradient, Some some) {
    using M = Moments<L>;
    if constexpr (kind == Batch::shifted) return L::fused(read<L>(x, some) - of.mean, of.factor, of.bias);
    if constexpr (kind == Batch::unshifted) return (read<L>(x, some) - of.mean) * of.factor;
    if constexpr (kind == Batch::frozen) return read<L>(gradient, some) * of.factor;
    const auto h = M::normalised(read<L>(x, some), of.mean, of.scale);
    return M::slope(read<L>(gradient, some), h, of.of_bias, of.of_weight, of.factor);
}

template <Batch kind, typename Element>
void map_channels(const BatchTask& task) {
    using T = Wider<Element>;
    using L = LanesOf<T>;
    using F = Functions<L>;
    const Element *const x = static_cast<const Element*>(task.x), *const g = static_cast<const Element*>(task.gradient);
    Element* const out = static_cast<Element*>(task.out);
    if (task.is_columns) {
        for (int64_t i = task.begin; i < task.end; ++i) {
            const int64_t row = i * task.channels;
            for_registers_again<L>(task.channels, [&](int64_t j, auto some) {
                const auto of = of_channels<L, kind>(
                    task, [&](const void* from) { return read<L>(static_cast<const T*>(from) + j, some); });
                write<L>(out + row + j, F::canonical(of_number<L, kind>(of, x + row + j, g + row + j, some)), some);
            });
        }
        return;
    }
    for (int64_t c = task.begin; c < task.end; ++c) {
        const auto of =
            of_channels<L, kind>(task, [&](const void* from) { return L::all(static_cast<const T*>(from)[c]); });
        for (int64_t sample = 0; sample < task.samples; ++sample) {
            const int64_t at = (sample * task.channels + c) * task.length;
            for_registers_again<L>(task.length, [&](int64_t i, auto some) {
                write<L>(out + at + i, F::canonical(of_number<L, kind>(of, x + at + i, g + at + i, some)), some);
            });
        }
    }
}

// The two sums of numbers [from, to) of a sum, a block at most.
template <typename Element>
inline void pair_of_block(const PairTask& task, int64_t which, int64_t from, int64_t to, Wider<Element>* out) {
    using T = Wider<Element>;
    using L = LanesOf<T>;
    const SumLayout& layout = task.layout;
    const int64_t base = offset_of(layout, which);
    const Element* const x = static_cast<const Element*>(task.x) + base;
    const Element* const gradient = static_cast<const Element*>(task.gradient) + base;
    int64_t segment = from / layout.length, at = from % layout.length;
    auto statistic = [&](const void* of) {
        return L::all(static_cast<const T*>(of)[segment * task.statistic_segment + which / task.statistic_sums]);
    };
    if (at + to - from <= layout.length) {
        const int64_t offset = segment * layout.segment_step + at;
        const auto mean = statistic(task.mean), scale = statistic(task.scale);
        sum_block<L, 2>(
            0, to - from,
            [&](int64_t i, auto some, auto* chains) {
                const auto g = read<L>(gradient + offset + i, some), h = read<L>(x + offset + i, some);
                chains[0] = L::fused(g, Moments<L>::normalised(h, mean, scale), chains[0]);
                chains[1] += g;
            },
            out);
        return;
    }
    alignas(64) T all_h[kSumBlock], all_g[kSumBlock];
    T *h = all_h, *g = all_g;
    for (int64_t left = to - from; left > 0; ++segment, at = 0) {
        const int64_t count = std::min(layout.length - at, left), offset = segment * layout.segment_step + at;
        const auto mean = statistic(task.mean), scale = statistic(task.scale);
        for_registers<L>(count, [&](int64_t i, auto some) {
            write<L>(h + i, Moments<L>::normalised(read<L>(x + offset + i, some), mean, scale), some);
            write<L>(g + i, read<L>(gradient + offset + i, some), some);
        });
        h += count;
        g += count;
        left -= count;
    }
    sum_block<L, 2>(
        0, to - from,
        [&](int64_t i, auto some, auto* chains) {
            const auto gradients = read<L>(all_g + i, some);
            chains[0] = L::fused(gradients, read<L>(all_h + i, some), chains[0]);
            chains[1] += gradients;
        },
        out);
}

template <typename Element>
void pair_rows_of(const PairTask& task) {
    using T = Wider<Element>;
    using F = Functions<LaneOf<T>>;
    const int64_t n = numbers_of(task.layout);
    for (int64_t which = task.begin; which < task.end; ++which) {
        T sums[2];
        BlockSums<T> blocks[2];
        for (int64_t from = 0; from < n; from += kSumBlock) {
            pair_of_block<Element>(task, which, from, std::min(from + kSumBlock, n), sums);
            for (int k = 0; k < 2; ++k) blocks[k].add(sums[k]);
        }
        static_cast<T*>(task.of_weight)[which] = F::canonical(blocks[0].total());
        static_cast<T*>(task.of_bias)[which] = F::canonical(blocks[1].total());
    }
}

// Columns side by side, each with its own mean and scale.
template <typename Element>
void pair_columns_of(const PairTask& task) {
    using T = Wider<Element>;
    using L = LanesOf<T>;
    using F = Functions<LaneOf<T>>;
    const int64_t base = offset_of(task.layout, task.begin), width = task.end - task.begin;
    const Element* const x = static_cast<const Element*>(task.x) + base;
    const Element* const gradient = static_cast<const Element*>(task.gradient) + base;
    const T* const mean = static_cast<const T*>(task.mean) + task.begin;
    const T* const scale = static_cast<const T*>(task.scale) + task.begin;
    alignas(64) T sums[2][kReduceColumns];
    sum_columns<L, 2>(
        task.layout, width,
        [&](int64_t offset, int64_t j, auto some, auto* chains) {
            const auto g = read<L>(gradient + offset + j, some), h = read<L>(x + offset + j, some);
            const auto own_mean = read<L>(mean + j, some), own_scale = read<L>(scale + j, some);
            fetch_ahead(gradient + offset + j, kRowsAhead * task.layout.step);
            fetch_ahead(x + offset + j, kRowsAhead * task.layout.step);
            chains[0] = L::fused(g, Moments<L>::normalised(h, own_mean, own_scale), chains[0]);
            chains[1] += g;
        },
        sums);
    for (int64_t j = 0; j < width; ++j) {
        static_cast<T*>(task.of_weight)[task.begin + j] = F::canonical(sums[0][j]);
        static_cast<T*>(task.of_bias)[task.begin + j] = F::canonical(sums[1][j]);
    }
}

void batch_forward(const BatchTask& task) {
    with_element(task.dtype, [&](auto element) {
        using Element = decltype(element);
        task.bias != nullptr ? map_channels<Batch::shifted, Element>(task)
                             : map_channels<Batch::unshifted, Element>(task);
    });
}

void batch_backward(const BatchTask& task) {
    with_element(task.dtype, [&](auto element) {
        using Element = decltype(element);
        task.is_frozen ? map_channels<Batch::frozen, Element>(task) : map_channels<Batch::slope, Element>(task);
    });
}

void pair_rows(const PairTask& task) {
    with_element(task.dtype, [&](auto element) { pair_rows_of<decltype(element)>(task); });
}

void pair_columns(const PairTask& task) {
    with_element(task.dtype, [&](auto element) { pair_columns_of<decltype(element)>(task); });
}

}  // namespace WITHIN_ISA
}  // namespace within
