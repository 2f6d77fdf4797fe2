// Compiles what follows for AVX-512; the first include of a source.
#pragma once

#include "core/standard.h"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define WITHIN_HAS_ISA 1
#define WITHIN_ISA avx512
#define WITHIN_AVX2 1
#define WITHIN_AVX512 1
#pragma GCC target( \
    "avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx2,fma,bmi,bmi2,f16c,lzcnt,popcnt,prefer-vector-width=512")
#endif
