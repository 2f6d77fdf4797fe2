// The CPU loops of softmax: along a row, or for a register of columns side by side; short rows are turned into columns.
#pragma once

#include "core/standard.h"
//
#include "exact/row_sum.h"
#include "exact/softmax.h"

namespace within {
inline namespace WITHIN_ISA {

constexpr int64_t kShortRow = 16;  // numbers of rows that are turned

template <typename T>
inline T quiet_nan_of() {
    return Functions<LaneOf<T>>::nan();
}

template <typename L, typename Element>
inline auto largest_of(const Element* x, int64_t n) {
    using T = Wider<Element>;
    constexpr int kCount = L::kCount, kTogether = 4;
    T lanes[kCount];
    if (n < kCount) {
        T most = load(x[0]);
        for (int64_t i = 1; i < n; ++i) most = LaneOf<T>::most(most, load(x[i]));
        return most;
    }
    typename L::Float most = read<L>(x, Whole{});
    int64_t i = kCount;
    if (n >= kTogether * kCount) {
        typename L::Float others[kTogether];
        unrolled<kTogether>([&](auto r) { others[r] = read<L>(x + r * kCount, Whole{}); });
        for (i = kTogether * kCount; i + kTogether * kCount <= n; i += kTogether * kCount)
            unrolled<kTogether>([&](auto r) { others[r] = L::most(others[r], read<L>(x + i + r * kCount, Whole{})); });
        most = L::most(L::most(others[0], others[1]), L::most(others[2], others[3]));
    }
    for (; i + kCount <= n; i += kCount) most = L::most(most, read<L>(x + i, Whole{}));
    if (i < n) most = L::most(most, read<L>(x + n - kCount, Whole{}));
#if defined(WITHIN_AVX2)
    if constexpr (std::is_same_v<L, Lanes>) {
#if defined(WITHIN_AVX512)
        const __m256 eight = _mm256_max_ps(_mm512_castps512_ps256(most), _mm512_extractf32x8_ps(most, 1));
#else
        const __m256 eight = most;
#endif
        const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
        const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
        return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
    }
#endif
    L::store(lanes, most);
    for (int half = kCount / 2; half > 0; half /= 2)
        for (int l = 0; l < half; ++l) lanes[l] = LaneOf<T>::most(lanes[l], lanes[l + half]);
    return lanes[0];
}

template <bool is_log, typename Element>
inline void softmax_row(const Element* x, int64_t n, Element* out) {
    using T = Wider<Element>;
    using L = LanesOf<T>;
    using S = Softmax<L>;
    constexpr bool is_kept = !is_log && std::is_same_v<Element, T>;
    const auto most = L::all(largest_of<L>(x, n));
    T sum;
    sum_row<L, 1>(
        n,
        [&](int64_t i, auto some, auto* sums) {
            const auto power = S::power(read<L>(x + i, some) - most);
            if constexpr (is_kept) write<L>(out + i, power, some);
            sums[0] += power;
        },
        &sum);
    if (!(sum == sum)) {
        for (int64_t i = 0; i < n; ++i) store(quiet_nan_of<T>(), out + i);
    } else if constexpr (is_log) {
        const auto log_sum = L::all(Functions<LaneOf<T>>::log(sum));
        for_registers_again<L>(
            n, [&](int64_t i, auto some) { write<L>(out + i, read<L>(x + i, some) - most - log_sum, some); });
    } else {
        const auto share = L::all(T{1} / sum);
        for_registers<L>(n, [&](int64_t i, auto some) {
            if constexpr (is_kept) {
                write<L>(out + i, read<L>(out + i, some) * share, some);
            } else {
                write<L>(out + i, S::power(read<L>(x + i, some) - most) * share, some);
            }
        });
    }
}

template <bool is_log, typename Element>
inline void slope_row(const Element* y, const Element* gradient, int64_t n, Element* out) {
    using T = Wider<Element>;
    using L = LanesOf<T>;
    using S = Softmax<L>;
    T total;
    sum_row<L, 1>(
        n,
        [&](int64_t i, auto some, auto* sums) {
            const auto g = read<L>(gradient + i, some);
            if constexpr (is_log) {
                sums[0] += g;
            } else {
                sums[0] = L::fused(read<L>(y + i, some), g, sums[0]);
            }
        },
        &total);
    const auto sum = L::all(total);
    for_registers_again<L>(n, [&](int64_t i, auto some) {
        const auto result = read<L>(y + i, some), g = read<L>(gradient + i, some);
        write<L>(out + i, is_log ? S::slope_of_log(result, g, sum) : S::slope(result, g, sum), some);
    });
}

// A register of columns, `step` numbers from row to row.
template <bool is_log, typename Element, typename Some>
inline void softmax_columns(const Element* x, int64_t step, int64_t n, Element* out, int64_t out_step, Some some) {
    using T = Wider<Element>;
    using L = LanesOf<T>;
    using S = Softmax<L>;
    using F = Functions<L>;
    constexpr bool is_kept = !is_log && std::is_same_v<Element, T>;
    auto most = read<L>(x, some);
    for (int64_t i = 1; i < n; ++i) most = L::most(most, read<L>(x + i * step, some));
    const auto sum = sum_down<L>(n, [&](int64_t i, auto chain) {
        const auto power = S::power(read<L>(x + i * step, some) - most);
        if constexpr (is_kept) write<L>(out + i * out_step, power, some);
        return chain + power;
    });
    if constexpr (is_log) {
        const auto log_sum = F::log(sum);
        for (int64_t i = 0; i < n; ++i)
            write<L>(out + i * out_step, S::logarithm(read<L>(x + i * step, some), most, log_sum), some);
    } else {
        const auto share = L::all(T{1}) / sum;
        for (int64_t i = 0; i < n; ++i) {
            const auto power =
                is_kept ? read<L>(out + i * out_step, some) : S::power(read<L>(x + i * step, some) - most);
            write<L>(out + i * out_step, F::canonical(power * share), some);
        }
    }
}

template <bool is_log, typename Element, typename Some>
inline void slope_columns(const Element* y, const Element* gradient, int64_t step, int64_t n, Element* out,
                          int64_t out_step, Some some) {
    using L = LanesOf<Wider<Element>>;
    using S = Softmax<L>;
    const auto sum = sum_down<L>(n, [&](int64_t i, auto chain) {
        const auto g = read<L>(gradient + i * step, some);
        if constexpr (is_log) {
            return chain + g;
        } else {
            return L::fused(read<L>(y + i * step, some), g, chain);
        }
    });
    for (int64_t i = 0; i < n; ++i) {
        const auto result = read<L>(y + i * step, some), g = read<L>(gradient + i * step, some);
        write<L>(out + i * out_step, is_log ? S::slope_of_log(result, g, sum) : S::slope(result, g, sum), some);
    }
}

#if defined(WITHIN_AVX2)
// Eight lines of eight numbers, the other way round.
inline void turn_square(const float* from, int64_t step, float* to, int64_t to_step) {
    __m256 line[8], pair[8], four[8];
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) line[i] = _mm256_loadu_ps(from + i * step);
#pragma GCC unroll 4
    for (int i = 0; i < 8; i += 2) {
        pair[i] = _mm256_unpacklo_ps(line[i], line[i + 1]);
        pair[i + 1] = _mm256_unpackhi_ps(line[i], line[i + 1]);
    }
#pragma GCC unroll 2
    for (int i = 0; i < 8; i += 4) {
        four[i] = _mm256_shuffle_ps(pair[i], pair[i + 2], 0x44);
        four[i + 1] = _mm256_shuffle_ps(pair[i], pair[i + 2], 0xee);
        four[i + 2] = _mm256_shuffle_ps(pair[i + 1], pair[i + 3], 0x44);
        four[i + 3] = _mm256_shuffle_ps(pair[i + 1], pair[i + 3], 0xee);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
        _mm256_storeu_ps(to + i * to_step, _mm256_permute2f128_ps(four[i], four[i + 4], 0x20));
        _mm256_storeu_ps(to + (i + 4) * to_step, _mm256_permute2f128_ps(four[i], four[i + 4], 0x31));
    }
}
#endif

// `lines` lines of n numbers, the other way round.
template <typename From, typename To>
inline void turn_lines(const From* from, int64_t lines, int64_t n, int64_t step, To* to, int64_t to_step) {
#if defined(WITHIN_AVX2)
    if constexpr (std::is_same_v<From, float> && std::is_same_v<To, float>) {
        if (lines >= 8 && n >= 8) {
            // The last square reaches back over what the one before it wrote.
            for (int64_t line = 0;; line = std::min(line + 8, lines - 8)) {
                for (int64_t i = 0;; i = std::min(i + 8, n - 8)) {
                    turn_square(from + line * step + i, step, to + i * to_step + line, to_step);
                    if (i + 8 >= n) break;
                }
                if (line + 8 >= lines) return;
            }
        }
    }
#endif
    for (int64_t line = 0; line < lines; ++line)
        for (int64_t i = 0; i < n; ++i) store(load(from[line * step + i]), to + i * to_step + line);
}

// work(row) for each row, or columns(tiles..., Whole) for as many short rows as a register has lanes.
template <typename Element, int kInputs, typename Row, typename Columns>
inline void for_rows(const SoftmaxTask& task, const Row& row, const Columns& columns) {
    using T = Wider<Element>;
    constexpr int kCount = LanesOf<T>::kCount;
    const int64_t n = task.n;
    int64_t at = task.begin;
    if (kCount > 1 && n <= kShortRow && task.end - at >= kCount) {
        T tiles[kInputs + 1][kShortRow * kCount];
        const Element* const inputs[2] = {static_cast<const Element*>(task.x),
                                          static_cast<const Element*>(task.gradient)};
        while (at < task.end) {
            for (int k = 0; k < kInputs; ++k) turn_lines(inputs[k] + at * n, kCount, n, n, tiles[k], kCount);
            columns(tiles);
            turn_lines(tiles[kInputs], n, kCount, kCount, static_cast<Element*>(task.out) + at * n, n);
            // The last few go with those before them.
            if (at + kCount >= task.end) return;
            at = std::min(at + kCount, task.end - kCount);
        }
        return;
    }
    for (; at < task.end; ++at) row(at * n);
}

// work(offset, some) for every register of the columns of a task.
template <typename Element, typename Work>
inline void for_columns(const SoftmaxTask& task, const Work& work) {
    const int64_t chunks = (task.inner + kSoftmaxColumns - 1) / kSoftmaxColumns;
    for (int64_t unit = task.begin; unit < task.end; ++unit) {
        const int64_t first = unit % chunks * kSoftmaxColumns;
        const int64_t offset = unit / chunks * task.n * task.inner + first;
        for_registers<LanesOf<Wider<Element>>>(std::min(kSoftmaxColumns, task.inner - first),
                                               [&](int64_t i, auto some) { work(offset + i, some); });
    }
}

template <bool is_log, typename Element>
void softmax_forward_of(const SoftmaxTask& task) {
    constexpr int kCount = LanesOf<Wider<Element>>::kCount;
    const Element* const x = static_cast<const Element*>(task.x);
    Element* const out = static_cast<Element*>(task.out);
    if (task.inner > 1) {
        return for_columns<Element>(task, [&](int64_t at, auto some) {
            softmax_columns<is_log>(x + at, task.inner, task.n, out + at, task.inner, some);
        });
    }
    for_rows<Element, 1>(
        task, [&](int64_t at) { softmax_row<is_log>(x + at, task.n, out + at); },
        [&](auto& tiles) { softmax_columns<is_log>(tiles[0], kCount, task.n, tiles[1], kCount, Whole{}); });
}

template <bool is_log, typename Element>
void softmax_backward_of(const SoftmaxTask& task) {
    constexpr int kCount = LanesOf<Wider<Element>>::kCount;
    const Element* const y = static_cast<const Element*>(task.x);
    const Element* const gradient = static_cast<const Element*>(task.gradient);
    Element* const out = static_cast<Element*>(task.out);
    if (task.inner > 1) {
        return for_columns<Element>(task, [&](int64_t at, auto some) {
            slope_columns<is_log>(y + at, gradient + at, task.inner, task.n, out + at, task.inner, some);
        });
    }
    for_rows<Element, 2>(
        task, [&](int64_t at) { slope_row<is_log>(y + at, gradient + at, task.n, out + at); },
        [&](auto& tiles) { slope_columns<is_log>(tiles[0], tiles[1], kCount, task.n, tiles[2], kCount, Whole{}); });
}

void softmax_forward(const SoftmaxTask& task) {
    with_element(task.dtype, [&](auto element) {
        using Element = decltype(element);
        task.is_log ? softmax_forward_of<true, Element>(task) : softmax_forward_of<false, Element>(task);
    });
}

void softmax_backward(const SoftmaxTask& task) {
    with_element(task.dtype, [&](auto element) {
        using Element = decltype(element);
        task.is_log ? softmax_backward_of<true, Element>(task) : softmax_backward_of<false, Element>(task);
    });
}

}  // namespace WITHIN_ISA
}  // namespace within
