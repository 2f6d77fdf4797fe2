// What both compilers read: the arithmetic of an element is written once.
#pragma once

#if defined(__CUDACC__)
#define WITHIN_HOST_DEVICE __host__ __device__ __forceinline__
#else
#define WITHIN_HOST_DEVICE inline
#endif

// The namespace inside `within` that names the instruction set a source is compiled for. Shared headers put all they
// define into it: a template or an inline function outside would become one weak symbol, and the linker might keep the
// AVX-512 copy for every processor.
#if !defined(WITHIN_ISA)
#if defined(__CUDACC__)
#define WITHIN_ISA cuda
#else
#define WITHIN_ISA baseline
#endif
#endif
