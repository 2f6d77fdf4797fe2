// Walks over a row, a register at a time, and its sums in the order of exact/sum.h with one register of chains each.
#pragma once

#include "core/standard.h"
//
#include "core/dtype.h"
#include "exact/moments.h"
#include "exact/sum.h"

namespace within {
inline namespace WITHIN_ISA {

template <typename T>
using LanesOf = std::conditional_t<std::is_same_v<T, double>, Scalar64, Lanes>;

// How many lanes of a register hold numbers: all, or the first few.
struct Whole {};
struct Part {
    int count;
};

#if defined(WITHIN_AVX2)
alignas(64) constexpr int32_t kLanesUpTo[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};
inline __m256i lanes_up_to(int count) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kLanesUpTo + 8 - count));
}
#endif

// A register of 16-bit numbers, widened; a NaN may change its payload.
template <typename L>
inline typename L::Float widen(const BFloat16* from) {
    typedef uint16_t Narrow __attribute__((vector_size(2 * L::kCount)));
    Narrow bits;
    memcpy(&bits, from, sizeof bits);
    return same_bits<typename L::Float>(__builtin_convertvector(bits, typename L::Word) << 16);
}
// Rounded to nearest even; a NaN is the one with bits 0x7fc00000.
template <typename L>
inline void narrow(BFloat16* to, typename L::Float value) {
    typedef uint16_t Narrow __attribute__((vector_size(2 * L::kCount)));
    const auto bits = same_bits<typename L::Word>(value);
    const Narrow rounded = __builtin_convertvector((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16, Narrow);
    memcpy(to, &rounded, sizeof rounded);
}
#if defined(WITHIN_AVX512)
template <typename L>
inline typename L::Float widen(const Float16* from) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
}
template <typename L>
inline void narrow(Float16* to, typename L::Float value) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_cvtps_ph(value, _MM_FROUND_TO_NEAREST_INT));
}
#elif defined(WITHIN_AVX2)
template <typename L>
inline typename L::Float widen(const Float16* from) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
}
template <typename L>
inline void narrow(Float16* to, typename L::Float value) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm256_cvtps_ph(value, _MM_FROUND_TO_NEAREST_INT));
}
#else
template <typename L>
__attribute__((noinline)) typename L::Float widen(const Float16* from) {
    float some[L::kCount];
    for (int i = 0; i < L::kCount; ++i) some[i] = load(from[i]);
    return L::load(some);
}
template <typename L>
__attribute__((noinline)) void narrow(Float16* to, typename L::Float value) {
    float some[L::kCount];
    L::store(some, value);
    for (int i = 0; i < L::kCount; ++i) store(some[i], to + i);
}
#endif

// Numbers side by side as L::Float; zeros beyond the last.
template <typename L, typename Element>
inline typename L::Float read(const Element* from, Whole) {
    if constexpr (std::is_same_v<Element, Wider<Element>>) {
        return L::load(from);
    } else {
        return widen<L>(from);
    }
}
template <typename L, typename Element>
inline typename L::Float read(const Element* from, Part some) {
#if defined(WITHIN_AVX512)
    if constexpr (std::is_same_v<Element, float>)
        return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << some.count) - 1), from);
#elif defined(WITHIN_AVX2)
    if constexpr (std::is_same_v<Element, float>) return _mm256_maskload_ps(from, lanes_up_to(some.count));
#endif
    Element numbers[L::kCount] = {};
    for (int i = 0; i < some.count; ++i) numbers[i] = from[i];
    return read<L>(numbers, Whole{});
}

template <typename L, typename Element>
inline void write(Element* to, typename L::Float value, Whole) {
    if constexpr (std::is_same_v<Element, Wider<Element>>) {
        L::store(to, value);
    } else {
        narrow<L>(to, value);
    }
}
template <typename L, typename Element>
inline void write(Element* to, typename L::Float value, Part some) {
#if defined(WITHIN_AVX512)
    if constexpr (std::is_same_v<Element, float>)
        return _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1u << some.count) - 1), value);
