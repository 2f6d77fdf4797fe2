// Chooses, while running, the copy of a kernel that was compiled for this processor.
//
// WITHIN_KERNEL(Type, name) declares `name`, a function of type Type that one source defines for each instruction set,
// and `name##_kernel()`, which gives the copy to call. All copies give the same bits.
#pragma once

namespace within {

enum class InstructionSet { baseline, avx2, avx512 };

// The widest one that this processor has, or the one that was asked for.
InstructionSet instruction_set();
InstructionSet widest_instruction_set();
// For tests and benchmarks. One that this processor does not have is refused: false.
bool choose_instruction_set(InstructionSet wanted);

template <typename Function>
inline Function* choose_kernel(Function* baseline, Function* avx2, Function* avx512) {
    switch (instruction_set()) {
        case InstructionSet::avx512:
            return avx512;
        case InstructionSet::avx2:
            return avx2;
        default:
            return baseline;
    }
}

}  // namespace within

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define WITHIN_KERNEL(Type, name) \
    inline namespace baseline {   \
    Type name;                    \
    }                             \
    namespace avx2 {              \
    Type name;                    \
    }                             \
    namespace avx512 {            \
    Type name;                    \
    }                             \
    inline Type* name##_kernel() { return choose_kernel<Type>(&baseline::name, &avx2::name, &avx512::name); }
#else
#define WITHIN_KERNEL(Type, name) \
    inline namespace baseline {   \
    Type name;                    \
    }                             \
    inline Type* name##_kernel() { return &baseline::name; }
#endif

#if defined(WITHIN_AVX2_ALONE)  // for builds that take long
#undef WITHIN_KERNEL
#define WITHIN_KERNEL(Type, name) \
    namespace avx2 {              \
    Type name;                    \
    }                             \
    inline Type* name##_kernel() { return &avx2::name; }
#endif
