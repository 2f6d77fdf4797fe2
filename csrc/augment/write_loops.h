// The CPU loops that write an image: noise, erasing, normalisation and the dtype, a row of a channel at once.
#pragma once

#include "core/standard.h"
//
#include "augment/colour.h"
#include "core/half.h"

namespace within {
inline namespace WITHIN_ISA {

inline void store_lanes(Lanes::Float value, float* to) { Lanes::store(reinterpret_cast<float*>(to), value); }

#if defined(WITHIN_AVX2)
inline void store_lanes(Lanes::Float value, Float16* to) {
#if defined(WITHIN_AVX512)
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_cvtps_ph(value, _MM_FROUND_TO_NEAREST_INT));
#else
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm256_cvtps_ph(value, _MM_FROUND_TO_NEAREST_INT));
#endif
}
inline void store_lanes(Lanes::Float value, BFloat16* to) {
    const Lanes::Word bits = same_bits<Lanes::Word>(value);
    const Lanes::Word rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
#if defined(WITHIN_AVX512)
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_cvtepi32_epi16(reinterpret_cast<__m512i>(rounded)));
#else
    const auto words = reinterpret_cast<__m256i>(rounded);
    const __m256i packed = _mm256_permute4x64_epi64(_mm256_packus_epi32(words, words), 0x08);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm256_castsi256_si128(packed));
#endif
}
#else
template <typename Out>
void store_lanes(Lanes::Float value, Out* to) {
    for (int i = 0; i < Lanes::kCount; ++i) store(static_cast<float>(value[i]), to + i);
}
#endif

// Past the cache, to where `to` is a multiple of a register's size.
inline void stream_lanes(Lanes::Float value, float* to) {
#if defined(WITHIN_AVX512)
    _mm512_stream_ps(to, value);
#elif defined(WITHIN_AVX2)
    _mm256_stream_ps(to, value);
#else
    Lanes::store(to, value);
#endif
}
template <typename Out>
void stream_lanes(Lanes::Float value, Out* to) {
    store_lanes(value, to);
}

struct Written {
    int64_t width;
    float scale, shift;
    float noise_std;
    const float* noise;  // null for none
    bool is_far;         // too much is written for a cache to hold it
};

template <typename L, bool kIsNoisy>
inline typename L::Float written_value(const float* values, const Written& how, int64_t x) {
    auto value = L::load(values + x);
    if constexpr (kIsNoisy) value = clamp<L>(L::fused(L::load(how.noise + x), L::all(how.noise_std), value));
    return L::fused(value, L::all(how.scale), L::all(how.shift));
}

template <bool kIsNoisy, bool kIsFar, typename Out>
inline void write_values(const float* values, const Written how, Out* to) {
    int64_t x = 0;
    for (; x + Lanes::kCount <= how.width; x += Lanes::kCount) {
        const Lanes::Float value = written_value<Lanes, kIsNoisy>(values, how, x);
        kIsFar ? stream_lanes(value, to + x) : store_lanes(value, to + x);
    }
    for (; x < how.width; ++x) store(written_value<Scalar, kIsNoisy>(values, how, x), to + x);
}

template <typename Out>
inline void write_row(const float* values, const Written& how, Out* to) {
    const bool is_far = how.is_far && reinterpret_cast<uintptr_t>(to) % sizeof(Lanes::Float) == 0;
    if (how.noise != nullptr) {
        is_far ? write_values<true, true>(values, how, to) : write_values<true, false>(values, how, to);
    } else {
        is_far ? write_values<false, true>(values, how, to) : write_values<false, false>(values, how, to);
    }
}

template <typename Out>
inline void fill_row(float value, int64_t count, Out* to) {
    for (int64_t x = 0; x < count; ++x) store(value, to + x);
}

}  // namespace WITHIN_ISA
}  // namespace within