#endif
    Element numbers[L::kCount];
    write<L>(numbers, value, Whole{});
    for (int i = 0; i < some.count; ++i) to[i] = numbers[i];
}

// The value where there are numbers, `other` beyond them.
template <typename L>
inline typename L::Float choose(typename L::Float value, typename L::Float, Whole) {
    return value;
}
template <typename L>
inline typename L::Float choose(typename L::Float value, typename L::Float other, Part some) {
    if constexpr (L::kCount == 1) {
        return value;
    } else {
        typename L::Int lane;
        for (int i = 0; i < L::kCount; ++i) lane[i] = i;
        return lane < some.count ? value : other;
    }
}

// Asks for what lies so many numbers on, inside the tensor or beyond: where a loop leaps from part of a row to part of
// the next, the processor does not foresee it.
template <typename Element>
inline void fetch_ahead(const Element* from, int64_t numbers) {
    __builtin_prefetch(reinterpret_cast<const void*>(reinterpret_cast<uintptr_t>(from) + numbers * sizeof(Element)));
}

// each(i, Whole) for every register of n numbers, and each(i, Part) for what is left.
template <typename L, typename Each>
inline void for_registers(int64_t n, const Each& each) {
    int64_t i = 0;
#pragma GCC unroll 4
    for (; i + L::kCount <= n; i += L::kCount) each(i, Whole{});
    if (i < n) each(i, Part{static_cast<int>(n - i)});
}

// The same where a number may be done twice: the last register reaches back over those before it.
template <typename L, typename Each>
inline void for_registers_again(int64_t n, const Each& each) {
    int64_t i = 0;
#pragma GCC unroll 4
    for (; i + L::kCount <= n; i += L::kCount) each(i, Whole{});
    if (i == n) return;
    if (n >= L::kCount) {
        each(n - L::kCount, Whole{});
    } else {
        each(i, Part{static_cast<int>(n - i)});
    }
}

// each(0), ... each(count - 1), constants for the compiler: what is indexed by them stays in registers.
template <int count, typename Each>
inline void unrolled(const Each& each) {
    [&]<int... i>(std::integer_sequence<int, i...>) {
        (each(std::integral_constant<int, i>{}), ...);
    }(std::make_integer_sequence<int, count>{});
}

// Adds the chains of a block, l and l + 16 first.
template <typename L, int count>
inline auto add_chains(const typename L::Float (&sums)[count]) {
    if constexpr (count > 1) {
        typename L::Float half[count / 2];
        unrolled<count / 2>([&](auto r) { half[r] = sums[r] + sums[r + count / 2]; });
        return add_chains<L, count / 2>(half);
    } else {
#if defined(WITHIN_AVX2)
#if defined(WITHIN_AVX512)
        const __m256 eight = _mm512_castps512_ps256(sums[0]) + _mm512_extractf32x8_ps(sums[0], 1);
#else
        const __m256 eight = sums[0];
#endif
        const __m128 four = _mm256_castps256_ps128(eight) + _mm256_extractf128_ps(eight, 1);
        const __m128 two = four + _mm_movehl_ps(four, four);
        return _mm_cvtss_f32(two + _mm_movehdup_ps(two));
#else
        float lanes[L::kCount];
        L::store(lanes, sums[0]);
        for (int half = L::kCount / 2; half > 0; half /= 2)
            for (int l = 0; l < half; ++l) lanes[l] += lanes[l + half];
        return lanes[0];
#endif
    }
}

