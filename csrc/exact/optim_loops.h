// The CPU loops of optimizers.
#pragma once

#include "core/standard.h"
//
#include "core/wide.h"
#include "exact/optim.h"

namespace within {
inline namespace WITHIN_ISA {

// Calls work(lane, i) for numbers [begin, end) of a format.
template <typename Element, typename Work>
inline void each_number(int64_t begin, int64_t end, const Work& work) {
    using Many = ManyLanes<Element>;
    int64_t i = begin;
    for (; i + Many::kCount <= end; i += Many::kCount) work(Many{}, i);
    for (; i < end; ++i) work(OneLane<Element>{}, i);
}

template <bool has_largest, typename Element>
void adam_numbers(const StepTask& task, const AdamRates& rates) {
    Element *const parameter = static_cast<Element*>(task.parameter), *const mean = static_cast<Element*>(task.first),
                   *const square = static_cast<Element*>(task.second), *const most = static_cast<Element*>(task.third);
    const Element* const gradient = static_cast<const Element*>(task.gradient);
    const AdamStep<ManyLanes<Element>> many(rates);
    const AdamStep<OneLane<Element>> one(rates);
    each_number<Element>(task.begin, task.end, [&](auto lane, int64_t i) {
        using L = decltype(lane);
        typename L::Float m = read<L>(mean + i), v = read<L>(square + i), largest{};
        if constexpr (has_largest) largest = read<L>(most + i);
        const auto step = [&](const auto& of) {
            return of(read<L>(parameter + i), read<L>(gradient + i), &m, &v, has_largest ? &largest : nullptr);
        };
        if constexpr (std::is_same_v<L, ManyLanes<Element>>) {
            write<L>(step(many), parameter + i);
        } else {
            write<L>(step(one), parameter + i);
        }
        write<L>(m, mean + i);
        write<L>(v, square + i);
        if constexpr (has_largest) write<L>(largest, most + i);
    });
}

void adam_step(const StepTask& task, const AdamRates& rates) {
    with_element(task.dtype, [&](auto element) {
        using Element = decltype(element);
        rates.has_largest ? adam_numbers<true, Element>(task, rates) : adam_numbers<false, Element>(task, rates);
    });
}

template <bool has_momentum, typename Element>
void sgd_numbers(const StepTask& task, const SgdRates& rates) {
    Element *const parameter = static_cast<Element*>(task.parameter), *const moved = static_cast<Element*>(task.first);
    const Element* const gradient = static_cast<const Element*>(task.gradient);
    const SgdStep<ManyLanes<Element>> many(rates);
    const SgdStep<OneLane<Element>> one(rates);
    each_number<Element>(task.begin, task.end, [&](auto lane, int64_t i) {
        using L = decltype(lane);
        typename L::Float m{};
        if constexpr (has_momentum) {
            if (!rates.is_first) m = read<L>(moved + i);
        }
        const auto step = [&](const auto& of) {
            return of(read<L>(parameter + i), read<L>(gradient + i), has_momentum ? &m : nullptr);
        };
        if constexpr (std::is_same_v<L, ManyLanes<Element>>) {
            write<L>(step(many), parameter + i);
        } else {
            write<L>(step(one), parameter + i);
        }
        if constexpr (has_momentum) write<L>(m, moved + i);
    });
}

void sgd_step(const StepTask& task, const SgdRates& rates) {
    with_element(task.dtype, [&](auto element) {
        using Element = decltype(element);
        task.first != nullptr ? sgd_numbers<true, Element>(task, rates) : sgd_numbers<false, Element>(task, rates);
    });
}

// A register of float64, for sums.
struct DoubleLanes {
    using Float = Wide<double>::Register;
    static constexpr int kCount = Wide<double>::kCount;
    typedef float Narrow __attribute__((vector_size(4 * kCount)));

    static inline void store(double* to, Float value) { Wide<double>::store(to, value); }
    static inline Float read(const double* from) { return Wide<double>::load(from); }
    static inline Float read(const float* from) {
        Narrow numbers;
        memcpy(&numbers, from, sizeof numbers);
        return __builtin_convertvector(numbers, Float);
    }
    template <typename Element>
    static inline Float read(const Element* from) {
        Narrow numbers;
        for (int i = 0; i < kCount; ++i) numbers[i] = load(from[i]);
        return __builtin_convertvector(numbers, Float);
    }
};

template <Norm norm, typename Element>
double norm_of_block(const Element* x, int64_t count) {
    if constexpr (norm == Norm::largest) {
        decltype(size_bits(load(Element{}))) most = 0;
        for (int64_t i = 0; i < count; ++i) {
            const auto bits = size_bits(load(x[i]));
            most = bits > most ? bits : most;
        }
        return size_from(most);
    } else {
        return sum_of<DoubleLanes>(
            count,
            [&](int64_t i) {
                const DoubleLanes::Float numbers = DoubleLanes::read(x + i);
                if constexpr (norm == Norm::squares) return numbers * numbers;
                return numbers < 0.0 ? -numbers : numbers;
            },
            [&](int64_t i) { return norm_term(norm, load(x[i])); });
    }
}

void norm_sums(const NormSumTask& task) {
    with_element(task.dtype, [&](auto element) {
        const auto* const x = static_cast<const decltype(element)*>(task.data);
        for (int64_t block = task.begin; block < task.end; ++block) {
            const int64_t from = block * kSumBlock, count = std::min(kSumBlock, task.count - from);
            task.sums[block] = task.norm == Norm::squares    ? norm_of_block<Norm::squares>(x + from, count)
                               : task.norm == Norm::absolute ? norm_of_block<Norm::absolute>(x + from, count)
                                                             : norm_of_block<Norm::largest>(x + from, count);
        }
    });
}

void clip_numbers(const ClipTask& task) {
    with_element(task.dtype, [&](auto element) {
        using Element = decltype(element);
        Element* const x = static_cast<Element*>(task.data);
        each_number<Element>(task.begin, task.end, [&](auto lane, int64_t i) {
            using L = decltype(lane);
            write<L>(clip<L>(read<L>(x + i), task), x + i);
        });
    });
}

}  // namespace WITHIN_ISA
}  // namespace within
