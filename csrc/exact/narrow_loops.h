// 16-bit formats from and to float, many at a time, on the CPU.
#pragma once

#include "core/standard.h"
//
#include "core/half.h"

namespace within {
inline namespace WITHIN_ISA {

inline void widen(const BFloat16* from, int64_t count, float* to) {
    for (int64_t i = 0; i < count; ++i) to[i] = load(from[i]);
}
inline void narrow(const float* from, int64_t count, BFloat16* to) {
    for (int64_t i = 0; i < count; ++i) store(from[i], to + i);
}

// The processor's own conversions round as load and store do, and keep the one NaN.
inline void widen(const Float16* from, int64_t count, float* to) {
    int64_t i = 0;
#if defined(WITHIN_AVX2)
    for (; i + 8 <= count; i += 8)
        _mm256_storeu_ps(to + i, _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i))));
#endif
    for (; i < count; ++i) to[i] = load(from[i]);
}
inline void narrow(const float* from, int64_t count, Float16* to) {
    int64_t i = 0;
#if defined(WITHIN_AVX2)
    for (; i + 8 <= count; i += 8)
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to + i),
                         _mm256_cvtps_ph(_mm256_loadu_ps(from + i), _MM_FROUND_TO_NEAREST_INT));
#endif
    for (; i < count; ++i) store(from[i], to + i);
}

}  // namespace WITHIN_ISA
}  // namespace within
