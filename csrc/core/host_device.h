// Marks what both compilers compile: the arithmetic of an element is written once.
#pragma once

#if defined(__CUDACC__)
#define WITHIN_HOST_DEVICE __host__ __device__ __forceinline__
#else
#define WITHIN_HOST_DEVICE inline
#endif
