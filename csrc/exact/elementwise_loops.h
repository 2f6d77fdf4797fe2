// The CPU loops of elementwise functions.
#pragma once

#include "core/standard.h"
//
#include "exact/elementwise.h"

namespace within {
inline namespace WITHIN_ISA {

template <typename Element>
struct UnaryLoop {
    const UnaryTask& task;

    template <Unary function>
    void run() const {
        constexpr int64_t kCount = Lanes::kCount;
        const Element* const x = static_cast<const Element*>(task.x);
        Element* const out = static_cast<Element*>(task.out);
        int64_t i = task.begin;
        if constexpr (std::is_same_v<Element, float>) {
            for (; i + kCount <= task.end; i += kCount)
                Lanes::store(out + i, apply<Lanes, function>(Lanes::load(x + i)));
        }
        for (; i < task.end; i += kCount) {
            const int64_t count = std::min(kCount, task.end - i);
            float some[kCount] = {};
            for (int64_t k = 0; k < count; ++k) some[k] = load(x[i + k]);
            Lanes::store(some, apply<Lanes, function>(Lanes::load(some)));
            for (int64_t k = 0; k < count; ++k) store(some[k], out + i + k);
        }
    }
};

void unary_apply(const UnaryTask& task) {
    switch (task.dtype) {
        case Dtype::float16:
            return with_function(task.function, UnaryLoop<Float16>{task});
        case Dtype::bfloat16:
            return with_function(task.function, UnaryLoop<BFloat16>{task});
        default:
            return with_function(task.function, UnaryLoop<float>{task});
    }
}

}  // namespace WITHIN_ISA
}  // namespace within
