// How kernels are launched: by nvcc's runtime on a GPU, by the emulator of the tests on the CPU.
//
// WITHIN_LAUNCH((kernel<A, B>), blocks, threads, shared_bytes, stream, arguments...) starts a kernel;
// WITHIN_SHARED(type, name) is the dynamic shared memory of a block; WITHIN_INSTANTIATE(launch_it<A>) makes a function
// of a template for the sources that call it.
#pragma once

#include <cstdint>

#include "core/stream.h"

#define WITHIN_INSTANTIATE(...) template decltype(__VA_ARGS__) __VA_ARGS__

#if defined(__CUDACC__)
#include <cuda_runtime.h>

#define WITHIN_LAUNCH(kernel, blocks, threads, shared_bytes, stream, ...) \
    (kernel)<<<(blocks), (threads), (shared_bytes), (stream)>>>(__VA_ARGS__)
#define WITHIN_SHARED(type, name)                                  \
    extern __shared__ __align__(16) unsigned char within_shared[]; \
    type* name = reinterpret_cast<type*>(within_shared)
#else
#include "emulator/cuda.h"
#endif

namespace within {

constexpr int64_t kMostBlocks = 1 << 16;

// Blocks that take `per_block` items each, and come back for more where that many are not enough.
inline int blocks_of(int64_t items, int64_t per_block) {
    const int64_t blocks = (items + per_block - 1) / per_block;
    return static_cast<int>(blocks < 1 ? 1 : blocks > kMostBlocks ? kMostBlocks : blocks);
}

}  // namespace within
