// A register of numbers: T is float or double.
#pragma once

#include "core/standard.h"
//
#include "core/host_device.h"

namespace within {
inline namespace WITHIN_ISA {

#if defined(WITHIN_AVX512)
constexpr int kRegisterBytes = 64;
#elif defined(WITHIN_AVX2)
constexpr int kRegisterBytes = 32;
#else
constexpr int kRegisterBytes = 16;
#endif

template <typename T>
struct Wide {
    typedef T Register __attribute__((vector_size(kRegisterBytes)));
    static constexpr int kCount = kRegisterBytes / sizeof(T);

    static inline Register all(T value) { return value - Register{}; }
    static inline Register load(const T* from) {
        Register value;
        memcpy(&value, from, sizeof value);
        return value;
    }
    static inline void store(T* to, Register value) { memcpy(to, &value, sizeof value); }
    // a * b + c, rounded once.
    static inline Register fused(Register a, Register b, Register c) {
#if defined(WITHIN_AVX512)
        if constexpr (sizeof(T) == 4) {
            return _mm512_fmadd_ps(a, b, c);
        } else {
            return _mm512_fmadd_pd(a, b, c);
        }
#elif defined(WITHIN_AVX2)
        if constexpr (sizeof(T) == 4) {
            return _mm256_fmadd_ps(a, b, c);
        } else {
            return _mm256_fmadd_pd(a, b, c);
        }
#else
        for (int i = 0; i < kCount; ++i) c[i] = std::fma(a[i], b[i], c[i]);
        return c;
#endif
    }
    // The one NaN for any.
    static inline Register canonical(Register value) {
        const Register nan = std::numeric_limits<T>::quiet_NaN() - Register{};
        return value == value ? value : nan;
    }
};

}  // namespace WITHIN_ISA
}  // namespace within
