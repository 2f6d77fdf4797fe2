// Varies rows of a table on the CPU: draws for a few rows at a time, then pass after pass over each row.
#pragma once

#include "core/standard.h"
//
#include "augment/features.h"
#include "core/normal.h"
#include "core/philox_blocks.h"

namespace within {
inline namespace WITHIN_ISA {

constexpr int64_t kBlocksOfTile = 256;
constexpr int64_t kWordsOfTile = kBlocksOfTile * kFeaturesOfBlock;

// The blocks [block, block + blocks) of the rows [row, row + rows).
struct Tile {
    int64_t row;
    int64_t rows;
    int64_t block;
    int64_t blocks;
};

struct Counters {
    alignas(64) uint32_t low[kBlocksOfTile];
    alignas(64) uint32_t high[kBlocksOfTile];
    alignas(64) uint32_t block[kBlocksOfTile];
};

struct Words {
    alignas(64) uint32_t at[kWordsOfTile];
};

inline void count_blocks(const Features& task, const Tile& tile, Counters* counters) {
    int64_t i = 0;
    for (int64_t row = tile.row; row < tile.row + tile.rows; ++row) {
        for (int64_t block = 0; block < tile.blocks; ++block, ++i) {
            counters->low[i] = low_of(task.ids[row]);
            counters->high[i] = high_of(task.ids[row]);
            counters->block[i] = static_cast<uint32_t>(tile.block + block);
        }
    }
    for (; i % kCountersAtOnce != 0; ++i) counters->low[i] = counters->high[i] = counters->block[i] = 0;
}

[[gnu::noinline]] inline void draw_words(const Features& task, Purpose purpose, const Counters& counters,
                                         int64_t blocks, Words* words) {
    const uint32_t* const key = task.keys[static_cast<int>(purpose)];
    philox_blocks(counters.low, counters.high, counters.block, task.epoch, {{key[0], key[1]}}, blocks, words->at);
}

[[gnu::noinline]] inline void draw_normals(const Words& words, int64_t blocks, float* normals) {
    const int64_t count = (blocks * kFeaturesOfBlock + Lanes::kCount - 1) / Lanes::kCount * Lanes::kCount;
    for (int64_t i = 0; i < count; i += Lanes::kCount) {
        Lanes::Word word;
        memcpy(&word, words.at + i, sizeof word);
        Lanes::store(normals + i, normal<Lanes>(word));
    }
}

// A tile's draws, for every purpose that is on.
struct Drawn {
    Words dropout;
    Words swap;
    Words partner;
    alignas(64) float normals[kWordsOfTile];
};

[[gnu::noinline]] inline void draw_tile(const Features& task, const Tile& tile, Drawn* drawn) {
    Counters counters;
    count_blocks(task, tile, &counters);
    const int64_t blocks = tile.rows * tile.blocks;
    if (task.noise_scale != nullptr) {
        Words words;
        draw_words(task, Purpose::noise, counters, blocks, &words);
        draw_normals(words, blocks, drawn->normals);
    }
    if (task.dropout != 0) draw_words(task, Purpose::dropout, counters, blocks, &drawn->dropout);
    if (task.swap != 0) draw_words(task, Purpose::swap, counters, blocks, &drawn->swap);
    if (task.swap != 0 && task.bank != nullptr) draw_words(task, Purpose::partner, counters, blocks, &drawn->partner);
}

// Goes through rows tile by tile; vary(row, column, count, place of its draws) is called for each stretch of a row.
template <typename Vary>
inline void for_each_stretch(const Features& task, Drawn* drawn, Vary vary) {
    const int64_t all = (task.columns + kFeaturesOfBlock - 1) / kFeaturesOfBlock;
    if (all == 0) return;
    const int64_t rows = std::max<int64_t>(1, kBlocksOfTile / all);
    for (int64_t row = task.begin; row < task.end; row += rows) {
        for (int64_t block = 0; block < all; block += kBlocksOfTile) {
            const Tile tile = {row, std::min(rows, task.end - row), block, std::min(kBlocksOfTile, all - block)};
            draw_tile(task, tile, drawn);
            const int64_t column = block * kFeaturesOfBlock;
            const int64_t count = std::min(tile.blocks * kFeaturesOfBlock, task.columns - column);
            for (int64_t r = 0; r < tile.rows; ++r) vary(row + r, column, count, r * tile.blocks * kFeaturesOfBlock);
        }
    }
}

template <typename T>
inline void vary_stretch(const Features& task, const Drawn& drawn, int64_t row, int64_t column, int64_t count,
                         int64_t at) {
    const T* const x = static_cast<const T*>(task.x) + row * task.columns + column;
    const T* const bank = static_cast<const T*>(task.bank) + column;
    T* const out = static_cast<T*>(task.out) + row * task.columns + column;
    if (task.swap != 0) {
        for (int64_t i = 0; i < count; ++i) {
            const T* const other = bank + row_of(drawn.partner.at[at + i], task.bank_rows) * task.columns;
            out[i] = (drawn.swap.at[at + i] < task.swap ? other : x)[i];
        }
    } else {
        for (int64_t i = 0; i < count; ++i) out[i] = x[i];
    }
    if (task.weights != nullptr && task.weights[row] != 0) {
        const T weight = static_cast<T>(task.weights[row]);
        const T* const other = bank + task.partners[row] * task.columns;
        for (int64_t i = 0; i < count; ++i) out[i] = mixed(out[i], other[i], weight);
    }
    if (task.noise_scale != nullptr) {
        const T* const scale = static_cast<const T*>(task.noise_scale) + column;
        for (int64_t i = 0; i < count; ++i) out[i] = perturbed(out[i], drawn.normals[at + i], scale[i]);
    }
    if (task.dropout != 0) {
        const T* const fill = static_cast<const T*>(task.fill) + column;
        for (int64_t i = 0; i < count; ++i) out[i] = drawn.dropout.at[at + i] < task.dropout ? fill[i] : out[i];
    }
}

// The gradient of what vary_stretch gives in what it was given.
template <typename T>
inline void pass_back(const Features& task, const Drawn& drawn, int64_t row, int64_t column, int64_t count,
                      int64_t at) {
    const T* const gradient = static_cast<const T*>(task.x) + row * task.columns + column;
    T* const out = static_cast<T*>(task.out) + row * task.columns + column;
    const T kept = T{1} - static_cast<T>(task.weights == nullptr ? 0 : task.weights[row]);
    for (int64_t i = 0; i < count; ++i) out[i] = kept * gradient[i];
    if (task.swap != 0)
        for (int64_t i = 0; i < count; ++i) out[i] = drawn.swap.at[at + i] < task.swap ? T{0} : out[i];
    if (task.dropout != 0)
        for (int64_t i = 0; i < count; ++i) out[i] = drawn.dropout.at[at + i] < task.dropout ? T{0} : out[i];
}

template <typename T>
inline void vary_rows(const Features& task) {
    Drawn drawn;
    for_each_stretch(task, &drawn, [&](int64_t row, int64_t column, int64_t count, int64_t at) {
        vary_stretch<T>(task, drawn, row, column, count, at);
    });
}

template <typename T>
inline void pass_rows_back(const Features& task) {
    Drawn drawn;
    for_each_stretch(task, &drawn, [&](int64_t row, int64_t column, int64_t count, int64_t at) {
        pass_back<T>(task, drawn, row, column, count, at);
    });
}

void features_vary_float(const Features& task) { vary_rows<float>(task); }
void features_vary_double(const Features& task) { vary_rows<double>(task); }
void features_pass_back_float(const Features& task) { pass_rows_back<float>(task); }
void features_pass_back_double(const Features& task) { pass_rows_back<double>(task); }

}  // namespace WITHIN_ISA
}  // namespace within
