// The CPU loops of the noise.
#pragma once

#include "core/standard.h"
//
#include "augment/noise.h"

namespace within {
inline namespace WITHIN_ISA {

// Four words of each of Lanes::kCount blocks.
struct NoiseWords {
    Lanes::Word words[4];
};

#if defined(WITHIN_AVX2)

// Philox of the blocks of one image: half as many as there are lanes at once, each in the lower half of 64 bits. What
// the upper halves hold does not matter. Key and id are the same for all, so that the first two rounds have one
// product.
struct NoiseBlocks {
#if defined(WITHIN_AVX512)
    using Wide = __m512i;
    static Wide all(uint32_t value) { return _mm512_set1_epi64(value); }
    static Wide times(Wide a, Wide b) { return _mm512_mul_epu32(a, b); }
    static Wide upper(Wide a) { return _mm512_srli_epi64(a, 32); }
    static Wide exclusive_or(Wide a, Wide b) { return _mm512_xor_si512(a, b); }
    static Wide exclusive_or(Wide a, Wide b, Wide c) { return _mm512_ternarylogic_epi64(a, b, c, 0x96); }
    static Wide plus(Wide a, Wide b) { return _mm512_add_epi64(a, b); }
    static Wide even_numbers() { return _mm512_set_epi64(14, 12, 10, 8, 6, 4, 2, 0); }
    static Lanes::Word interleave(Wide even, Wide odd) {
        return reinterpret_cast<Lanes::Word>(_mm512_mask_shuffle_epi32(even, 0xaaaa, odd, _MM_PERM_CCAA));
    }
#else
    using Wide = __m256i;
    static Wide all(uint32_t value) { return _mm256_set1_epi64x(value); }
    static Wide times(Wide a, Wide b) { return _mm256_mul_epu32(a, b); }
    static Wide upper(Wide a) { return _mm256_srli_epi64(a, 32); }
    static Wide exclusive_or(Wide a, Wide b) { return _mm256_xor_si256(a, b); }
    static Wide exclusive_or(Wide a, Wide b, Wide c) { return _mm256_xor_si256(_mm256_xor_si256(a, b), c); }
    static Wide plus(Wide a, Wide b) { return _mm256_add_epi64(a, b); }
    static Wide even_numbers() { return _mm256_set_epi64x(6, 4, 2, 0); }
    static Lanes::Word interleave(Wide even, Wide odd) {
        return reinterpret_cast<Lanes::Word>(_mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa));
    }
#endif
    Wide keys[10][2];
    Wide first;     // of round 1's product, which is the blocks'
    Wide second;    // the same in round 2
    Wide third;     // round 2's other product
    Wide after[2];  // what round 2 leaves for round 3: c1, and c3 of round 1

    explicit NoiseBlocks(const NoiseKey& key) {
        uint32_t k0 = key.key.words[0], k1 = key.key.words[1];
        for (auto& pair : keys) {
            pair[0] = all(k0);
            pair[1] = all(k1);
            k0 += 0x9E3779B9u;
            k1 += 0xBB67AE85u;
        }
        const uint64_t fixed = uint64_t{0xD2511F53u} * key.id[0];
        const uint32_t c2 = static_cast<uint32_t>(fixed >> 32) ^ key.epoch ^ key.key.words[1];
        const uint64_t product = uint64_t{0xCD9E8D57u} * c2;
        first = all(key.id[1] ^ key.key.words[0]);
        second = all(static_cast<uint32_t>(product >> 32) ^ (key.key.words[0] + 0x9E3779B9u));
        third = all(static_cast<uint32_t>(product));
        after[0] = all(static_cast<uint32_t>(fixed) ^ (key.key.words[1] + 0xBB67AE85u));
        after[1] = third;
    }

    NoiseWords operator()(uint32_t block) const {
        const Wide m0 = all(0xD2511F53u), m1 = all(0xCD9E8D57u);
        Wide c[2][4];
        for (int i = 0; i < 2; ++i) {
            const Wide number = plus(all(block + static_cast<uint32_t>(i)), even_numbers());
            const Wide product1 = times(number, m1);
            const Wide c0 = exclusive_or(upper(product1), first);
            const Wide product0 = times(c0, m0);
            c[i][0] = exclusive_or(product1, second);
            c[i][1] = third;
            c[i][2] = exclusive_or(upper(product0), after[0]);
            c[i][3] = product0;
        }
        for (int round = 2; round < 10; ++round) {
            for (auto& lane : c) {
                const Wide product0 = times(lane[0], m0), product1 = times(lane[2], m1);
                lane[0] = exclusive_or(upper(product1), lane[1], keys[round][0]);
                lane[2] = exclusive_or(upper(product0), lane[3], keys[round][1]);
                lane[1] = product1;
                lane[3] = product0;
            }
        }
        NoiseWords result;
        for (int w = 0; w < 4; ++w) result.words[w] = interleave(c[0][w], c[1][w]);
        return result;
    }
};

#else

struct NoiseBlocks {
    NoiseKey key;

    explicit NoiseBlocks(const NoiseKey& of) : key(of) {}

    NoiseWords operator()(uint32_t block) const {
        NoiseWords result;
        for (int i = 0; i < Lanes::kCount; ++i) {
            const PhiloxBlock words = noise_block(key, block + static_cast<uint32_t>(i));
            for (int w = 0; w < 4; ++w) result.words[w][i] = words.words[w];
        }
        return result;
    }
};

#endif

// The noise of one row of the output after another, in a buffer of noise_room(width) floats.
class NoiseRows {
  public:
    NoiseRows(const NoiseKey& key, int64_t width, float* buffer) : blocks_(key), row_(3 * width), buffer_(buffer) {}

    // Three channels of the next row, one after the other.
    const float* next() {
        const int64_t end = begin_ + row_;
        // What is left of the group in which the row before ended.
        const int64_t kept = filled_ - begin_;
        for (int64_t i = 0; i < kept; ++i) buffer_[i] = buffer_[begin_ - start_ + i];
        start_ = begin_;
        for (; filled_ < end; filled_ += kNoiseGroup) fill(buffer_ + (filled_ - start_));
        begin_ = end;
        return buffer_;
    }

  private:
    void fill(float* to) const {
        const auto block = static_cast<uint32_t>(filled_ / kNoiseGroup * kNoiseBlocks);
        for (int b = 0; b < kNoiseBlocks; b += Lanes::kCount) {
            const NoiseWords words = blocks_(block + static_cast<uint32_t>(b));
            for (int w = 0; w < 4; ++w) {
                const NormalPair<Lanes> pair = normal_pair<Lanes>(words.words[w]);
                Lanes::store(to + 32 * w + b, pair.first);
                Lanes::store(to + 32 * w + kNoiseBlocks + b, pair.second);
            }
        }
    }

    NoiseBlocks blocks_;
    int64_t row_;
    float* buffer_;
    int64_t start_ = 0;   // the place that the buffer begins with
    int64_t begin_ = 0;   // the next row's first
    int64_t filled_ = 0;  // the end of the last group
};

inline int64_t noise_room(int64_t width) { return 3 * width + 2 * kNoiseGroup; }

}  // namespace WITHIN_ISA
}  // namespace within
