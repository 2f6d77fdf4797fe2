// A matrix times one column: as many chains side by side as there are lines in a register.
#pragma once

#include "core/standard.h"
//
#include "core/nan.h"
#include "exact/matmul.h"
#include "exact/matmul_pack.h"

namespace within {
inline namespace WITHIN_ISA {

template <typename T>
T line_sum(const T* line, const T* x, int64_t x_step, int64_t depth) {
    T sum = 0;
    for (int64_t k = 0; k < depth; ++k) sum = std::fma(line[k], x[k * x_step], sum);
    return sum;
}

#if defined(WITHIN_AVX2)

// Sums of 8 * groups lines, `run` numbers of each at a time. With more lines at once than a processor fetches ahead of,
// it waits for memory: two groups are as many as hide a chain's latency.
template <int groups, int run>
inline void line_sums(const float* a, int64_t step, const float* x, int64_t x_step, int64_t depth, float* sums) {
    __m256 sum[groups];
#pragma GCC unroll 4
    for (int g = 0; g < groups; ++g) sum[g] = _mm256_setzero_ps();
    int64_t k = 0;
    for (; k + run <= depth; k += run, a += run) {
#pragma GCC unroll 4
        for (int g = 0; g < groups; ++g) {
#pragma GCC unroll 4
            for (int from = 0; from < run; from += 4) {
                const float* const line = a + 8 * g * step + from;
                __m256 four[4], number[4];
#pragma GCC unroll 4
                for (int i = 0; i < 4; ++i)
                    four[i] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(line + i * step)),
                                                   _mm_loadu_ps(line + (i + 4) * step), 1);
                turn_four(four, number);
#pragma GCC unroll 4
                for (int i = 0; i < 4; ++i)
                    sum[g] = _mm256_fmadd_ps(number[i], _mm256_set1_ps(x[(k + from + i) * x_step]), sum[g]);
            }
        }
    }
    for (; k < depth; ++k, ++a) {
#pragma GCC unroll 4
        for (int g = 0; g < groups; ++g) {
            const float* const line = a + 8 * g * step;
            const __m256 number = _mm256_setr_ps(line[0], line[step], line[2 * step], line[3 * step], line[4 * step],
                                                 line[5 * step], line[6 * step], line[7 * step]);
            sum[g] = _mm256_fmadd_ps(number, _mm256_set1_ps(x[k * x_step]), sum[g]);
        }
    }
#pragma GCC unroll 4
    for (int g = 0; g < groups; ++g) _mm256_storeu_ps(sums + 8 * g, sum[g]);
}

#endif

template <typename T>
void multiply_lines(const MatmulLines& task, T* out) {
    const int64_t step = task.a.row_step, depth = task.depth;
    const T *const a = static_cast<const T*>(task.a.data), *const x = static_cast<const T*>(task.x);
    int64_t line = task.begin;
#if defined(WITHIN_AVX2)
    if constexpr (std::is_same_v<T, float>) {
        // Lines whole pages apart share a few places of the cache: all of what was fetched is taken at once.
        const auto two = step % 1024 == 0 ? line_sums<2, 16> : line_sums<2, 4>;
        for (; line + 16 <= task.end; line += 16) two(a + line * step, step, x, task.x_step, depth, out + line);
        for (; line + 8 <= task.end; line += 8)
            line_sums<1, 4>(a + line * step, step, x, task.x_step, depth, out + line);
    }
#endif
    for (; line < task.end; ++line) out[line] = line_sum(a + line * step, x, task.x_step, depth);
    const T* const bias = static_cast<const T*>(task.bias);
    for (line = task.begin; line < task.end; ++line)
        out[line] = canonical(bias == nullptr ? out[line] : out[line] + bias[line * task.bias_step]);
}

}  // namespace WITHIN_ISA
}  // namespace within
