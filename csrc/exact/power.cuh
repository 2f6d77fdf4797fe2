// The kernel of powers and the function that launches it; compiled by nvcc, and by the tests' emulator.
#pragma once

#include "core/launch.h"
#include "exact/power_launch.h"

namespace within {
inline namespace WITHIN_ISA {

constexpr int kPowerThreads = 256;

// What one thread does, numbers `step` apart.
template <typename Element>
struct PowerThread {
    using T = Wider<Element>;
    using L = std::conditional_t<std::is_same_v<T, double>, Scalar64, Scalar>;
    const PowerTask& task;
    int64_t begin;
    int64_t step;

    template <PowerPart part>
    WITHIN_HOST_DEVICE void run() const {
        const Element* const gradient = static_cast<const Element*>(task.gradient);
        const Element* const x = static_cast<const Element*>(task.x);
        const Element* const y = static_cast<const Element*>(task.y);
        Element* const out = static_cast<Element*>(task.out);
        for (int64_t i = begin; i < task.end; i += step) {
            const T received = gradient == nullptr ? T{1} : load(gradient[i]);
            store(power_part<L, part>(received, load(x[task.is_one_x ? 0 : i]), load(y[task.is_one_y ? 0 : i])),
                  out + i);
        }
    }
};

template <typename Element>
__global__ void power_kernel(PowerTask task) {
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    const int64_t begin = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
    with_power_part(task.part, PowerThread<Element>{task, begin, step});
}

}  // namespace WITHIN_ISA

template <typename Element>
void launch_power(const PowerTask& task, Stream stream) {
    WITHIN_LAUNCH((power_kernel<Element>), blocks_of(task.end, kPowerThreads), kPowerThreads, 0, stream, task);
}

}  // namespace within