// Sums of numbers [from, to), not more than a block: term(i, some, sums) adds those at i to the registers of kSums
// chains; what it adds beyond the last is dropped. (Adding +0 there would not do: a chain of products may be -0.)
template <typename L, int kSums, typename T, typename Term>
inline void sum_block(int64_t from, int64_t to, const Term& term, T* out) {
    constexpr int kCount = L::kCount, kRegisters = kSumLanes / kCount;
    typename L::Float sums[kRegisters][kSums];
    // One by one: of {} the compiler makes rep stos, which takes as long as half a block.
    unrolled<kRegisters>([&](auto r) { unrolled<kSums>([&](auto k) { sums[r][k] = typename L::Float{}; }); });
    int64_t i = from;
    if constexpr (kCount == 1) {
        for (; i < to; ++i) term(i, Whole{}, sums[(i - from) % kSumLanes]);
        for (int k = 0; k < kSums; ++k) {
            T chains[kSumLanes];
            for (int l = 0; l < kSumLanes; ++l) chains[l] = sums[l][k];
            out[k] = add_lanes(chains);
        }
    } else {
        for (; i + kSumLanes <= to; i += kSumLanes)
            unrolled<kRegisters>([&](auto r) { term(i + r * kCount, Whole{}, sums[r]); });
        if (i < to) {
            unrolled<kRegisters>([&](auto r) {
                const int64_t left = to - i - r * kCount;
                if (left >= kCount) {
                    term(i + r * kCount, Whole{}, sums[r]);
                } else if (left > 0) {
                    const Part some{static_cast<int>(left)};
                    typename L::Float own[kSums];
                    unrolled<kSums>([&](auto k) { own[k] = sums[r][k]; });
                    term(i + r * kCount, some, own);
                    unrolled<kSums>([&](auto k) { sums[r][k] = choose<L>(own[k], sums[r][k], some); });
                }
            });
        }
        unrolled<kSums>([&](auto k) {
            typename L::Float chains[kRegisters];
            unrolled<kRegisters>([&](auto r) { chains[r] = sums[r][k]; });
            out[k] = add_chains<L, kRegisters>(chains);
        });
    }
}

// The same of a whole row.
template <typename L, int kSums, typename T, typename Term>
inline void sum_row(int64_t n, const Term& term, T* out) {
    if (n <= kSumBlock) return sum_block<L, kSums>(0, n, term, out);
    BlockSums<T> blocks[kSums];
    for (int64_t from = 0; from < n; from += kSumBlock) {
        sum_block<L, kSums>(from, std::min(from + kSumBlock, n), term, out);
        for (int k = 0; k < kSums; ++k) blocks[k].add(out[k]);
    }
    for (int k = 0; k < kSums; ++k) out[k] = blocks[k].total();
}

// The sums of a register of columns: term(i, chain) adds row i to a chain.
template <typename L, typename Term>
inline typename L::Float sum_down(int64_t n, const Term& term) {
    using Float = typename L::Float;
    Float levels[kSumLevels], chains[kSumLanes], sum{};
    int64_t blocks = 0;
    for (int64_t from = 0; from < n; from += kSumBlock, ++blocks) {
        const int rows = static_cast<int>(std::min(kSumBlock, n - from)), lanes = std::min(rows, kSumLanes);
        for (int i = 0; i < lanes; ++i) chains[i] = term(from + i, Float{});
        for (int i = lanes; i < rows; ++i) chains[i % kSumLanes] = term(from + i, chains[i % kSumLanes]);
        // A chain without a number is +0, which makes +0 of -0 and changes nothing else.
        for (int half = kSumLanes / 2, left = lanes; half > 0; left = std::min(left, half), half /= 2)
            for (int l = 0; l + half < left; ++l) chains[l] += chains[l + half];
        sum = lanes < kSumLanes ? chains[0] + Float{} : chains[0];
        if (n <= kSumBlock) return sum;
        int level = 0;
        for (; (blocks >> level) & 1; ++level) sum = levels[level] + sum;
        levels[level] = sum;
    }
    bool is_first = true;
    for (int level = 0; level < kSumLevels; ++level) {
        if (!((blocks >> level) & 1)) continue;
        sum = is_first ? levels[level] : levels[level] + sum;
        is_first = false;
    }
    return sum;
}

}  // namespace WITHIN_ISA
}  // namespace within
