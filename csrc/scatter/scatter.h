// The arithmetic of a scatter sum: what every loop and every launch calls.
#pragma once

#include "core/exact_accumulator.h"

namespace within {
inline namespace WITHIN_ISA {

// One exact sum in the making, on the stack of a thread.
struct ExactSum {
    int64_t limbs[kLimbs];
    int64_t added;
    int special;

    WITHIN_HOST_DEVICE void clear() {
        for (int i = 0; i < kLimbs; ++i) limbs[i] = 0;
        added = 0;
        special = 0;
    }

    WITHIN_HOST_DEVICE void add(double value) {
        const Term term = split(value);
        limbs[term.limb] += term.parts[0];
        limbs[term.limb + 1] += term.parts[1];
        limbs[term.limb + 2] += term.parts[2];
        special |= term.special;
        if (++added == kAddsBeforeCarry) {
            pass_carries(limbs);
            added = 1;
        }
    }

    WITHIN_HOST_DEVICE double finish(Format format) { return round_sum(limbs, special, format); }
};

}  // namespace WITHIN_ISA
}  // namespace within
