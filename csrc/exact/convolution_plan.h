// How the taps of a convolution are read from planes: of its forward pass, and of its gradient of the input.
#pragma once

#include <algorithm>
#include <vector>

#include "exact/convolution.h"

namespace within {

// Positions of an axis that the same kernel places reach: place kernel[i] reads the number offset[i] from the
// position's.
struct AxisTaps {
    std::vector<int64_t> kernel;
    std::vector<int64_t> offset;
    int64_t positions;
};

// What is read along an axis.
struct AxisPlan {
    int64_t source;                // numbers
    int64_t source_step;           // from one to the next that is read
    int64_t before;                // zeros
    int64_t length;                // with zeros
    int64_t step;                  // of numbers, from position to position
    std::vector<AxisTaps> phases;  // results i of equal i % phases.size()
};

inline AxisPlan forward_axis(const ConvolutionAxis& axis) {
    AxisTaps taps{{}, {}, axis.out};
    for (int64_t i = 0; i < axis.kernel; ++i) {
        taps.kernel.push_back(i);
        taps.offset.push_back(i * axis.dilation);
    }
    if (axis.kernel == 1 && axis.padding == 0) return {axis.out, axis.stride, 0, axis.out, 1, {taps}};
    return {axis.in, 1, axis.padding, (axis.out - 1) * axis.stride + taps.offset.back() + 1, axis.stride, {taps}};
}

inline AxisPlan backward_axis(const ConvolutionAxis& axis) {
    AxisPlan plan{axis.out, 1, 0, 1, 1, {}};
    int64_t least = 0;
    for (int64_t phase = 0; phase < axis.stride; ++phase) {
        AxisTaps taps{{}, {}, std::max<int64_t>(0, (axis.in - phase + axis.stride - 1) / axis.stride)};
        for (int64_t i = 0; i < axis.kernel; ++i) {
            const int64_t place = phase + axis.padding - i * axis.dilation;
            if (place % axis.stride != 0) continue;
            taps.kernel.push_back(i);
            taps.offset.push_back(place / axis.stride);
            least = std::min(least, taps.offset.back());
        }
        plan.phases.push_back(std::move(taps));
    }
    plan.before = -least;
    for (AxisTaps& taps : plan.phases) {
        for (int64_t& offset : taps.offset) {
            offset += plan.before;
            plan.length = std::max(plan.length, taps.positions + offset);
        }
    }
    return plan;
}

struct PlanePlan {
    AxisPlan y;
    AxisPlan x;
    Layout layout;

    // Where the number of a tap lies, from that of its position, in rows of `row` numbers.
    int64_t offset(int64_t of_y, int64_t of_x, int64_t row) const {
        return of_y * row + of_x % layout.phases * layout.length + of_x / layout.phases;
    }
};

inline PlanePlan plan_of(AxisPlan y, AxisPlan x) {
    Layout layout{};
    layout.height = y.source;
    layout.width = x.source;
    layout.top = y.before;
    layout.left = x.before;
    layout.rows = y.length;
    layout.phases = x.step;
    layout.length = (x.length + x.step - 1) / x.step;
    layout.row = layout.phases * layout.length;
    // Planes an odd number of cache lines apart, so that numbers below a tap do not share a set of the cache.
    layout.plane = (layout.rows * layout.row + 15) / 16 * 16;
    if (layout.plane / 16 % 2 == 0) layout.plane += 16;
    return {std::move(y), std::move(x), layout};
}

inline PlanePlan forward_plan(const Convolution& of) { return plan_of(forward_axis(of.y), forward_axis(of.x)); }
inline PlanePlan backward_plan(const Convolution& of) { return plan_of(backward_axis(of.y), backward_axis(of.x)); }

}  // namespace within
