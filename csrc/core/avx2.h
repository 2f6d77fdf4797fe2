// Compiles what follows for AVX2; the first include of a source.
#pragma once

#include "core/standard.h"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define WITHIN_HAS_ISA 1
#define WITHIN_ISA avx2
#define WITHIN_AVX2 1
#pragma GCC target("avx2,fma,bmi,bmi2,f16c,lzcnt,popcnt")
#endif
