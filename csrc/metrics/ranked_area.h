// The area under a ROC curve from scores in order: positives against negatives, ties counted half (Hanley and McNeil,
// "The meaning and use of the area under a receiver operating characteristic curve", Radiology 143, 1982).
#pragma once

#include "metrics/fixed_point.h"

namespace within {
inline namespace WITHIN_ISA {

// Without weights: twice the pairs in which the positive lies higher, ties once, of 2^31 rows at most.
struct CountedArea {
    uint64_t pairs;
    uint64_t positives;
    uint64_t negatives;
};

// Adds the rows of one score, which is above those added before.
WITHIN_HOST_DEVICE void add_tie(CountedArea& area, uint64_t positives, uint64_t negatives) {
    area.pairs += positives * (2 * area.negatives + negatives);
    area.positives += positives;
    area.negatives += negatives;
}

WITHIN_HOST_DEVICE double finish_area(const CountedArea& area) {
    if (area.positives == 0 || area.negatives == 0) return double_of(0x7ff8000000000000ull);
    return static_cast<double>(area.pairs) / static_cast<double>(2 * area.positives * area.negatives);
}

// The weight of positives and of negatives, each in a unit of its own.
struct Sides {
    Fixed positive;
    Fixed negative;
};

// Brings products of a positive and twice a negative weight below 2^124, whatever the units.
WITHIN_HOST_DEVICE double scale_of_pairs(const Sides& total) {
    const int exponent =
        exponent_of(double_of_fixed(total.positive)) + exponent_of(double_of_fixed(total.negative)) + 3;
    return double_of(static_cast<uint64_t>(124 - exponent + 1023) << 52);
}

// What the rows of one score add to the pairs, `before` being what lies below them.
WITHIN_HOST_DEVICE Fixed weighted_pairs(const Sides& before, const Sides& tie, double scale) {
    if (tie.positive == 0) return 0;
    const double pairs = double_of_fixed(tie.positive) * double_of_fixed(2 * before.negative + tie.negative);
    return fixed_of(pairs * scale, 0);
}

WITHIN_HOST_DEVICE double finish_area(Fixed pairs, const Sides& total, double scale) {
    if (total.positive == 0 || total.negative == 0) return double_of(0x7ff8000000000000ull);
    const double all = 2 * double_of_fixed(total.positive) * double_of_fixed(total.negative) * scale;
    const double area = double_of_fixed(pairs) / all;
    return area < 1 ? area : 1;
}

}  // namespace WITHIN_ISA
}  // namespace within
