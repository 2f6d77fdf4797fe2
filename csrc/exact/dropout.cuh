// The kernel of dropout and the function that launches it; compiled by nvcc, and by the tests' emulator.
#pragma once

#include "core/launch.h"
#include "exact/dropout_launch.h"

namespace within {
inline namespace WITHIN_ISA {

constexpr int kDropoutThreads = 256;

// A thread has the four numbers of a block; where masks are shared, one number.
template <typename Element>
__global__ void dropout_kernel(DropoutTask task, int64_t blocks, int64_t items) {
    using T = Wider<Element>;
    const Element* const x = static_cast<const Element*>(task.x);
    Element* const out = static_cast<Element*>(task.out);
    const T scale = static_cast<T>(task.scale);
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t item = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; item < items; item += step) {
        const int64_t of_sample = task.shared == 1 ? blocks : task.row;
        const int64_t sample = item / of_sample, place = item % of_sample;
        const int64_t id = task.sample_ids == nullptr ? sample : task.sample_ids[sample];
        if (task.shared == 1) {
            const PhiloxBlock words = dropout_words(id, place, task.step, task.key);
            for (int k = 0; k < 4 && 4 * place + k < task.row; ++k) {
                const int64_t at = sample * task.row + 4 * place + k;
                store(dropped_or_scaled(words.words[k], task.threshold, load(x[at]), scale), out + at);
            }
        } else {
            const int64_t mask = place / task.shared;
            const PhiloxBlock words = dropout_words(id, mask / 4, task.step, task.key);
            const int k = static_cast<int>(mask % 4);
            const uint32_t word = k == 0   ? words.words[0]
                                  : k == 1 ? words.words[1]
                                  : k == 2 ? words.words[2]
                                           : words.words[3];
            store(dropped_or_scaled(word, task.threshold, load(x[item]), scale), out + item);
        }
    }
}

}  // namespace WITHIN_ISA

template <typename Element>
void launch_dropout(const DropoutTask& task, int64_t samples, Stream stream) {
    const int64_t blocks = task.blocks(), items = samples * (task.shared == 1 ? blocks : task.row);
    WITHIN_LAUNCH((dropout_kernel<Element>), blocks_of(items, kDropoutThreads), kDropoutThreads, 0, stream, task,
                  blocks, items);
}

}  // namespace within
