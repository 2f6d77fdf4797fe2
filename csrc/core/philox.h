// Random words that depend on a key and a counter alone: Philox 4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel
// random numbers: as easy as 1, 2, 3", SC 2011), the same as within_wf/runtime/streams.py draws.
#pragma once

#include <cstdint>

#include "core/host_device.h"

namespace within {
inline namespace WITHIN_ISA {

struct PhiloxKey {
    uint32_t words[2];
};

struct PhiloxBlock {
    uint32_t words[4];
};

WITHIN_HOST_DEVICE PhiloxBlock philox(PhiloxBlock counter, PhiloxKey key) {
    uint32_t c0 = counter.words[0], c1 = counter.words[1], c2 = counter.words[2], c3 = counter.words[3];
    uint32_t k0 = key.words[0], k1 = key.words[1];
    for (int round = 0; round < 10; ++round) {
        const uint64_t product0 = uint64_t{0xD2511F53u} * c0;
        const uint64_t product1 = uint64_t{0xCD9E8D57u} * c2;
        c0 = static_cast<uint32_t>(product1 >> 32) ^ c1 ^ k0;
        c1 = static_cast<uint32_t>(product1);
        c2 = static_cast<uint32_t>(product0 >> 32) ^ c3 ^ k1;
        c3 = static_cast<uint32_t>(product0);
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return {{c0, c1, c2, c3}};
}

}  // namespace WITHIN_ISA
}  // namespace within
