// The Philox words of many counters that share a key and an epoch, on the CPU.
#pragma once

#include "core/standard.h"
//
#include "core/philox.h"

namespace within {
inline namespace WITHIN_ISA {

// Counters are read, and words written, for a whole number of these.
constexpr int64_t kCountersAtOnce = 8;

#if defined(WITHIN_AVX512)

// A counter's part in the lower half of each 64 bits; the upper half is never read.
struct WideRounds {
    static constexpr int kCount = 8;
    using Part = __m512i;

    static inline Part all(uint64_t value) { return _mm512_set1_epi64(static_cast<int64_t>(value)); }
    static inline Part load(const uint32_t* from) {
        return _mm512_cvtepu32_epi64(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
    }
    static inline Part product(Part a, Part b) { return _mm512_mul_epu32(a, b); }
    static inline Part upper(Part a) { return _mm512_srli_epi64(a, 32); }
    static inline Part differ(Part a, Part b, Part c) { return _mm512_ternarylogic_epi64(a, b, c, 0x96); }
    static inline Part pair(Part low, Part high) {
        return _mm512_mask_blend_epi32(0xaaaa, low, _mm512_slli_epi64(high, 32));
    }
    static inline void store(uint32_t* to, Part first, Part second) {
        const Part lower = _mm512_set_epi64(11, 3, 10, 2, 9, 1, 8, 0),
                   upper = _mm512_set_epi64(15, 7, 14, 6, 13, 5, 12, 4);
        _mm512_storeu_si512(to, _mm512_permutex2var_epi64(first, lower, second));
        _mm512_storeu_si512(to + 16, _mm512_permutex2var_epi64(first, upper, second));
    }
};

#elif defined(WITHIN_AVX2)

struct WideRounds {
    static constexpr int kCount = 4;
    using Part = __m256i;

    static inline Part all(uint64_t value) { return _mm256_set1_epi64x(static_cast<int64_t>(value)); }
    static inline Part load(const uint32_t* from) {
        return _mm256_cvtepu32_epi64(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
    }
    static inline Part product(Part a, Part b) { return _mm256_mul_epu32(a, b); }
    static inline Part upper(Part a) { return _mm256_srli_epi64(a, 32); }
    static inline Part differ(Part a, Part b, Part c) { return _mm256_xor_si256(_mm256_xor_si256(a, b), c); }
    static inline Part pair(Part low, Part high) { return _mm256_blend_epi32(low, _mm256_slli_epi64(high, 32), 0xaa); }
    static inline void store(uint32_t* to, Part first, Part second) {
        const Part even = _mm256_unpacklo_epi64(first, second), odd = _mm256_unpackhi_epi64(first, second);
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm256_permute2x128_si256(even, odd, 0x20));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + 8), _mm256_permute2x128_si256(even, odd, 0x31));
    }
};

#endif

// words[4 i + k] is word k of the counter (low[i], high[i], block[i], epoch), for i below count.
inline void philox_blocks(const uint32_t* low, const uint32_t* high, const uint32_t* block, uint32_t epoch,
                          PhiloxKey key, int64_t count, uint32_t* words) {
#if defined(WITHIN_AVX2)
    using R = WideRounds;
    const R::Part multiplier0 = R::all(0xD2511F53u), multiplier1 = R::all(0xCD9E8D57u);
    for (int64_t i = 0; i < count; i += R::kCount) {
        R::Part c0 = R::load(low + i), c1 = R::load(high + i), c2 = R::load(block + i), c3 = R::all(epoch);
        uint32_t k0 = key.words[0], k1 = key.words[1];
        for (int round = 0; round < 10; ++round) {
            const R::Part product0 = R::product(c0, multiplier0), product1 = R::product(c2, multiplier1);
            c0 = R::differ(R::upper(product1), c1, R::all(k0));
            c1 = product1;
            c2 = R::differ(R::upper(product0), c3, R::all(k1));
            c3 = product0;
            k0 += 0x9E3779B9u;
            k1 += 0xBB67AE85u;
        }
        R::store(words + 4 * i, R::pair(c0, c1), R::pair(c2, c3));
    }
#else
    for (int64_t i = 0; i < count; ++i) {
        const PhiloxBlock drawn = philox({{low[i], high[i], block[i], epoch}}, key);
        for (int64_t k = 0; k < 4; ++k) words[4 * i + k] = drawn.words[k];
    }
#endif
}

}  // namespace WITHIN_ISA
}  // namespace within
