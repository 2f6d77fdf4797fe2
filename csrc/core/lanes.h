// Numbers side by side: what arithmetic headers are templated on, so that a loop over vectors and one thread of a GPU
// do the same operations, bit by bit.
//
// A lane type L has L::Float, L::Int and L::Word (float, int32_t, uint32_t, or vectors of L::kCount of them). Their
// operators act lane by lane, a comparison chooses with ?:, and the functions below do the rest.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "core/bits.h"
#include "core/host_device.h"

namespace within {
inline namespace WITHIN_ISA {

struct Scalar {
    using Float = float;
    using Int = int32_t;
    using Word = uint32_t;
    static constexpr int kCount = 1;

    WITHIN_HOST_DEVICE static float all(float value) { return value; }
    WITHIN_HOST_DEVICE static float load(const float* from) { return *from; }
    WITHIN_HOST_DEVICE static void store(float* to, float value) { *to = value; }
    // a * b + c, rounded once.
    WITHIN_HOST_DEVICE static float fused(float a, float b, float c) { return fmaf(a, b, c); }
    // Where one is a NaN, b.
    WITHIN_HOST_DEVICE static float least(float a, float b) { return a < b ? a : b; }
    WITHIN_HOST_DEVICE static float most(float a, float b) { return a > b ? a : b; }
    WITHIN_HOST_DEVICE static uint32_t least_word(uint32_t a, uint32_t b) { return a < b ? a : b; }
    WITHIN_HOST_DEVICE static float root(float a) { return sqrtf(a); }
    WITHIN_HOST_DEVICE static float float_of(int32_t a) { return static_cast<float>(a); }
    // Towards zero.
    WITHIN_HOST_DEVICE static int32_t whole(float a) { return static_cast<int32_t>(a); }
    // Whether a comparison holds anywhere.
    WITHIN_HOST_DEVICE static bool any(bool a) { return a; }
};

// One number of twice the width.
struct Scalar64 {
    using Float = double;
    using Int = int64_t;
    using Word = uint64_t;
    static constexpr int kCount = 1;

    WITHIN_HOST_DEVICE static double all(double value) { return value; }
    WITHIN_HOST_DEVICE static double load(const double* from) { return *from; }
    WITHIN_HOST_DEVICE static void store(double* to, double value) { *to = value; }
    WITHIN_HOST_DEVICE static double fused(double a, double b, double c) { return ::fma(a, b, c); }
    WITHIN_HOST_DEVICE static double least(double a, double b) { return a < b ? a : b; }
    WITHIN_HOST_DEVICE static double most(double a, double b) { return a > b ? a : b; }
    WITHIN_HOST_DEVICE static double root(double a) { return ::sqrt(a); }
    WITHIN_HOST_DEVICE static bool any(bool a) { return a; }
};

#if !defined(__CUDACC__) && defined(__GNUC__)

#if defined(WITHIN_AVX512)
#define WITHIN_LANES 16
#elif defined(WITHIN_AVX2)
#define WITHIN_LANES 8
#else
#define WITHIN_LANES 4
#endif

// The numbers of one register; without x86's wide instructions the compiler makes of it what it can.
struct Lanes {
    typedef float Float __attribute__((vector_size(4 * WITHIN_LANES)));
    typedef int32_t Int __attribute__((vector_size(4 * WITHIN_LANES)));
    typedef uint32_t Word __attribute__((vector_size(4 * WITHIN_LANES)));
    static constexpr int kCount = WITHIN_LANES;

    static inline Float all(float value) { return value - Float{}; }
    static inline Float load(const float* from) {
        Float value;
        memcpy(&value, from, sizeof value);
        return value;
    }
    static inline void store(float* to, Float value) { memcpy(to, &value, sizeof value); }
    static inline Float float_of(Int a) { return __builtin_convertvector(a, Float); }
    static inline Int whole(Float a) { return __builtin_convertvector(a, Int); }
#if defined(WITHIN_AVX512)
    static inline bool any(Int a) {
        return _mm512_test_epi32_mask(reinterpret_cast<__m512i>(a), reinterpret_cast<__m512i>(a)) != 0;
    }
    static inline Float fused(Float a, Float b, Float c) { return _mm512_fmadd_ps(a, b, c); }
    static inline Float least(Float a, Float b) { return _mm512_min_ps(a, b); }
    static inline Float most(Float a, Float b) { return _mm512_max_ps(a, b); }
    static inline Float root(Float a) { return _mm512_sqrt_ps(a); }
    static inline Word least_word(Word a, Word b) {
        return reinterpret_cast<Word>(_mm512_min_epu32(reinterpret_cast<__m512i>(a), reinterpret_cast<__m512i>(b)));
    }
#elif defined(WITHIN_AVX2)
    static inline bool any(Int a) {
        return _mm256_testz_si256(reinterpret_cast<__m256i>(a), reinterpret_cast<__m256i>(a)) == 0;
    }
    static inline Float fused(Float a, Float b, Float c) { return _mm256_fmadd_ps(a, b, c); }
    static inline Float least(Float a, Float b) { return _mm256_min_ps(a, b); }
    static inline Float most(Float a, Float b) { return _mm256_max_ps(a, b); }
    static inline Float root(Float a) { return _mm256_sqrt_ps(a); }
    static inline Word least_word(Word a, Word b) {
        return reinterpret_cast<Word>(_mm256_min_epu32(reinterpret_cast<__m256i>(a), reinterpret_cast<__m256i>(b)));
    }
#else
    static inline bool any(Int a) {
        const Int none = {};
        return memcmp(&a, &none, sizeof a) != 0;
    }
    static inline Float fused(Float a, Float b, Float c) {
        for (int i = 0; i < kCount; ++i) c[i] = fmaf(a[i], b[i], c[i]);
        return c;
    }
    static inline Float least(Float a, Float b) { return a < b ? a : b; }
    static inline Float most(Float a, Float b) { return a > b ? a : b; }
    static inline Word least_word(Word a, Word b) { return a < b ? a : b; }
    static inline Float root(Float a) {
        for (int i = 0; i < kCount; ++i) a[i] = sqrtf(a[i]);
        return a;
    }
#endif
};

#undef WITHIN_LANES
#endif

}  // namespace WITHIN_ISA
}  // namespace within
