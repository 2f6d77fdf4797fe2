// The kernel of elementwise functions and the function that launches it; compiled by nvcc, and by the tests' emulator.
#pragma once

#include "core/launch.h"
#include "exact/elementwise_launch.h"

namespace within {
inline namespace WITHIN_ISA {

constexpr int kUnaryThreads = 256;

template <typename Element, Unary function>
__global__ void unary_kernel(const Element* x, int64_t count, Element* out) {
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += step)
        store(apply<Scalar, function>(load(x[i])), out + i);
}

template <typename Element>
struct UnaryLaunch {
    const Element* x;
    int64_t count;
    Element* out;
    Stream stream;

    template <Unary function>
    void run() const {
        WITHIN_LAUNCH((unary_kernel<Element, function>), blocks_of(count, kUnaryThreads), kUnaryThreads, 0, stream, x,
                      count, out);
    }
};

}  // namespace WITHIN_ISA

template <typename Element>
void launch_unary(Unary function, const Element* x, int64_t count, Element* out, Stream stream) {
    with_function(function, UnaryLaunch<Element>{x, count, out, stream});
}

}  // namespace within
