// The CPU loops of the gradient of a weight whose groups have one input channel: eight chains lie along the width.
#pragma once

#include "core/standard.h"
//
#include "exact/convolution_loops.h"
#include "exact/depthwise.h"

namespace within {
inline namespace WITHIN_ISA {

// kDepthwiseChains numbers, in one register or several.
template <typename T>
struct Chains {
    static constexpr int kAll = kDepthwiseChains * sizeof(T), kBytes = kAll < kRegisterBytes ? kAll : kRegisterBytes;
    static constexpr int kParts = kAll / kBytes, kCount = kBytes / sizeof(T);
    typedef T Part __attribute__((vector_size(kBytes)));
    typedef std::conditional_t<sizeof(T) == 4, int32_t, int64_t> Whole;
    typedef Whole Mask __attribute__((vector_size(kBytes)));

    Part part[kParts];

    static inline Chains load(const T* from) {
        Chains value;
        memcpy(value.part, from, sizeof value.part);
        return value;
    }
    inline void store(T* to) const { memcpy(to, part, sizeof part); }
    // Adds the products of the first `count` numbers.
    inline void add(const Chains& a, const Chains& b, int64_t count) {
        for (int p = 0; p < kParts; ++p) {
            const Part sum = fused(a.part[p], b.part[p], part[p]);
            if (count >= kDepthwiseChains) {
                part[p] = sum;
                continue;
            }
            Mask is_first;
            for (int i = 0; i < kCount; ++i) is_first[i] = p * kCount + i < count ? -1 : 0;
            part[p] = is_first ? sum : part[p];
        }
    }

  private:
    static inline Part fused(Part a, Part b, Part c) {
#if defined(WITHIN_AVX2)
        if constexpr (sizeof(T) == 4) return _mm256_fmadd_ps(a, b, c);
#endif
        for (int i = 0; i < kCount; ++i) c[i] = std::fma(a[i], b[i], c[i]);
        return c;
    }
};

// `taps` taps of one plane: sums[tap] are its chains.
template <typename T, int taps>
void depthwise_chains(const DepthwiseWeight& task, const T* plane, const T* gradient, const int64_t* offsets, T* sums) {
    Chains<T> chains[taps] = {};
    const int64_t whole = task.width / kDepthwiseChains * kDepthwiseChains, rest = task.width - whole;
    const int64_t row_length = task.row_step * task.layout.row;
    for (int64_t y = 0; y < task.height; ++y, plane += row_length, gradient += task.width) {
        for (int64_t x = 0; x < whole; x += kDepthwiseChains) {
            const auto of_gradient = Chains<T>::load(gradient + x);
#pragma GCC unroll 16
            for (int t = 0; t < taps; ++t)
                chains[t].add(of_gradient, Chains<T>::load(plane + offsets[t] + x), kDepthwiseChains);
        }
        if (rest == 0) continue;
        T last[kDepthwiseChains] = {};
        const T* numbers = gradient + whole;
        if ((task.height - y) * task.width - whole < kDepthwiseChains) {
            for (int64_t i = 0; i < rest; ++i) last[i] = numbers[i];
            numbers = last;
        }
        const auto of_gradient = Chains<T>::load(numbers);
#pragma GCC unroll 16
        for (int t = 0; t < taps; ++t) chains[t].add(of_gradient, Chains<T>::load(plane + offsets[t] + whole), rest);
    }
#pragma GCC unroll 16
    for (int t = 0; t < taps; ++t) chains[t].store(sums + t * kDepthwiseChains);
}

constexpr int kTapsTogether = 9;

template <typename T, int taps = kTapsTogether>
void depthwise_some_chains(int64_t count, const DepthwiseWeight& task, const T* plane, const T* gradient,
                           const int64_t* offsets, T* sums) {
    if constexpr (taps > 1) {
        if (count < taps) return depthwise_some_chains<T, taps - 1>(count, task, plane, gradient, offsets, sums);
    }
    depthwise_chains<T, taps>(task, plane, gradient, offsets, sums);
}

template <typename Element, typename T>
void depthwise_weight(const DepthwiseWeight& task) {
    T *const plane = static_cast<T*>(task.plane), *const totals = static_cast<T*>(task.totals);
    std::fill(plane, plane + task.layout.plane + kDepthwiseSlack, T{0});
    const Images& images = task.images;
    const int64_t positions = task.height * task.width;
    T chains[kTapsTogether * kDepthwiseChains];
    for (int64_t group = task.first; group < task.last; ++group) {
        for (int64_t n = 0; n < task.batch; ++n) {
            lay_out_plane(static_cast<const Element*>(images.data) + n * images.image + group * images.plane,
                          images.row, images.column, task.layout, plane);
            for (int64_t target = 0; target < task.targets; ++target) {
                const Element* const given = static_cast<const Element*>(task.gradient) +
                                             ((n * task.groups + group) * task.targets + target) * positions;
                const T* gradient;
                if constexpr (std::is_same_v<Element, T>) {
                    gradient = given;
                } else {
                    T* const wide = static_cast<T*>(task.positions);
                    for (int64_t i = 0; i < positions; ++i) wide[i] = load(given[i]);
                    gradient = wide;
                }
                for (int64_t tap = 0; tap < task.taps; tap += kTapsTogether) {
                    const int64_t count = std::min<int64_t>(kTapsTogether, task.taps - tap);
                    depthwise_some_chains<T>(count, task, plane, gradient, task.offsets + tap, chains);
                    T* const own = totals + (target * task.taps + tap) * kDepthwiseChains;
                    for (int64_t i = 0; i < count * kDepthwiseChains; ++i)
                        own[i] = n == 0 ? chains[i] : own[i] + chains[i];
                }
            }
        }
        for (int64_t i = 0; i < task.targets * task.taps; ++i) {
            T* const own = totals + i * kDepthwiseChains;
            for (int half = kDepthwiseChains / 2; half > 0; half /= 2)
                for (int l = 0; l < half; ++l) own[l] += own[l + half];
            store(own[0] == own[0] ? own[0] : std::numeric_limits<T>::quiet_NaN(),
                  static_cast<Element*>(task.out) + group * task.targets * task.taps + i);
        }
    }
}

void convolution_depthwise_weight(const DepthwiseWeight& task) {
    with_element(task.dtype,
                 [&](auto element) { depthwise_weight<decltype(element), Wider<decltype(element)>>(task); });
}

}  // namespace WITHIN_ISA
}  // namespace within
