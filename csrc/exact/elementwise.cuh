// The kernels of elementwise functions and the function that launches them; compiled by nvcc, and by the tests'
// emulator.
#pragma once

#include "core/launch.h"
#include "exact/elementwise_launch.h"

namespace within {
inline namespace WITHIN_ISA {

constexpr int kUnaryThreads = 256;

// What one thread does, numbers `step` apart, for a function that is known.
template <typename Element>
struct UnaryThread {
    using T = Wider<Element>;
    using L = std::conditional_t<std::is_same_v<T, double>, Scalar64, Scalar>;
    const Element* gradient;
    const Element* x;
    T a;
    T b;
    int64_t begin;
    int64_t end;
    int64_t step;
    Element* out;

    template <Unary function>
    WITHIN_HOST_DEVICE void run() const {
        for (int64_t i = begin; i < end; i += step)
            store(gradient == nullptr ? apply<L, function>(load(x[i]), a, b)
                                      : apply_backward<L, function>(load(gradient[i]), load(x[i]), a, b),
                  out + i);
    }
};

template <typename Element>
__global__ void unary_kernel(Unary function, const Element* gradient, const Element* x, Wider<Element> a,
                             Wider<Element> b, int64_t count, Element* out) {
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    const int64_t begin = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
    with_function(function, UnaryThread<Element>{gradient, x, a, b, begin, count, step, out});
}

}  // namespace WITHIN_ISA

template <typename Element>
void launch_unary(Unary function, double a, double b, const Element* gradient, const Element* x, int64_t count,
                  Element* out, Stream stream) {
    using T = Wider<Element>;
    WITHIN_LAUNCH((unary_kernel<Element>), blocks_of(count, kUnaryThreads), kUnaryThreads, 0, stream, function,
                  gradient, x, static_cast<T>(a), static_cast<T>(b), count, out);
}

}  // namespace within
