// What a product of one order is measured against: the most that fused multiply-adds give, and the order as it reads.
#include <immintrin.h>

#include <cmath>
#include <cstdint>
#include <utility>

// Multiply-adds of float32 in `rounds` rounds, as many as one thread can.
#if defined(__AVX512F__)
using Register = __m512;
static Register all(float x) { return _mm512_set1_ps(x); }
static Register fused(Register a, Register b, Register c) { return _mm512_fmadd_ps(a, b, c); }
#elif defined(__FMA__)
using Register = __m256;
static Register all(float x) { return _mm256_set1_ps(x); }
static Register fused(Register a, Register b, Register c) { return _mm256_fmadd_ps(a, b, c); }
#else
using Register = __m128;
static Register all(float x) { return _mm_set1_ps(x); }
static Register fused(Register a, Register b, Register c) { return _mm_add_ps(_mm_mul_ps(a, b), c); }
#endif

constexpr int kChains = 12;

template <int... chain>
static void run(int64_t rounds, std::integer_sequence<int, chain...>) {
    const Register shrink = all(0.999f), more = all(1e-3f);
    Register sums[kChains] = {all(1.0f + chain)...};
    for (int64_t round = 0; round < rounds; ++round) ((sums[chain] = fused(sums[chain], shrink, more)), ...);
    (([&] { asm volatile("" ::"x"(sums[chain])); }()), ...);
}

extern "C" int64_t fma_rounds(int64_t rounds) {
    run(rounds, std::make_integer_sequence<int, kChains>());
    return rounds * kChains * static_cast<int64_t>(sizeof(Register) / sizeof(float));
}

// out = a b^T, a [rows, depth], b [columns, depth], as RepDL (arXiv 2510.09180) has it.
extern "C" void triple_loop(const float* a, const float* b, int64_t rows, int64_t depth, int64_t columns, float* out) {
#pragma omp parallel for collapse(2)
    for (int64_t i = 0; i < rows; ++i)
        for (int64_t j = 0; j < columns; ++j) {
            float sum = 0;
            for (int64_t k = 0; k < depth; ++k) sum = std::fmaf(a[i * depth + k], b[j * depth + k], sum);
            out[i * columns + j] = sum;
        }
}
