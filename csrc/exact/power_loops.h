// The CPU loops of powers.
#pragma once

#include "core/standard.h"
//
#include "exact/narrow_loops.h"
#include "exact/power.h"

namespace within {
inline namespace WITHIN_ISA {

template <typename Element>
struct PowerLoop {
    using T = Wider<Element>;
    using L = std::conditional_t<std::is_same_v<T, double>, Scalar64, Lanes>;
    static constexpr int64_t kPiece = 1024;
    const PowerTask& task;

    template <PowerPart part>
    void run() const {
        T gradients[kPiece] = {}, bases[kPiece] = {}, exponents[kPiece] = {}, results[kPiece];
        const Element* const gradient = static_cast<const Element*>(task.gradient);
        const Element* const x = static_cast<const Element*>(task.x);
        const Element* const y = static_cast<const Element*>(task.y);
        Element* const out = static_cast<Element*>(task.out);
        if (task.is_one_x) std::fill_n(bases, kPiece, load(*x));
        if (task.is_one_y) std::fill_n(exponents, kPiece, load(*y));
        for (int64_t i = task.begin; i < task.end; i += kPiece) {
            const int64_t count = std::min(kPiece, task.end - i);
            if (part != PowerPart::value) read(gradient + i, count, gradients);
            if (!task.is_one_x) read(x + i, count, bases);
            if (!task.is_one_y) read(y + i, count, exponents);
            // What lies behind the last ones is of no use, and harmless.
            for (int64_t k = 0; k < count; k += L::kCount)
                L::store(results + k,
                         power_part<L, part>(L::load(gradients + k), L::load(bases + k), L::load(exponents + k)));
            write(results, count, out + i);
        }
    }

    static void read(const Element* from, int64_t count, T* to) {
        if constexpr (sizeof(Element) > 2) {
            memcpy(to, from, count * sizeof(T));
        } else {
            widen(from, count, to);
        }
    }
    static void write(const T* from, int64_t count, Element* to) {
        if constexpr (sizeof(Element) > 2) {
            memcpy(to, from, count * sizeof(T));
        } else {
            narrow(from, count, to);
        }
    }
};

void power_apply(const PowerTask& task) {
    with_element(task.dtype, [&](auto element) { with_power_part(task.part, PowerLoop<decltype(element)>{task}); });
}

}  // namespace WITHIN_ISA
}  // namespace within
