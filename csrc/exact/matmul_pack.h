// Numbers laid out as the innermost loop of a matrix product reads them.
#pragma once

#include "core/standard.h"
//
#include "core/dtype.h"
#include "core/wide.h"

namespace within {
inline namespace WITHIN_ISA {

#if defined(WITHIN_AVX2)
// Four numbers of each of eight lines, lines i and i + 4 in one register: each number of all lines in one.
inline void turn_four(const __m256* lines, __m256* numbers) {
    const __m256 low01 = _mm256_unpacklo_ps(lines[0], lines[1]), high01 = _mm256_unpackhi_ps(lines[0], lines[1]);
    const __m256 low23 = _mm256_unpacklo_ps(lines[2], lines[3]), high23 = _mm256_unpackhi_ps(lines[2], lines[3]);
    numbers[0] = _mm256_shuffle_ps(low01, low23, 0x44);
    numbers[1] = _mm256_shuffle_ps(low01, low23, 0xee);
    numbers[2] = _mm256_shuffle_ps(high01, high23, 0x44);
    numbers[3] = _mm256_shuffle_ps(high01, high23, 0xee);
}

// Numbers [at, at + 4) of eight lines, as four rows of `to`.
inline void turn_eight(const float* const* lines, int64_t at, float* to, int64_t step) {
    __m256 four[4], numbers[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i)
        four[i] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(lines[i] + at)),
                                       _mm_loadu_ps(lines[i + 4] + at), 1);
    turn_four(four, numbers);
    // Upwards: what one store has too many the next writes over.
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) _mm256_storeu_ps(to + i * step, numbers[i]);
}
#endif

// Lines of `length` numbers that lie `line_step` apart, side by side: to[i * width + line]. What is beyond the last
// line is of no matter.
template <int width, typename Element, typename T>
void turn(const Element* from, int64_t line_step, int64_t number_step, int64_t lines, int64_t length, T* to) {
    int64_t i = 0;
    if constexpr (std::is_same_v<Element, T>) {
        if (line_step == 1 && lines == width) {
            // No hardware fetches ahead in steps of pages.
            constexpr int64_t kAhead = 16;
            for (; i + kAhead < length; ++i) {
                __builtin_prefetch(from + (i + kAhead) * number_step);
                memcpy(to + i * width, from + i * number_step, width * sizeof(T));
            }
            for (; i < length; ++i) memcpy(to + i * width, from + i * number_step, width * sizeof(T));
            return;
        }
    }
#if defined(WITHIN_AVX2)
    if constexpr (std::is_same_v<Element, float>) {
        constexpr int kTogether = 8, kRounds = (width + kTogether - 1) / kTogether;
        constexpr int kRegister = Wide<float>::kCount;
        // The last few are written one by one where a store has too many.
        const int64_t last = length - (width < kTogether ? kTogether : 0);
        const int64_t needed = (lines + kRegister - 1) / kRegister * kRegister;
        for (int round = 0; round < kRounds && round * kTogether < needed && number_step == 1; ++round) {
            const int first = width < kTogether ? 0 : std::min(round * kTogether, width - kTogether);
            const float* at[kTogether];
            for (int line = 0; line < kTogether; ++line)
                at[line] = from + std::min<int64_t>(first + line, lines - 1) * line_step;
            for (i = 0; i + 4 <= last; i += 4) turn_eight(at, i, to + i * width + first, width);
        }
    }
#endif
    // A few numbers of each line at a time, so that what is written stays in the cache.
    constexpr int64_t kNumbers = 16;
    for (; i < length; i += kNumbers) {
        const int64_t end = std::min(i + kNumbers, length);
        for (int64_t line = 0; line < lines; ++line)
            for (int64_t at = i; at < end; ++at)
                to[at * width + line] = load(from[line * line_step + at * number_step]);
    }
}

}  // namespace WITHIN_ISA
}  // namespace within
