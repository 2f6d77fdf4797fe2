// The CPU loops of dropout.
#pragma once

#include "core/standard.h"
//
#include "core/philox_blocks.h"
#include "exact/dropout.h"
#include "exact/narrow_loops.h"

namespace within {
inline namespace WITHIN_ISA {

constexpr int64_t kDropoutBlocks = 64;  // whose words are drawn at once

inline void drop_numbers(const double* x, const uint32_t* words, int64_t count, const DropoutTask& task, double* out) {
    for (int64_t i = 0; i < count; ++i) out[i] = dropped_or_scaled(words[i], task.threshold, x[i], task.scale);
}
inline void drop_numbers(const float* x, const uint32_t* words, int64_t count, const DropoutTask& task, float* out) {
    const float scale = static_cast<float>(task.scale);
    const Lanes::Float nan = same_bits<Lanes::Float>(Lanes::Word{} + 0x7fc00000u);
    int64_t i = 0;
    for (; i + Lanes::kCount <= count; i += Lanes::kCount) {
        Lanes::Word word;
        memcpy(&word, words + i, sizeof word);
        const Lanes::Float product = Lanes::load(x + i) * scale;
        Lanes::store(out + i, word < task.threshold ? Lanes::all(0) : product == product ? product : nan);
    }
    for (; i < count; ++i) out[i] = dropped_or_scaled(words[i], task.threshold, x[i], scale);
}
// At most 4 kDropoutBlocks numbers.
template <typename Element>
void drop_numbers(const Element* x, const uint32_t* words, int64_t count, const DropoutTask& task, Element* out) {
    float wide[4 * kDropoutBlocks];
    widen(x, count, wide);
    drop_numbers(wide, words, count, task, wide);
    narrow(wide, count, out);
}

// Numbers first to last - 1 of a sample whose masks from `mask` on have these words.
template <typename Element>
void drop_masks(const Element* x, const uint32_t* words, int64_t count, const DropoutTask& task, Element* out) {
    if (task.shared == 1) return drop_numbers(x, words, count, task, out);
    uint32_t same[4 * kDropoutBlocks];
    for (int64_t m = 0; m < count; ++m) {
        std::fill_n(same, std::min<int64_t>(std::size(same), task.shared), words[m]);
        for (int64_t i = 0; i < task.shared; i += std::size(same)) {
            const int64_t at = m * task.shared + i;
            drop_numbers(x + at, same, std::min<int64_t>(std::size(same), task.shared - i), task, out + at);
        }
    }
}

template <typename Element>
void drop_blocks(const DropoutTask& task) {
    const int64_t masks = task.masks(), blocks = task.blocks();
    uint32_t low[kDropoutBlocks] = {}, high[kDropoutBlocks] = {}, block[kDropoutBlocks] = {}, words[4 * kDropoutBlocks];
    int64_t sample = task.begin / blocks, next = task.begin % blocks;
    for (int64_t begin = task.begin; begin < task.end; begin += kDropoutBlocks) {
        const int64_t count = std::min(kDropoutBlocks, task.end - begin);
        const int64_t first_sample = sample, first_block = next;
        for (int64_t i = 0; i < count; ++i) {
            const uint64_t id = static_cast<uint64_t>(task.sample_ids == nullptr ? sample : task.sample_ids[sample]);
            low[i] = static_cast<uint32_t>(id);
            high[i] = static_cast<uint32_t>(id >> 32);
            block[i] = static_cast<uint32_t>(next);
            if (++next == blocks) ++sample, next = 0;
        }
        philox_blocks(low, high, block, task.step, task.key, count, words);
        int64_t at_sample = first_sample, at_block = first_block;
        for (int64_t i = 0; i < count; ++at_sample, at_block = 0) {
            const int64_t run = std::min(count - i, blocks - at_block);
            const int64_t first = 4 * at_block, last = std::min(masks, first + 4 * run);
            const int64_t at = at_sample * task.row + first * task.shared;
            drop_masks(static_cast<const Element*>(task.x) + at, words + 4 * i, last - first, task,
                       static_cast<Element*>(task.out) + at);
            i += run;
        }
    }
}

void dropout_apply(const DropoutTask& task) {
    with_element(task.dtype, [&](auto element) { drop_blocks<decltype(element)>(task); });
}

}  // namespace WITHIN_ISA
}  // namespace within
