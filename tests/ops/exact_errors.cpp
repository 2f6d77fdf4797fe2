// The largest error, in units of the last place, of an elementwise function over float32 numbers:
//
// exact_errors FUNCTION FIRST LAST STEP
//
// tries 2048 numbers from those with bits FIRST, FIRST + STEP, ... below LAST on, and prints the error and where it is.
// A wrong special value ends the run. Compiled with WITHIN_ERRORS_ISA, the header of an instruction set.
#include WITHIN_ERRORS_ISA

#include <cstdio>
#include <limits>
#include <string>

#include "exact/elementwise.h"

// The function in float64 (exact_references.cpp); false where there is none.
bool reference(const char* name, int count, const double* from, double* to);

namespace {

using namespace within;

constexpr double kInfinity = std::numeric_limits<double>::infinity(), kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kLargest = 0x1.fffffep127, kSmallest = 0x1p-149;
constexpr double kArgument = 0x1p900;  // as a value: the argument itself

// From least to most the reference says what is right; what is less gives below, what is more above. Near 0, where its
// square is below a float64's last bit, the function is at_zero + slope x; nothing is known there where at_zero is NaN.
struct Shape {
    const char* name;
    double least, below, most, above, at_zero, slope, curve;
};
constexpr Shape kShapes[] = {
    {"exp", -104.5, 0, 89, kInfinity, 1, 1, 0.5},
    {"expm1", -30, -1, 89, kInfinity, 0, 1, 0.5},
    {"log", kSmallest, kNan, kLargest, kInfinity, kNan, 0, 0},
    {"log1p", -1, kNan, kLargest, kInfinity, 0, 1, -0.5},
    {"tanh", -20, -1, 20, 1, 0, 1, 0},
    {"sigmoid", -104.5, 0, 20, 1, 0.5, 0.25, 0},
    {"logsigmoid", -20, kArgument, 104.5, 0, -0.69314718055994530942, 0.5, -0.125},
    {"softplus", -104.5, 0, 20, kArgument, 0.69314718055994530942, 0.5, 0.125},
    {"erf", -6, -1, 6, 1, 0, 1.1283791670955125739, 0},
    {"sqrt", 0, kNan, kLargest, kInfinity, kNan, 0, 0},
    {"rsqrt", kSmallest, kNan, kLargest, 0, kNan, 0, 0},
    {"sin", -kLargest, kNan, kLargest, kNan, 0, 1, 0},
    {"cos", -kLargest, kNan, kLargest, kNan, 1, 0, -0.5},
    {"silu", -112.5, 0, 20, kArgument, 0, 0.5, 0.25},
    {"gelu", -15, 0, 10, kArgument, 0, 0.5, 0.39894228040143267794},
    {"gelu_tanh", -15, 0, 10, kArgument, 0, 0.5, 0.39894228040143267794},
    {"mish", -112.5, 0, 20, kArgument, 0, 0.6, 0.32},
};
constexpr double kNearZero = 0x1p-27;
constexpr int kBlock = 2048;

void refuse(const char* name, double x, float y) {
    std::printf("%s of %a gives %a\n", name, x, y);
    std::exit(1);
}

// Errors of y in ulp where the exact value is a float32 number; -1 where it is none.
void measure(const float* y, const double* exact, double* errors) {
    for (int i = 0; i < kBlock; ++i) {
        const double size = exact[i] < 0 ? -exact[i] : exact[i];
        const uint64_t exponent = bits_of(exact[i]) & 0x7ff0000000000000ull, least = uint64_t{1023 - 126} << 52;
        const double unit = double_of((exponent < least ? least : exponent) - (uint64_t{23} << 52));
        const double difference = y[i] - exact[i], error = (difference < 0 ? -difference : difference) / unit;
        errors[i] = size < kLargest ? error : -1;
    }
}

struct Run {
    const Shape& shape;
    uint64_t first;
    uint64_t last;
    uint64_t step;

    template <Unary function>
    void run() const {
        float x[kBlock], y[kBlock];
        double inside[kBlock], exact[kBlock], errors[kBlock];
        double worst = 0, at = 0;
        for (uint64_t block = first; block < last; block += step) {
            // A block is of one sign, and sorted.
            for (int i = 0; i < kBlock; ++i) x[i] = same_bits<float>(static_cast<uint32_t>(block + i));
            for (int i = 0; i < kBlock; i += Lanes::kCount)
                Lanes::store(y + i, apply<Lanes, function>(Lanes::load(x + i), Lanes::all(1), Lanes::all(20)));
            const double low = std::min(x[0], x[kBlock - 1]), high = std::max(x[0], x[kBlock - 1]);
            if (low > shape.most || high < shape.least || !(low <= high)) {
                look_beyond(x, y, 0, kBlock);
                continue;
            }
            if (std::max(-low, high) < kNearZero && shape.at_zero == shape.at_zero) {
                for (int i = 0; i < kBlock; ++i) {
                    const double wide = x[i];
                    exact[i] = shape.at_zero + wide * (shape.slope + wide * shape.curve);
                }
            } else {
                for (int i = 0; i < kBlock; ++i) {
                    const double wide = x[i], raised = wide >= shape.least ? wide : shape.least;
                    inside[i] = raised <= shape.most ? raised : shape.most;
                }
                reference(shape.name, kBlock, inside, exact);
            }
            measure(y, exact, errors);
            const bool is_cut = low < shape.least || high > shape.most;
            double largest = 0, smallest = 0;
            for (int i = 0; i < kBlock; ++i) {
                largest = errors[i] > largest ? errors[i] : largest;
                smallest = errors[i] < smallest ? errors[i] : smallest;
            }
            if (!is_cut && smallest == 0 && largest <= worst) continue;
            for (int i = 0; i < kBlock; ++i) {
                if (x[i] < shape.least || x[i] > shape.most) {
                    look_beyond(x, y, i, i + 1);
                } else if (errors[i] == -1) {
                    // Half an ulp above the largest number infinity is right, and the largest may be.
                    if (!(std::fabs(y[i]) >= kLargest && std::signbit(y[i]) == std::signbit(exact[i])))
                        refuse(shape.name, x[i], y[i]);
                } else if (!(errors[i] <= worst)) {
                    worst = errors[i];
                    at = x[i];
                }
            }
        }
        std::printf("%.4f %a\n", worst, at);
    }

    // What lies outside, and what is no number.
    void look_beyond(const float* x, const float* y, int begin, int end) const {
        for (int i = begin; i < end; ++i) {
            const double value = x[i] != x[i] ? kNan : x[i] < shape.least ? shape.below : shape.above;
            const bool is_right = value != value ? same_bits<uint32_t>(y[i]) == 0x7fc00000u
                                                 : y[i] == (value == kArgument ? static_cast<double>(x[i]) : value);
            // log, rsqrt of a zero: an infinity.
            if (!is_right && !(x[i] == 0 && std::isinf(y[i]))) refuse(shape.name, x[i], y[i]);
        }
    }
};

}  // namespace

int main(int count, char** given) {
    if (count != 5) return 2;
    const std::string name = given[1];
    for (const Shape& shape : kShapes)
        for (size_t i = 0; i < std::size(kUnaryNames); ++i)
            if (name == shape.name && name == kUnaryNames[i]) {
                const Run run{shape, std::strtoull(given[2], nullptr, 0), std::strtoull(given[3], nullptr, 0),
                              std::strtoull(given[4], nullptr, 0)};
                with_function(static_cast<Unary>(i), run);
                return 0;
            }
    return 2;
}
