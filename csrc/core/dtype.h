// The formats that numbers are stored in.
#pragma once

#include <type_traits>

#include "core/half.h"

namespace within {

enum class Dtype { float64, float32, float16, bfloat16 };

inline namespace WITHIN_ISA {

// Calls work(element), a number of that format; what it does with it is for its type alone.
template <typename Work>
auto with_element(Dtype dtype, const Work& work) {
    switch (dtype) {
        case Dtype::float64:
            return work(double{});
        case Dtype::float32:
            return work(float{});
        case Dtype::float16:
            return work(Float16{});
        default:
            return work(BFloat16{});
    }
}

// What numbers of a format are added up in.
template <typename Element>
using Wider = std::conditional_t<std::is_same_v<Element, double>, double, float>;

}  // namespace WITHIN_ISA
}  // namespace within
