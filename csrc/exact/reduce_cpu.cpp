// Reductions on the CPU.
#include "core/torch.h"

#include "core/kept_memory.h"
#include "exact/column_units.h"
#include "exact/reduce_checks.h"
#include "exact/shared_kernels.h"
#include "exact/sum.h"

namespace within {

using RunBlocks = void(const BlocksTask&);
using RunSlope = void(const ReduceSlope&);
WITHIN_KERNEL(RunBlocks, reduce_blocks)
WITHIN_KERNEL(RunSlope, reduce_slope)

namespace {

constexpr int64_t kReduceNumbersOfThread = 1 << 14;
constexpr int64_t kLongRow = 1 << 16;  // numbers of a row that threads share

// One stage of a row, its blocks shared among threads.
template <typename T>
T share_blocks(BlocksTask task, int64_t n, Stage stage, T centre) {
    const int64_t blocks = (n + kSumBlock - 1) / kSumBlock;
    const KeptMemory memory(blocks * sizeof(T));
    T* const sums = memory.as<T>();
    task.stage = stage;
    task.centre = centre;
    task.sums = sums;
    at::parallel_for(0, blocks, kReduceNumbersOfThread / kSumBlock, [&, task](int64_t begin, int64_t end) {
        BlocksTask own = task;
        own.begin = begin;
        own.end = end;
        reduce_blocks_kernel()(own);
    });
    if (stage == Stage::amax || stage == Stage::amin) {
        using Most = Extreme<LaneOf<T>, false>;
        using Least = Extreme<LaneOf<T>, true>;
        auto most = Most::kLowest;
        for (int64_t i = 0; i < blocks; ++i)
            most = std::max(most, stage == Stage::amax ? Most::order(sums[i]) : Least::order(sums[i]));
        return stage == Stage::amax ? Most::number(most) : Least::number(most);
    }
    BlockSums<T> total;
    for (int64_t i = 0; i < blocks; ++i) total.add(sums[i]);
    return total.total();
}

template <typename T>
T reduce_long_row(const ReducePlan& plan, const BlocksTask& task) {
    const int64_t n = plan.numbers;
    auto stage = [&](Stage of, T centre) { return share_blocks<T>(task, n, of, centre); };
    const T count = static_cast<T>(n), divisor = static_cast<T>(plan.divisor);
    T centre = 0;
    switch (plan.reduction) {
        case Reduction::amax:
            return stage(Stage::amax, 0);
        case Reduction::amin:
            return stage(Stage::amin, 0);
        case Reduction::logsumexp:
            centre = stage(Stage::amax, 0);
            if (!std::isfinite(centre)) return centre;
            return finish<T>(plan.reduction, stage(Stage::powers, centre), centre, count, divisor);
        case Reduction::var:
        case Reduction::std:
            centre = finish<T>(Reduction::mean, stage(Stage::sum, 0), T{0}, count, divisor);
            return finish<T>(plan.reduction, stage(Stage::squares, centre), centre, count, divisor);
        default:
            return finish<T>(plan.reduction, stage(Stage::sum, 0), centre, count, divisor);
    }
}

at::Tensor exact_reduce_cpu(const at::Tensor& x, at::IntArrayRef dim, bool keepdim, std::string_view name,
                            double correction) {
    const ReducePlan plan = plan_reduce(x, dim, keepdim, name, correction);
    if (plan.numbers == 0) return reduce_nothing(plan);
    at::Tensor out = at::empty(plan.shape, x.options());
    if (plan.sums == 0) return out;
    const Dtype dtype = dtype_of(x.scalar_type());
    const void* const data = plan.x.const_data_ptr();
    ReduceTask task{dtype, plan.reduction,         data,    plan.layout, plan.divisor, 0,
                    0,     out.mutable_data_ptr(), nullptr, nullptr};
    if (plan.is_rows() && plan.sums < at::get_num_threads() && plan.numbers >= kLongRow) {
        for (int64_t which = 0; which < plan.sums; ++which) {
            const BlocksTask blocks{dtype, Stage::sum, data, plan.layout, which, 0, 0, 0, nullptr};
            with_element(dtype, [&](auto element) {
                using Element = decltype(element);
                const auto value = reduce_long_row<Wider<Element>>(plan, blocks);
                store(value, static_cast<Element*>(task.out) + which);
            });
        }
        return out;
    }
    if (plan.is_rows()) {
        const int64_t grain = std::max<int64_t>(1, kReduceNumbersOfThread / plan.numbers);
        at::parallel_for(0, plan.sums, grain, [&](int64_t begin, int64_t end) {
            ReduceTask own = task;
            own.begin = begin;
            own.end = end;
            reduce_rows_kernel()(own);
        });
        return out;
    }
    for_column_units(plan.layout, [&](int64_t begin, int64_t end) {
        ReduceTask own = task;
        own.begin = begin;
        own.end = end;
        reduce_columns_kernel()(own);
    });
    return out;
}

at::Tensor exact_reduce_slope_cpu(const at::Tensor& x, const at::Tensor& centre, const at::Tensor& factor,
                                  bool is_power) {
    const SlopeShape shape = check_slope(x, centre, factor);
    if (!shape.is_plain) return reduce_slope_by_steps(x, centre, factor, is_power);
    const at::Tensor given = x.contiguous(), centres = centre.contiguous(), factors = factor.contiguous();
    at::Tensor out = at::empty(given.sizes(), given.options());
    if (out.numel() == 0) return out;
    const ReduceSlope task{dtype_of(x.scalar_type()),
                           is_power,
                           given.const_data_ptr(),
                           centres.const_data_ptr(),
                           factors.const_data_ptr(),
                           shape.n,
                           shape.inner,
                           0,
                           0,
                           out.mutable_data_ptr()};
    const int64_t grain = std::max<int64_t>(1, kReduceNumbersOfThread / shape.inner);
    at::parallel_for(0, out.numel() / shape.inner, grain, [&](int64_t begin, int64_t end) {
        ReduceSlope own = task;
        own.begin = begin;
        own.end = end;
        reduce_slope_kernel()(own);
    });
    return out;
}

}  // namespace

TORCH_LIBRARY_IMPL(within, CPU, m) {
    m.impl("exact_reduce", &exact_reduce_cpu);
    m.impl("exact_reduce_slope", &exact_reduce_slope_cpu);
}

}  // namespace within
