// The CPU loops of reductions: along rows whose numbers lie side by side, and down columns that do.
#pragma once

#include "core/standard.h"
//
#include "exact/layout_sum.h"

namespace within {
inline namespace WITHIN_ISA {

// The sum of term(x, chain) over a block of numbers.
template <typename Element, typename Term>
inline Wider<Element> sum_of_block(const SumLayout& layout, const Element* base, int64_t from, int64_t to,
                                   const Term& term) {
    using L = LanesOf<Wider<Element>>;
    Wider<Element> sum;
    with_numbers(layout, base, from, to, [&](const auto* x) {
        sum_block<L, 1>(
            0, to - from,
            [&](int64_t i, auto some, auto* chains) { chains[0] = term(read<L>(x + i, some), chains[0]); }, &sum);
    });
    return sum;
}

template <bool is_least, typename Element>
inline auto extreme_of_block(const SumLayout& layout, const Element* base, int64_t from, int64_t to) {
    using L = LanesOf<Wider<Element>>;
    using E = Extreme<L, is_least>;
    typename E::One lanes[L::kCount];
    with_numbers(layout, base, from, to, [&](const auto* x) {
        constexpr int kTogether = 4;
        typename L::Int most[kTogether];
        unrolled<kTogether>([&](auto r) { most[r] = typename L::Int{} + E::kLowest; });
        int64_t i = 0, n = to - from;
        for (; i + kTogether * L::kCount <= n; i += kTogether * L::kCount)
            unrolled<kTogether>(
                [&](auto r) { most[r] = E::larger(most[r], E::order(read<L>(x + i + r * L::kCount, Whole{}))); });
        // Numbers beyond the last are none.
        const auto none = L::all(is_least ? std::numeric_limits<Wider<Element>>::infinity()
                                          : -std::numeric_limits<Wider<Element>>::infinity());
        for_registers<L>(n - i, [&](int64_t k, auto some) {
            most[0] = E::larger(most[0], E::order(choose<L>(read<L>(x + i + k, some), none, some)));
        });
        most[0] = E::larger(E::larger(most[0], most[1]), E::larger(most[2], most[3]));
        memcpy(lanes, &most[0], sizeof lanes);
    });
    auto most = lanes[0];
    for (int l = 1; l < L::kCount; ++l) most = Extreme<LaneOf<Wider<Element>>, is_least>::larger(most, lanes[l]);
    return most;
}

// block(from, to) of each block of n numbers, two neighbours at a time.
template <typename T, typename Block>
inline T sum_of_blocks(int64_t n, const Block& block) {
    if (n <= kSumBlock) return block(0, n);
    BlockSums<T> sums;
    for (int64_t from = 0; from < n; from += kSumBlock) sums.add(block(from, std::min(from + kSumBlock, n)));
    return sums.total();
}

template <typename Element>
inline Wider<Element> stage_of_block(Stage stage, const SumLayout& layout, const Element* base, int64_t from,
                                     int64_t to, Wider<Element> centre) {
    using T = Wider<Element>;
    using L = LanesOf<T>;
    const auto middle = L::all(centre);
    switch (stage) {
        case Stage::sum:
            return sum_of_block(layout, base, from, to, [](auto x, auto chain) { return chain + x; });
        case Stage::squares:
            return sum_of_block(layout, base, from, to,
                                [=](auto x, auto chain) { return Moments<L>::add_square(x - middle, chain); });
        case Stage::powers:
            return sum_of_block(layout, base, from, to,
                                [=](auto x, auto chain) { return chain + Softmax<L>::power(x - middle); });
        case Stage::amax:
            return Extreme<LaneOf<T>, false>::number(extreme_of_block<false>(layout, base, from, to));
        default:
            return Extreme<LaneOf<T>, true>::number(extreme_of_block<true>(layout, base, from, to));
    }
}

template <bool is_least, typename Element>
inline Wider<Element> extreme_of_row(const SumLayout& layout, const Element* base, int64_t n) {
    using E = Extreme<LaneOf<Wider<Element>>, is_least>;
    auto most = E::kLowest;
    for (int64_t from = 0; from < n; from += kSumBlock)
        most = E::larger(most, extreme_of_block<is_least>(layout, base, from, std::min(from + kSumBlock, n)));
    return E::number(most);
}

template <typename T>
inline bool is_finite(T x) {
    return x - x == T{0};
}

template <typename Element>
inline void reduce_row(const ReduceTask& task, int64_t which) {
    using T = Wider<Element>;
    const SumLayout& layout = task.layout;
    const Element* const base = static_cast<const Element*>(task.x) + offset_of(layout, which);
    const int64_t n = numbers_of(layout);
    auto stage = [&](Stage of, T centre) {
        return sum_of_blocks<T>(
            n, [&](int64_t from, int64_t to) { return stage_of_block(of, layout, base, from, to, centre); });
    };
    const T count = static_cast<T>(n), divisor = static_cast<T>(task.divisor);
    T value, centre = 0;
    switch (task.reduction) {
        case Reduction::amax:
            value = extreme_of_row<false>(layout, base, n);
            break;
        case Reduction::amin:
            value = extreme_of_row<true>(layout, base, n);
            break;
        case Reduction::logsumexp:
            centre = extreme_of_row<false>(layout, base, n);
            value = is_finite(centre) ? finish<T>(task.reduction, stage(Stage::powers, centre), centre, count, divisor)
                                      : centre;
            break;
        case Reduction::var:
        case Reduction::std:
            centre = finish<T>(Reduction::mean, stage(Stage::sum, 0), 0, count, divisor);
            value = finish<T>(task.reduction, stage(Stage::squares, centre), centre, count, divisor);
            break;
        default:
            value = finish<T>(task.reduction, stage(Stage::sum, 0), 0, count, divisor);
    }
    if (task.out != nullptr) store(value, static_cast<Element*>(task.out) + which);
    if (task.wide != nullptr) static_cast<T*>(task.wide)[which] = value;
    if (task.mean != nullptr) static_cast<T*>(task.mean)[which] = centre;
}

template <bool is_least, typename Element>
inline void extreme_of_columns(const SumLayout& layout, const Element* base, int64_t width, Wider<Element>* out) {
    using T = Wider<Element>;
    using L = LanesOf<T>;
    using E = Extreme<L, is_least>;
    using One = Extreme<LaneOf<T>, is_least>;
    alignas(64) typename One::One most[kReduceColumns];
    for (auto& one : most) one = One::kLowest;
    for_layout_rows(layout, [&](int64_t, int64_t offset) {
        for_registers<L>(width, [&](int64_t j, auto some) {
            typename L::Int own;
            memcpy(&own, most + j, sizeof own);
            own = E::larger(own, E::order(read<L>(base + offset + j, some)));
            memcpy(most + j, &own, sizeof own);
        });
    });
    for (int64_t j = 0; j < width; ++j) out[j] = One::number(most[j]);
}

template <typename Element>
void reduce_columns_of(const ReduceTask& task) {
    using T = Wider<Element>;
    using L = LanesOf<T>;
    const SumLayout& layout = task.layout;
    const int64_t width = task.end - task.begin;
    const Element* const base = static_cast<const Element*>(task.x) + offset_of(layout, task.begin);
    const T count = static_cast<T>(numbers_of(layout)), divisor = static_cast<T>(task.divisor);
    alignas(64) T sums[1][kReduceColumns], centre[kReduceColumns] = {}, values[kReduceColumns];
    auto finish_all = [&](Reduction reduction, T* to) {
        for (int64_t j = 0; j < width; ++j) to[j] = finish<T>(reduction, sums[0][j], centre[j], count, divisor);
    };
    auto read_at = [&](int64_t offset, int64_t j, auto some) {
        fetch_ahead(base + offset + j, kRowsAhead * layout.step);
        return read<L>(base + offset + j, some);
    };
    auto add = [&] {
        sum_columns<L, 1>(
            layout, width,
            [&](int64_t offset, int64_t j, auto some, auto* chains) { chains[0] += read_at(offset, j, some); }, sums);
    };
    switch (task.reduction) {
        case Reduction::amax:
            extreme_of_columns<false>(layout, base, width, values);
            break;
        case Reduction::amin:
            extreme_of_columns<true>(layout, base, width, values);
            break;
        case Reduction::logsumexp:
            extreme_of_columns<false>(layout, base, width, centre);
            sum_columns<L, 1>(
                layout, width,
                [&](int64_t offset, int64_t j, auto some, auto* chains) {
                    chains[0] += Softmax<L>::power(read_at(offset, j, some) - L::load(centre + j));
                },
                sums);
            finish_all(task.reduction, values);
            for (int64_t j = 0; j < width; ++j)
                if (!is_finite(centre[j])) values[j] = centre[j];
            break;
        case Reduction::var:
        case Reduction::std:
            add();
            finish_all(Reduction::mean, centre);
            sum_columns<L, 1>(
                layout, width,
                [&](int64_t offset, int64_t j, auto some, auto* chains) {
                    chains[0] = Moments<L>::add_square(read_at(offset, j, some) - L::load(centre + j), chains[0]);
                },
                sums);
            finish_all(task.reduction, values);
            break;
        default:
            add();
            finish_all(task.reduction, values);
    }
    for (int64_t j = 0; j < width; ++j) {
        const int64_t which = task.begin + j;
        if (task.out != nullptr) store(values[j], static_cast<Element*>(task.out) + which);
        if (task.wide != nullptr) static_cast<T*>(task.wide)[which] = values[j];
        if (task.mean != nullptr) static_cast<T*>(task.mean)[which] = centre[j];
    }
}

template <bool is_power, typename L>
inline typename L::Float slope_of_number(typename L::Float x, typename L::Float centre, typename L::Float factor) {
    using F = Functions<L>;
    if constexpr (!is_power) return F::canonical((x - centre) * factor);
    const auto value = F::canonical(factor * F::exp(x - centre));
    return centre == -F::infinity() ? typename L::Float{} : value;
}

template <bool is_power, typename Element>
void reduce_slope_of(const ReduceSlope& task) {
    using T = Wider<Element>;
    using L = LanesOf<T>;
    const Element* const x = static_cast<const Element*>(task.x);
    const T *const centre = static_cast<const T*>(task.centre), *const factor = static_cast<const T*>(task.factor);
    Element* const out = static_cast<Element*>(task.out);
    if (task.inner == 1) {
        for (int64_t at = task.begin; at < task.end;) {
            const int64_t which = at / task.n, to = std::min(task.end, (which + 1) * task.n);
            const auto own_centre = L::all(centre[which]), own_factor = L::all(factor[which]);
            for_registers_again<L>(to - at, [&](int64_t i, auto some) {
                const auto value = slope_of_number<is_power, L>(read<L>(x + at + i, some), own_centre, own_factor);
                write<L>(out + at + i, value, some);
            });
            at = to;
        }
        return;
    }
    for (int64_t line = task.begin; line < task.end; ++line) {
        const int64_t at = line * task.inner, which = line / task.n * task.inner;
        for_registers_again<L>(task.inner, [&](int64_t i, auto some) {
            const auto own_centre = read<L>(centre + which + i, some), own_factor = read<L>(factor + which + i, some);
            const auto value = slope_of_number<is_power, L>(read<L>(x + at + i, some), own_centre, own_factor);
            write<L>(out + at + i, value, some);
        });
    }
}

void reduce_slope(const ReduceSlope& task) {
    with_element(task.dtype, [&](auto element) {
        using Element = decltype(element);
        task.is_power ? reduce_slope_of<true, Element>(task) : reduce_slope_of<false, Element>(task);
    });
}

void reduce_rows(const ReduceTask& task) {
    with_element(task.dtype, [&](auto element) {
        for (int64_t which = task.begin; which < task.end; ++which) reduce_row<decltype(element)>(task, which);
    });
}

void reduce_columns(const ReduceTask& task) {
    with_element(task.dtype, [&](auto element) { reduce_columns_of<decltype(element)>(task); });
}

void reduce_blocks(const BlocksTask& task) {
    with_element(task.dtype, [&](auto element) {
        using Element = decltype(element);
        using T = Wider<Element>;
        const Element* const base = static_cast<const Element*>(task.x) + offset_of(task.layout, task.which);
        const int64_t n = numbers_of(task.layout);
        for (int64_t block = task.begin; block < task.end; ++block) {
            const int64_t from = block * kSumBlock;
            static_cast<T*>(task.sums)[block] = stage_of_block(
                task.stage, task.layout, base, from, std::min(from + kSumBlock, n), static_cast<T>(task.centre));
        }
    });
}

}  // namespace WITHIN_ISA
}  // namespace within
