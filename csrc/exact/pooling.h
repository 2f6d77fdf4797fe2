// Pooling of planes in one order; what its kernels are given is plain data.
//
// A maximum is the first largest number of its window, row by row, or its last NaN. An average adds the numbers of its
// window row by row to +0, each sum rounded, and divides once; an adaptive one adds them by the order of exact/sum.h.
// Gradients are added to +0 window by window, row by row. A NaN is the one with bits 0x7fc00000 (float64:
// 0x7ff8000000000000); 16-bit formats are read as float and rounded once at the end.
#pragma once

#include <cstdint>

#include "core/dtype.h"
#include "core/host_device.h"

namespace within {

// One axis of windows.
struct PoolAxis {
    int64_t in;
    int64_t out;
    int64_t kernel;  // 0: windows are adaptive
    int64_t stride;
    int64_t padding;
    int64_t dilation;
};

struct Pool {
    PoolAxis y;
    PoolAxis x;
    bool counts_padding;  // of averages: numbers in the padding are counted
    int64_t divisor;      // of averages, or 0: how many numbers there are
};

// Places [first, end) of a window, a dilation apart.
struct PoolWindow {
    int64_t first;
    int64_t end;
    int64_t count;  // with those in the padding, where they are counted
};

// Windows [first, end) that may have a place.
struct PoolReach {
    int64_t first;
    int64_t end;
};

inline namespace WITHIN_ISA {

WITHIN_HOST_DEVICE PoolWindow window_of(const PoolAxis& axis, int64_t o, bool counts_padding) {
    if (axis.kernel == 0) {
        const int64_t first = o * axis.in / axis.out, end = ((o + 1) * axis.in + axis.out - 1) / axis.out;
        return {first, end, end - first};
    }
    const int64_t begin = o * axis.stride - axis.padding, last = begin + (axis.kernel - 1) * axis.dilation + 1;
    const int64_t beyond = axis.in + axis.padding, end = last < axis.in ? last : axis.in;
    const int64_t first = begin < 0 ? begin + (-begin + axis.dilation - 1) / axis.dilation * axis.dilation : begin;
    return {first, end, counts_padding ? (last < beyond ? last : beyond) - begin : end - first};
}

WITHIN_HOST_DEVICE PoolReach reach_of(const PoolAxis& axis, int64_t place) {
    if (axis.kernel == 0) return {place * axis.out / axis.in, ((place + 1) * axis.out + axis.in - 1) / axis.in};
    const int64_t before = place + axis.padding - (axis.kernel - 1) * axis.dilation;
    const int64_t first = before <= 0 ? 0 : (before + axis.stride - 1) / axis.stride;
    const int64_t end = (place + axis.padding) / axis.stride + 1;
    return {first, end < axis.out ? end : axis.out};
}

WITHIN_HOST_DEVICE int64_t divisor_of(const Pool& pool, const PoolWindow& y, const PoolWindow& x) {
    return pool.divisor != 0 ? pool.divisor : y.count * x.count;
}

template <typename T>
struct Largest {
    T value;
    int64_t place;

    WITHIN_HOST_DEVICE void take(T number, int64_t at) {
        if (number > value || number != number) {
            value = number;
            place = at;
        }
    }
};

}  // namespace WITHIN_ISA

enum class PoolKind { largest, average };

// Planes [first, last) of contiguous images.
struct PoolForward {
    Dtype dtype;
    Pool pool;
    PoolKind kind;
    const void* x;
    int64_t first;
    int64_t last;
    void* out;
    int64_t* places;  // of the largest, in its plane
    void* lines;      // float or double: an output row's, or the numbers of an adaptive window
    int32_t* found;   // an output row's places
};

struct PoolBackward {
    Dtype dtype;
    Pool pool;
    PoolKind kind;
    const void* gradient;
    const int64_t* places;
    int64_t first;
    int64_t last;
    void* out;
    void* sums;  // float [a plane], for 16-bit formats
};

}  // namespace within
