// Which steps an image goes through, in which order.
#pragma once

#include "augment/image.h"

namespace within {
inline namespace WITHIN_ISA {

constexpr int kStyle = kHue + 1;  // comes after the colour steps

// Steps are four bits each: a GPU keeps them in a register.
struct Plan {
    uint32_t steps;
    int count;
    int waits;  // steps that wait for a statistic of the whole image

    WITHIN_HOST_DEVICE int step(int number) const { return static_cast<int>(steps >> 4 * number & 15); }
};

WITHIN_HOST_DEVICE Plan plan_of(const ImageIntegers& integers, const ImageFloats& floats) {
    Plan plan;
    plan.steps = 0;
    plan.count = plan.waits = 0;
    for (int i = 0; i < 4; ++i) {
        const int32_t step = integers.order[i];
        const bool is_on = step == kBrightness   ? floats.brightness != 1
                           : step == kContrast   ? floats.contrast != 1
                           : step == kSaturation ? floats.saturation != 1
                                                 : floats.hue != 0;
        if (!is_on) continue;
        plan.steps |= static_cast<uint32_t>(step) << 4 * plan.count++;
        plan.waits += step == kContrast;
    }
    if (floats.style_weight != 0) {
        plan.steps |= static_cast<uint32_t>(kStyle) << 4 * plan.count++;
        ++plan.waits;
    }
    return plan;
}

WITHIN_HOST_DEVICE bool waits_for_statistic(int step) { return step == kContrast || step == kStyle; }

}  // namespace WITHIN_ISA
}  // namespace within
