// Bilinear resizing of a crop, antialiased where it shrinks, in integers: which pixels of a row or column make an
// output pixel, and with which weights. The filter is that of ATen's _upsample_bilinear2d_aa (half-pixel centres, a
// triangle as wide as the larger of the two grids' steps, cut at the crop's edges and normalised).
//
// A row's bytes times weights that sum to 2^bits are rounded to 1/128 of a grey level, which 16 bits hold; columns of
// these times weights make the value.
#pragma once

#include <cmath>
#include <cstdint>

#include "core/host_device.h"

namespace within {
inline namespace WITHIN_ISA {

constexpr int kRowBits = 7;  // of a level, kept between the two passes

struct Axis {
    int64_t source;  // pixels
    double scale;    // source pixels a target pixel
    double support;  // half the filter's width
    double inverse;  // of it
    int bits;        // the weights' sum is 2^bits
    int taps;        // weights kept for a target pixel, even
};

// No more than 16 bits, so that columns' sums fit into 31; a weight is at most 2^14.
WITHIN_HOST_DEVICE Axis axis_of(int64_t source, int64_t target) {
    Axis axis;
    axis.source = source;
    axis.scale = static_cast<double>(source) / static_cast<double>(target);
    axis.support = axis.scale > 1 ? axis.scale : 1;
    axis.inverse = 1 / axis.support;
    axis.bits = axis.scale >= 8 ? 16 : axis.scale >= 4 ? 15 : 14;
    // As many as lie in an interval of twice the support, whose ends are rounded; two where it is at most one pixel.
    const int64_t most = axis.scale > 1 ? static_cast<int64_t>(2 * axis.support) + 1 : 2;
    axis.taps = static_cast<int>(most + 1) / 2 * 2;
    return axis;
}

struct Taps {
    int first;
    int count;
};

WITHIN_HOST_DEVICE Taps taps_of(const Axis& axis, int64_t target) {
    const double centre = axis.scale * (static_cast<double>(target) + 0.5);
    const double from = centre - axis.support + 0.5, to = centre + axis.support + 0.5;
    const int first = from > 0 ? static_cast<int>(from) : 0;
    const int last = to < static_cast<double>(axis.source) ? static_cast<int>(to) : static_cast<int>(axis.source);
    const int count = last - first < axis.taps ? last - first : axis.taps;
    return {first, count};
}

WITHIN_HOST_DEVICE double triangle(const Axis& axis, double offset) {
    const double height = 1 - fabs(offset * axis.inverse);
    return height > 0 ? height : 0;
}

// Writes axis.taps weights, zeros after the last. Their running sums are rounded, not each of them: they sum to
// 2^bits, and errors do not add up along a slope.
WITHIN_HOST_DEVICE Taps weigh_taps(const Axis& axis, int64_t target, int16_t* weights) {
    const Taps taps = taps_of(axis, target);
    const double first = static_cast<double>(taps.first) - axis.scale * (static_cast<double>(target) + 0.5) + 0.5;
    double total = 0;
    for (int i = 0; i < taps.count; ++i) total += triangle(axis, static_cast<double>(i) + first);
    const double unit = static_cast<double>(1 << axis.bits) / total;
    double running = 0;
    int before = 0;
    for (int i = 0; i < taps.count; ++i) {
        running += triangle(axis, static_cast<double>(i) + first);
        const int rounded = static_cast<int>(running * unit + 0.5);
        weights[i] = static_cast<int16_t>(rounded - before);
        before = rounded;
    }
    for (int i = taps.count; i < axis.taps; ++i) weights[i] = 0;
    return taps;
}

// What a sum of bytes times a row's weights is kept as.
WITHIN_HOST_DEVICE int row_shift(const Axis& axis) { return axis.bits - kRowBits; }
WITHIN_HOST_DEVICE int32_t round_row(int32_t sum, int shift) { return (sum + (1 << (shift - 1))) >> shift; }

// The value, in [0, 1], of a column's sum.
WITHIN_HOST_DEVICE float unit_of_column(const Axis& axis) {
    return 1.0f / (255.0f * static_cast<float>(1 << (kRowBits + axis.bits)));
}

}  // namespace WITHIN_ISA
}  // namespace within
