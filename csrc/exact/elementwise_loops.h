// The CPU loops of elementwise functions.
#pragma once

#include "core/standard.h"
//
#include "exact/elementwise.h"
#include "exact/narrow_loops.h"

namespace within {
inline namespace WITHIN_ISA {

// As many numbers, the function of them or, where there is a gradient, what comes back through it; out may be x.
template <typename T>
using ApplyNumbers = void(int64_t count, const T* gradient, const T* x, T a, T b, T* out);

// work(load), whole registers at a time, then what is left in one that is filled up with zeros.
template <typename L, typename T, typename Work>
inline void over_registers(int64_t count, T* out, const Work& work) {
    constexpr int64_t kCount = L::kCount;
    int64_t i = 0;
    for (; i + kCount <= count; i += kCount) L::store(out + i, work([i](const T* from) { return L::load(from + i); }));
    if (i == count) return;
    T rest[kCount];
    L::store(rest, work([i, count](const T* from) {
                 T some[kCount] = {};
                 memcpy(some, from + i, (count - i) * sizeof(T));
                 return L::load(some);
             }));
    memcpy(out + i, rest, (count - i) * sizeof(T));
}

template <typename T, Unary function>
void apply_numbers(int64_t count, const T* gradient, const T* x, T first, T second, T* out) {
    using L = std::conditional_t<std::is_same_v<T, double>, Scalar64, Lanes>;
    const typename L::Float a = L::all(first), b = L::all(second);
    if (gradient == nullptr) {
        over_registers<L>(count, out, [&](const auto& load) { return apply<L, function>(load(x), a, b); });
    } else {
        over_registers<L>(count, out,
                          [&](const auto& load) { return apply_backward<L, function>(load(gradient), load(x), a, b); });
    }
}

template <typename T>
struct Chosen {
    ApplyNumbers<T>** one;

    template <Unary function>
    void run() const {
        *one = &apply_numbers<T, function>;
    }
};

// 16-bit numbers go through float32, a piece at a time.
template <typename Element>
void apply_task(const UnaryTask& task) {
    using T = Wider<Element>;
    ApplyNumbers<T>* one = nullptr;
    with_function(task.function, Chosen<T>{&one});
    const T a = static_cast<T>(task.a), b = static_cast<T>(task.b);
    const bool has_gradient = task.gradient != nullptr;
    const Element* const gradient = static_cast<const Element*>(task.gradient) + (has_gradient ? task.begin : 0);
    const Element* const x = static_cast<const Element*>(task.x) + task.begin;
    Element* const out = static_cast<Element*>(task.out) + task.begin;
    const int64_t count = task.end - task.begin;
    if constexpr (std::is_same_v<Element, T>) {
        one(count, gradient, x, a, b, out);
    } else {
        constexpr int64_t kPiece = 1024;
        float gradients[kPiece], numbers[kPiece];
        for (int64_t i = 0; i < count; i += kPiece) {
            const int64_t piece = std::min(kPiece, count - i);
            if (has_gradient) widen(gradient + i, piece, gradients);
            widen(x + i, piece, numbers);
            one(piece, has_gradient ? gradients : nullptr, numbers, a, b, numbers);
            narrow(numbers, piece, out + i);
        }
    }
}

void unary_apply(const UnaryTask& task) {
    with_element(task.dtype, [&](auto element) { apply_task<decltype(element)>(task); });
}

}  // namespace WITHIN_ISA
}  // namespace within
