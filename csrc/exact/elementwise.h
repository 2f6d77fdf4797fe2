// What the kernels of elementwise functions are given.
#pragma once

#include "core/dtype.h"
#include "exact/functions.h"

namespace within {

enum class Unary { exp, log, log1p, tanh, sigmoid, softplus, erf, sqrt, silu, gelu, gelu_tanh };
constexpr const char* kUnaryNames[] = {"exp", "log",  "log1p", "tanh", "sigmoid",  "softplus",
                                       "erf", "sqrt", "silu",  "gelu", "gelu_tanh"};

struct UnaryTask {
    Unary function;
    Dtype dtype;
    const void* x;
    int64_t begin;
    int64_t end;
    void* out;
};

inline namespace WITHIN_ISA {

template <typename L, Unary function>
WITHIN_HOST_DEVICE typename L::Float apply(typename L::Float x) {
    using F = Functions<L>;
    if constexpr (function == Unary::exp) return F::exp(x);
    if constexpr (function == Unary::log) return F::log(x);
    if constexpr (function == Unary::log1p) return F::log1p(x);
    if constexpr (function == Unary::tanh) return F::tanh(x);
    if constexpr (function == Unary::sigmoid) return F::sigmoid(x);
    if constexpr (function == Unary::softplus) return F::softplus(x);
    if constexpr (function == Unary::erf) return F::erf(x);
    if constexpr (function == Unary::sqrt) return F::root(x);
    if constexpr (function == Unary::silu) return F::silu(x);
    if constexpr (function == Unary::gelu) return F::gelu(x);
    if constexpr (function == Unary::gelu_tanh) return F::gelu_tanh(x);
}

// Calls work.template run<function>().
template <typename Work>
void with_function(Unary function, const Work& work) {
    switch (function) {
        case Unary::exp:
            return work.template run<Unary::exp>();
        case Unary::log:
            return work.template run<Unary::log>();
        case Unary::log1p:
            return work.template run<Unary::log1p>();
        case Unary::tanh:
            return work.template run<Unary::tanh>();
        case Unary::sigmoid:
            return work.template run<Unary::sigmoid>();
        case Unary::softplus:
            return work.template run<Unary::softplus>();
        case Unary::erf:
            return work.template run<Unary::erf>();
        case Unary::sqrt:
            return work.template run<Unary::sqrt>();
        case Unary::silu:
            return work.template run<Unary::silu>();
        case Unary::gelu:
            return work.template run<Unary::gelu>();
        case Unary::gelu_tanh:
            return work.template run<Unary::gelu_tanh>();
    }
}

}  // namespace WITHIN_ISA
}  // namespace within
