// The noise of an image: a normal number for every place of the output, of the sample's key and the place alone.
//
// Place (row y, channel c, column x) is number (3 y + c) width + x. 128 places share 16 blocks of Philox: word w of
// block b gives the pair at 32 w + b and 32 w + 16 + b, an order in which vectors of blocks need no rearrangement.
#pragma once

#include "augment/image.h"
#include "core/normal.h"
#include "core/philox.h"

namespace within {
inline namespace WITHIN_ISA {

constexpr int kNoiseGroup = 128;
constexpr int kNoiseBlocks = 16;

struct NoiseKey {
    PhiloxKey key;
    uint32_t id[2];
    uint32_t epoch;
};

WITHIN_HOST_DEVICE NoiseKey noise_key_of(const ImageIntegers& draws) {
    return {{{draws.key[0], draws.key[1]}}, {draws.id[0], draws.id[1]}, draws.epoch};
}

WITHIN_HOST_DEVICE PhiloxBlock noise_block(const NoiseKey& key, uint32_t block) {
    return philox({{key.id[0], key.id[1], block, key.epoch}}, key.key);
}

}  // namespace WITHIN_ISA
}  // namespace within
