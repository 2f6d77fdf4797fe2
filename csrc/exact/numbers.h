// Numbers of every format side by side: read as float (float64: double), written rounded once, with the one NaN.
#pragma once

#include "core/dtype.h"
#include "core/lanes.h"
#include "exact/functions.h"
#include "exact/functions64.h"

namespace within {
inline namespace WITHIN_ISA {

// One number of a format, and as many as a register holds; float64 goes one by one.
template <typename Element>
using OneLane = std::conditional_t<std::is_same_v<Element, double>, Scalar64, Scalar>;
#if !defined(__CUDACC__) && defined(__GNUC__)
template <typename Element>
using ManyLanes = std::conditional_t<std::is_same_v<Element, double>, Scalar64, Lanes>;

template <int count>
struct Halves {
    typedef uint16_t Bits __attribute__((vector_size(2 * count)));
};

inline Lanes::Float read_many(const float* from) { return Lanes::load(from); }
inline Lanes::Float read_many(const BFloat16* from) {
    Halves<Lanes::kCount>::Bits bits;
    memcpy(&bits, from, sizeof bits);
    return same_bits<Lanes::Float>(__builtin_convertvector(bits, Lanes::Word) << 16);
}
inline Lanes::Float read_many(const Float16* from) {
#if defined(WITHIN_AVX512)
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
#elif defined(WITHIN_AVX2)
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
#else
    Lanes::Float values;
    for (int i = 0; i < Lanes::kCount; ++i) values[i] = load(from[i]);
    return values;
#endif
}

inline void write_many(Lanes::Float values, float* to) { Lanes::store(to, values); }
inline void write_many(Lanes::Float values, BFloat16* to) {
    const Lanes::Word bits = same_bits<Lanes::Word>(values);
    const Halves<Lanes::kCount>::Bits rounded =
        __builtin_convertvector((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16, Halves<Lanes::kCount>::Bits);
    memcpy(to, &rounded, sizeof rounded);
}
inline void write_many(Lanes::Float values, Float16* to) {
#if defined(WITHIN_AVX512)
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_cvtps_ph(values, _MM_FROUND_TO_NEAREST_INT));
#elif defined(WITHIN_AVX2)
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm256_cvtps_ph(values, _MM_FROUND_TO_NEAREST_INT));
#else
    for (int i = 0; i < Lanes::kCount; ++i) store(values[i], to + i);
#endif
}
#endif

// What a lane holds.
template <typename L>
using NumberOf = std::conditional_t<std::is_same_v<L, Scalar64>, double, float>;

template <typename L, typename Element>
WITHIN_HOST_DEVICE typename L::Float read(const Element* from) {
    if constexpr (L::kCount == 1) {
        return load(*from);
    } else {
        return read_many(from);
    }
}

template <typename L, typename Element>
WITHIN_HOST_DEVICE void write(typename L::Float value, Element* to) {
    const typename L::Float one_nan = Functions<L>::canonical(value);
    if constexpr (L::kCount == 1) {
        store(one_nan, to);
    } else {
        write_many(one_nan, to);
    }
}

}  // namespace WITHIN_ISA
}  // namespace within
