// The CPU loops of layer, RMS and group normalisation.
#pragma once

#include "core/standard.h"
//
#include "exact/norm.h"
#include "exact/row_sum.h"

namespace within {
inline namespace WITHIN_ISA {

// Rows whose sums are made before any of them is normalised, so that no sum waits for another to end; what they are
// made of stays in the first cache.
constexpr int64_t kRowsTogether = 8, kNumbersTogether = 2048;

inline int64_t rows_together(int64_t n) { return std::clamp<int64_t>(kNumbersTogether / n, 1, kRowsTogether); }

// Up to kRowsTogether rows of a task, the first of them number k.
template <bool is_centred, typename Element>
inline void normalise_rows(const NormTask& task, int64_t k, int64_t rows) {
    using T = Wider<Element>;
    using L = LanesOf<T>;
    using F = Functions<L>;
    const int64_t n = task.n, first = task.first + k * task.step;
    const Element* const all_x = static_cast<const Element*>(task.x) + first * n;
    Element* const all_out = static_cast<Element*>(task.out) + first * n;
    const T count = static_cast<T>(n);
    T mean[kRowsTogether] = {}, scale[kRowsTogether];
    if constexpr (is_centred) {
        for (int64_t r = 0; r < rows; ++r) {
            const Element* const x = all_x + r * task.step * n;
            sum_row<L, 1>(n, [&](int64_t i, auto some, auto* sums) { sums[0] += read<L>(x + i, some); }, mean + r);
        }
        for (int64_t r = 0; r < rows; ++r) {
            mean[r] = Functions<LaneOf<T>>::canonical(mean[r] / count);
            static_cast<T*>(task.mean)[first + r * task.step] = mean[r];
        }
    }
    for (int64_t r = 0; r < rows; ++r) {
        const Element* const x = all_x + r * task.step * n;
        const auto middle = L::all(mean[r]);
        sum_row<L, 1>(
            n,
            [&](int64_t i, auto some, auto* sums) {
                auto deviation = read<L>(x + i, some);
                if constexpr (is_centred) deviation -= middle;
                sums[0] = Moments<L>::add_square(deviation, sums[0]);
            },
            scale + r);
    }
    for (int64_t r = 0; r < rows; ++r) {
        scale[r] = normalising_scale<T>(scale[r] / count, static_cast<T>(task.eps));
        static_cast<T*>(task.scale)[first + r * task.step] = scale[r];
    }
    const T *const weight = static_cast<const T*>(task.weight), *const bias = static_cast<const T*>(task.bias);
    auto each = [&](auto&& finish) {
        for (int64_t r = 0; r < rows; ++r) {
            const Element* const x = all_x + r * task.step * n;
            Element* const out = all_out + r * task.step * n;
            const auto middle = L::all(mean[r]), factor = L::all(scale[r]);
            for_registers_again<L>(n, [&](int64_t i, auto some) {
                auto value = read<L>(x + i, some);
                if constexpr (is_centred) value -= middle;
                write<L>(out + i, F::canonical(finish(value * factor, i, some)), some);
            });
        }
    };
    if (weight != nullptr && bias != nullptr) {
        each([&](auto h, int64_t i, auto some) {
            return L::fused(h, read<L>(weight + i, some), read<L>(bias + i, some));
        });
    } else if (weight != nullptr) {
        each([&](auto h, int64_t i, auto some) { return h * read<L>(weight + i, some); });
    } else if (bias != nullptr) {
        each([&](auto h, int64_t i, auto some) { return h + read<L>(bias + i, some); });
    } else {
        each([](auto h, int64_t, auto) { return h; });
    }
}

// kRows rows of one chain at a time, upwards, so that a chain is loaded and stored once for them.
template <bool is_centred, bool has_weight, int kRows, typename Element>
inline void slope_rows(const NormBackward& task, int64_t row, int64_t chain) {
    using T = Wider<Element>;
    using L = LanesOf<T>;
    using F = Functions<L>;
    using Float = typename L::Float;
    const int64_t n = task.n;
    const T count = static_cast<T>(n);
    const T* const weight = static_cast<const T*>(task.weight);
    const bool has_chain = task.weight_chain != nullptr;
    T* const weight_chain = has_chain ? static_cast<T*>(task.weight_chain) + chain : nullptr;
    T* const bias_chain = has_chain ? static_cast<T*>(task.bias_chain) + chain : nullptr;
    const Element *x[kRows], *gradient[kRows];
    Element* out[kRows];
    Float mean[kRows] = {}, scale[kRows], of_gradient[kRows] = {}, of_product[kRows] = {};
    auto weighted = [&](auto k, int64_t i, auto some) {
        const Float g = read<L>(gradient[k] + i, some);
        if constexpr (has_weight) {
            return g * read<L>(weight + i, some);
        } else {
            return g;
        }
    };
    auto normalised = [&](auto k, int64_t i, auto some) {
        Float value = read<L>(x[k] + i, some);
        if constexpr (is_centred) value -= mean[k];
        return value * scale[k];
    };
    unrolled<kRows>([&](auto k) {
        const int64_t at = row + k * task.step;
        x[k] = static_cast<const Element*>(task.x) + at * n;
        gradient[k] = static_cast<const Element*>(task.gradient) + at * n;
        out[k] = task.out == nullptr ? nullptr : static_cast<Element*>(task.out) + at * n;
        scale[k] = L::all(static_cast<const T*>(task.scale)[at]);
        if constexpr (is_centred) mean[k] = L::all(static_cast<const T*>(task.mean)[at]);
        if (task.out == nullptr) return;
        constexpr int kSums = is_centred ? 2 : 1;
        T sums[kSums];
        sum_row<L, kSums>(
            n,
            [&](int64_t i, auto some, Float* chains) {
                const Float t = weighted(k, i, some);
                chains[kSums - 1] = L::fused(t, normalised(k, i, some), chains[kSums - 1]);
                if constexpr (is_centred) chains[0] += t;
            },
            sums);
        of_product[k] = L::all(sums[kSums - 1] / count);
        if constexpr (is_centred) of_gradient[k] = L::all(sums[0] / count);
    });
    auto each = [&](auto has_out, auto has_chains) {
        auto work = [&](int64_t i, auto some) {
            Float of_weight{}, of_bias{};
            if constexpr (has_chains) of_weight = L::load(weight_chain + i), of_bias = L::load(bias_chain + i);
            unrolled<kRows>([&](auto k) {
                const Float g = read<L>(gradient[k] + i, some), h = normalised(k, i, some);
                // Of rows that are far from each other the processor does not foresee the next.
                if constexpr (has_chains && kRows > 1) {
                    fetch_ahead(gradient[k] + i, kRows * task.step * n);
                    fetch_ahead(x[k] + i, kRows * task.step * n);
                }
                if constexpr (has_out) {
                    Float t = g;
                    if constexpr (has_weight) t = g * read<L>(weight + i, some);
                    t = Moments<L>::slope(t, h, is_centred ? of_gradient[k] : Float{}, of_product[k], scale[k]);
                    write<L>(out[k] + i, F::canonical(t), some);
                }
                if constexpr (has_chains) {
                    of_weight = L::fused(g, h, of_weight);
                    of_bias += g;
                }
            });
            if constexpr (has_chains) L::store(weight_chain + i, of_weight), L::store(bias_chain + i, of_bias);
        };
        if constexpr (has_chains) {
            for_registers<L>(n, work);
        } else {
            for_registers_again<L>(n, work);
        }
    };
    if (weight_chain == nullptr) {
        each(std::true_type{}, std::false_type{});
    } else if (task.out == nullptr) {
        each(std::false_type{}, std::true_type{});
    } else {
        each(std::true_type{}, std::true_type{});
    }
}

template <bool is_centred, bool has_weight, typename Element>
void slope_of(const NormBackward& task) {
    constexpr int kTogether = 2;
    int64_t k = 0;
    if (task.pitch == 0) {
        for (; k + kTogether <= task.count; k += kTogether)
            slope_rows<is_centred, has_weight, kTogether, Element>(task, task.first + k * task.step, 0);
    }
    for (; k < task.count; ++k) {
        const int64_t chain = k % kSumLanes * task.pitch;
        slope_rows<is_centred, has_weight, 1, Element>(task, task.first + k * task.step, chain);
    }
}

template <typename T>
void add_chains_of(const ChainsTask& task) {
    using L = LanesOf<T>;
    const T* const chains = static_cast<const T*>(task.chains);
    T* const out = static_cast<T*>(task.out);
    constexpr int64_t kWidth = 16;
    for (int64_t from = task.begin; from < task.end; from += kWidth) {
        const int64_t width = std::min(kWidth, task.end - from);
        BlockSums<T> blocks[kWidth];
        for (int64_t row = 0; row < task.rows; row += kSumBlock) {
            const int64_t lanes = std::min<int64_t>(kSumLanes, task.rows - row);
            const T* const block = chains + row / kSumBlock * kSumLanes * task.pitch + from;
            alignas(64) T sums[kSumLanes][kWidth] = {};
            for (int64_t l = 0; l < lanes; ++l)
                std::copy(block + l * task.pitch, block + l * task.pitch + width, sums[l]);
            for (int half = kSumLanes / 2; half > 0; half /= 2) {
                for (int l = 0; l < half; ++l) {
                    for (int j = 0; j < kWidth; j += L::kCount)
                        L::store(sums[l] + j, L::load(sums[l] + j) + L::load(sums[l + half] + j));
                }
            }
            for (int64_t j = 0; j < width; ++j) blocks[j].add(sums[0][j]);
        }
        for (int64_t j = 0; j < width; ++j) out[from + j] = Functions<LaneOf<T>>::canonical(blocks[j].total());
    }
}

void norm_forward(const NormTask& task) {
    with_element(task.dtype, [&](auto element) {
        using Element = decltype(element);
        const int64_t together = rows_together(task.n);
        for (int64_t k = 0; k < task.count; k += together) {
            const int64_t rows = std::min(together, task.count - k);
            task.is_centred ? normalise_rows<true, Element>(task, k, rows)
                            : normalise_rows<false, Element>(task, k, rows);
        }
    });
}

void norm_backward(const NormBackward& task) {
    with_element(task.dtype, [&](auto element) {
        using Element = decltype(element);
        if (task.is_centred) {
            task.weight != nullptr ? slope_of<true, true, Element>(task) : slope_of<true, false, Element>(task);
        } else {
            task.weight != nullptr ? slope_of<false, true, Element>(task) : slope_of<false, false, Element>(task);
        }
    });
}

void norm_add_chains(const ChainsTask& task) {
    task.is_double ? add_chains_of<double>(task) : add_chains_of<float>(task);
}

}  // namespace WITHIN_ISA
}  // namespace within
