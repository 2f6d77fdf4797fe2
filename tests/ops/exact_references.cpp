// Functions in float64 by the C library, for tests/ops/exact_errors.cpp; compiled with -ffast-math, so that its
// functions of vectors are taken (a few ulp of float64).
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#define FOR_ALL(expression)                               \
    _Pragma("omp simd") for (int i = 0; i < count; ++i) { \
        const double x = from[i];                         \
        to[i] = expression;                               \
    }                                                     \
    return true

// The sine of numbers at one distance, or their cosine: that of the first one turned on, as the C library takes long
// for numbers far out. Where little is left of it, which loses digits, the C library's after all.
void turned(bool is_cosine, int count, const double* from, double* to) {
    static std::vector<double> sines, cosines;
    static double distance = 0;
    if (distance != from[1] - from[0]) {
        distance = from[1] - from[0];
        sines.resize(count);
        cosines.resize(count);
        for (int i = 0; i < count; ++i) sines[i] = std::sin(i * distance);
        for (int i = 0; i < count; ++i) cosines[i] = std::cos(i * distance);
    }
    const double sine = std::sin(from[0]), cosine = std::cos(from[0]);
    const double first = is_cosine ? cosine : sine, other = is_cosine ? -sine : cosine;
    for (int i = 0; i < count; ++i) to[i] = first * cosines[i] + other * sines[i];
    for (int i = 0; i < count; ++i)
        if (std::fabs(to[i]) < 0x1p-16) to[i] = is_cosine ? std::cos(from[i]) : std::sin(from[i]);
}

// Whether there is a function of that name; the numbers are sorted, and far out at one distance.
bool reference(const char* name, int count, const double* from, double* to) {
    const auto is = [name](const char* other) { return std::strcmp(name, other) == 0; };
    if (is("exp")) {
        FOR_ALL(std::exp(x));
    }
    if (is("expm1")) {
        FOR_ALL(std::expm1(x));
    }
    if (is("log")) {
        FOR_ALL(std::log(x));
    }
    if (is("log1p")) {
        FOR_ALL(std::log1p(x));
    }
    if (is("tanh")) {
        FOR_ALL(std::tanh(x));
    }
    if (is("sigmoid")) {
        FOR_ALL(1 / (1 + std::exp(-x)));
    }
    if (is("logsigmoid")) {
        FOR_ALL(std::fmin(x, 0) - std::log1p(std::exp(-std::fabs(x))));
    }
    if (is("softplus")) {
        FOR_ALL(std::fmax(x, 0) + std::log1p(std::exp(-std::fabs(x))));
    }
    if (is("erf")) {
        FOR_ALL(std::erf(x));
    }
    if (is("sqrt")) {
        FOR_ALL(std::sqrt(x));
    }
    if (is("rsqrt")) {
        FOR_ALL(1 / std::sqrt(x));
    }
    if ((is("sin") || is("cos")) && std::fabs(from[0]) > 0x1p30 && count > 1) {
        turned(is("cos"), count, from, to);
        return true;
    }
    if (is("sin")) {
        FOR_ALL(std::sin(x));
    }
    if (is("cos")) {
        FOR_ALL(std::cos(x));
    }
    if (is("silu")) {
        FOR_ALL(x / (1 + std::exp(-x)));
    }
    if (is("gelu")) {
        FOR_ALL(0.5 * x * std::erfc(x * -0.70710678118654752440));
    }
    if (is("gelu_tanh")) {
        FOR_ALL(x / (1 + std::exp(x * -1.5957691216057307918 * (1 + 0.044715 * (x * x)))));
    }
    if (is("mish")) {
        FOR_ALL(x * (std::exp(x) * (std::exp(x) + 2)) / (std::exp(x) * (std::exp(x) + 2) + 2));
    }
    return false;
}
