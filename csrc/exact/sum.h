// The one order in which numbers of a row or of a column are added up, whatever the vectors, threads or device.
//
// The sum of x[0] ... x[n - 1]: numbers are cut into blocks of kSumBlock; within one, chain l of kSumLanes adds to +0
// the numbers i = l, l + 32, l + 64, ... of the block, upwards; chains l and l + 16 are added, then l and l + 8, and so
// on to one. Sums of blocks are added two neighbours at a time, then two neighbours of these, until one is left; one
// without a neighbour goes on as it is.
#pragma once

#include "core/lanes.h"

namespace within {

constexpr int kSumLanes = 32;
constexpr int64_t kSumBlock = 1024;
constexpr int kSumLevels = 44;  // of 2^54 numbers

inline namespace WITHIN_ISA {

// Of so many numbers; there is one of none.
WITHIN_HOST_DEVICE int64_t sum_blocks_of(int64_t count) {
    return count <= kSumBlock ? 1 : (count + kSumBlock - 1) / kSumBlock;
}

// Of all lanes of a block; they are written over.
template <typename T>
WITHIN_HOST_DEVICE T add_lanes(T* lanes) {
    for (int half = kSumLanes / 2; half > 0; half /= 2)
        for (int l = 0; l < half; ++l) lanes[l] += lanes[l + half];
    return lanes[0];
}

// Adds sums of blocks two by two, as they come.
template <typename T>
struct BlockSums {
    T levels[kSumLevels];
    int64_t count = 0;  // its bits say which levels hold one

    WITHIN_HOST_DEVICE void add(T sum) {
        int level = 0;
        for (; (count >> level) & 1; ++level) sum = levels[level] + sum;
        levels[level] = sum;
        ++count;
    }
    WITHIN_HOST_DEVICE T total() const {
        T sum{};
        bool is_first = true;
        for (int level = 0; level < kSumLevels; ++level) {
            if (!((count >> level) & 1)) continue;
            sum = is_first ? levels[level] : levels[level] + sum;
            is_first = false;
        }
        return sum;
    }
};

#if !defined(__CUDACC__) && defined(__GNUC__)

// The sum of value(i), i from 0 to n. load(i) gives numbers i to i + L::kCount, one(i) the one number i; only whole
// registers within n are asked of load.
template <typename L, typename Load, typename One>
typename std::decay_t<decltype(std::declval<One>()(int64_t{0}))> sum_of(int64_t n, const Load& load, const One& one) {
    using T = std::decay_t<decltype(one(int64_t{0}))>;
    constexpr int kCount = L::kCount, kRegisters = kSumLanes / kCount;
    BlockSums<T> blocks;
    for (int64_t from = 0; from < n || from == 0; from += kSumBlock) {
        const int64_t end = from + kSumBlock < n ? from + kSumBlock : n;
        typename L::Float sums[kRegisters] = {};
        int64_t i = from;
        for (; i + kSumLanes <= end; i += kSumLanes) {
#pragma GCC unroll 32
            for (int r = 0; r < kRegisters; ++r) sums[r] += load(i + r * kCount);
        }
        T lanes[kSumLanes];
        for (int r = 0; r < kRegisters; ++r) L::store(lanes + r * kCount, sums[r]);
        for (int l = 0; i < end; ++i, ++l) lanes[l] += one(i);
        blocks.add(add_lanes(lanes));
    }
    return blocks.total();
}

#endif

}  // namespace WITHIN_ISA
}  // namespace within
