// Sums, means, variances, log-sum-exp and extremes of the numbers along dimensions: what kernels are given.
//
// Sums are in the order of exact/sum.h, over the numbers in the order of the dimensions that are summed over. The mean
// is the sum / n; the variance is the sum of fma(d, d, .) with d = x - mean, / (n - correction); its root the standard
// deviation; log-sum-exp is m + log(sum of exp(x - m)) with m the largest number, or m where that is not finite.
// Extremes are those of IEEE 754's maximum and minimum: +0 is above -0, and any NaN makes the result one.
#pragma once

#include "core/dtype.h"
#include "exact/softmax.h"
#include "exact/sum.h"

namespace within {

enum class Reduction { sum, mean, var, std, logsumexp, amax, amin };
constexpr const char* kReductionNames[] = {"sum", "mean", "var", "std", "logsumexp", "amax", "amin"};

// Where the numbers of sums lie, in elements. Of sum s, number i is at
// s / inner * outer_step + s % inner * inner_step + i / length * segment_step + i % length * step.
struct SumLayout {
    int64_t outer = 1;
    int64_t inner = 1;
    int64_t outer_step = 0;
    int64_t inner_step = 0;
    int64_t segments = 1;
    int64_t length = 1;
    int64_t segment_step = 0;
    int64_t step = 1;
};

constexpr int64_t kReduceColumns = 64;  // at most, of a unit of work

// T is float, or double for float64.
struct ReduceTask {
    Dtype dtype;
    Reduction reduction;
    const void* x;
    SumLayout layout;
    double divisor;  // of var and std
    int64_t begin;   // sums of reduce_rows; those of one index of `outer` for reduce_columns, kReduceColumns at most
    int64_t end;
    void* out;   // of x's format [sums], or null
    void* wide;  // T [sums], or null
    void* mean;  // T [sums] of var and std, or null
};

// What a long row's blocks are summed to first.
enum class Stage { sum, squares, powers, amax, amin };

// Blocks [begin, end) of sum `which`.
struct BlocksTask {
    Dtype dtype;
    Stage stage;
    const void* x;
    SumLayout layout;
    int64_t which;
    int64_t begin;
    int64_t end;
    double centre;  // the mean, or the largest number
    void* sums;     // T [blocks]
};

// The gradient of x, [outer, n, inner], contiguous: (x - centre) * factor, or factor * exp(x - centre) of powers, 0
// where the centre is -inf; centre and factor are T [outer, inner].
struct ReduceSlope {
    Dtype dtype;
    bool is_power;
    const void* x;
    const void* centre;
    const void* factor;
    int64_t n;
    int64_t inner;
    int64_t begin;  // numbers where inner is 1, lines of `inner` numbers otherwise
    int64_t end;
    void* out;
};

inline namespace WITHIN_ISA {

WITHIN_HOST_DEVICE int64_t numbers_of(const SumLayout& layout) { return layout.segments * layout.length; }
WITHIN_HOST_DEVICE int64_t sums_of(const SumLayout& layout) { return layout.outer * layout.inner; }
WITHIN_HOST_DEVICE int64_t blocks_of_sum(const SumLayout& layout) {
    return (numbers_of(layout) + kSumBlock - 1) / kSumBlock;
}
WITHIN_HOST_DEVICE int64_t offset_of(const SumLayout& layout, int64_t sum) {
    return sum / layout.inner * layout.outer_step + sum % layout.inner * layout.inner_step;
}

// Numbers as integers of the same order, -0 below +0; a NaN is above all. Of minima, -x is compared.
template <typename L, bool is_least>
struct Extreme {
    using Float = typename L::Float;
    using Int = typename L::Int;
    using One = std::conditional_t<std::is_same_v<L, Scalar64>, int64_t, int32_t>;
    static constexpr One kGreatest = static_cast<One>(~(One{1} << (8 * sizeof(One) - 1)));
    static constexpr One kLowest = static_cast<One>(One{1} << (8 * sizeof(One) - 1));

    WITHIN_HOST_DEVICE static Int order(Float x) {
        const Int bits = same_bits<Int>(is_least ? -x : x);
        return x == x ? bits ^ ((bits >> (8 * sizeof(One) - 1)) & kGreatest) : Int{} + kGreatest;
    }
    WITHIN_HOST_DEVICE static Float number(Int order) {
        const Float x = same_bits<Float>(order ^ ((order >> (8 * sizeof(One) - 1)) & kGreatest));
        return Functions<L>::canonical(is_least ? -x : x);
    }
    WITHIN_HOST_DEVICE static Int larger(Int a, Int b) { return a > b ? a : b; }
};

// The result of what was summed: the sum, the squares about the mean, or the powers about the largest number.
template <typename T>
WITHIN_HOST_DEVICE T finish(Reduction reduction, T sum, T centre, T count, T divisor) {
    using F = Functions<LaneOf<T>>;
    T value = sum;
    if (reduction == Reduction::mean) value = sum / count;
    if (reduction == Reduction::var || reduction == Reduction::std) value = sum / divisor;
    if (reduction == Reduction::std) value = F::root(value);
    if (reduction == Reduction::logsumexp) value = centre + F::log(sum);
    return F::canonical(value);
}

}  // namespace WITHIN_ISA
}  // namespace within
