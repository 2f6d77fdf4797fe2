// Batch normalisation on the CPU.
#include "core/torch.h"

#include "exact/batch_norm_checks.h"
#include "exact/column_units.h"
#include "exact/shared_kernels.h"

namespace within {

using RunBatch = void(const BatchTask&);
WITHIN_KERNEL(RunBatch, batch_forward)
WITHIN_KERNEL(RunBatch, batch_backward)
WITHIN_KERNEL(RunPair, pair_columns)

namespace {

constexpr int64_t kBatchNormNumbersOfThread = 1 << 13;
using Three = std::tuple<at::Tensor, at::Tensor, at::Tensor>;
using Five = std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor, at::Tensor>;

// kernel(task) for parts of [0, count), `size` numbers each.
template <typename Task>
void share_task(void (*kernel)(const Task&), const Task& task, int64_t count, int64_t size) {
    at::parallel_for(0, count, std::max<int64_t>(1, kBatchNormNumbersOfThread / size), [&](int64_t begin, int64_t end) {
        Task own = task;
        own.begin = begin;
        own.end = end;
        kernel(own);
    });
}

// work.template run<T>() with what sums are held in.
template <typename Work>
void with_wide(Dtype dtype, const Work& work) {
    dtype == Dtype::float64 ? work(double{}) : work(float{});
}

Five exact_batch_norm_cpu(const at::Tensor& x, const std::optional<at::Tensor>& weight,
                          const std::optional<at::Tensor>& bias, const std::optional<at::Tensor>& running_mean,
                          const std::optional<at::Tensor>& running_var, bool training, double momentum, double eps) {
    const BatchShape shape = check_batch_forward(x, weight, bias, running_mean, running_var, training);
    const BatchTensors made(shape, weight, bias, running_mean, running_var, training);
    const Dtype dtype = dtype_of(x.scalar_type());
    at::Tensor out = shape.like();
    BatchTask task{};
    task.dtype = dtype;
    task.is_columns = shape.is_columns;
    task.x = shape.x.const_data_ptr();
    task.samples = shape.samples;
    task.channels = shape.channels;
    task.length = shape.length;
    task.mean = made.mean.const_data_ptr();
    task.factor = made.factor.const_data_ptr();
    task.bias = data_or_null(made.bias);
    task.out = out.mutable_data_ptr();
    ReduceTask sums{};
    sums.dtype = dtype;
    sums.reduction = Reduction::var;
    sums.x = task.x;
    sums.layout = shape.layout();
    sums.divisor = 1;
    sums.wide = made.squares.mutable_data_ptr();
    sums.mean = made.mean.mutable_data_ptr();
    with_wide(dtype, [&](auto number) {
        const auto channel = made.task<decltype(number)>(shape, training, momentum, eps);
        auto finish = [&](int64_t begin, int64_t end) {
            for (int64_t c = begin; c < end; ++c) finish_channel(channel, c);
        };
        if (shape.count() == 0) {
            made.mean.fill_(NAN);
            made.squares.fill_(NAN);
            return finish(0, shape.channels);
        }
        if (shape.is_columns) {
            if (training) {
                for_column_units(sums.layout, [&](int64_t begin, int64_t end) {
                    ReduceTask own = sums;
                    own.begin = begin;
                    own.end = end;
                    reduce_columns_kernel()(own);
                });
            }
            finish(0, shape.channels);
            return share_task(batch_forward_kernel(), task, shape.samples, std::max<int64_t>(shape.channels, 1));
        }
        // One channel after the other, so that what was read once is still near.
        const int64_t grain = std::max<int64_t>(1, kBatchNormNumbersOfThread / shape.count());
        at::parallel_for(0, shape.channels, grain, [&](int64_t begin, int64_t end) {
            for (int64_t c = begin; c < end; ++c) {
                if (training) {
                    ReduceTask own = sums;
                    own.begin = c;
                    own.end = c + 1;
                    reduce_rows_kernel()(own);
                }
                finish(c, c + 1);
                BatchTask own = task;
                own.begin = c;
                own.end = c + 1;
                batch_forward_kernel()(own);
            }
        });
    });
    auto narrowed = [&](const at::Tensor& of) {
        return running_mean ? in_format(of, running_mean->scalar_type()) : of;
    };
    return {out, made.mean, made.scale, narrowed(made.new_mean), narrowed(made.new_var)};
}

Three exact_batch_norm_backward_cpu(const at::Tensor& gradient, const at::Tensor& x,
                                    const std::optional<at::Tensor>& weight, const at::Tensor& mean,
                                    const at::Tensor& scale, bool training, bool of_x, bool of_weights) {
    const BatchShape shape = check_batch_backward(gradient, x, weight, mean, scale);
    const auto summed = wider_of(x.scalar_type());
    const auto options = x.options().dtype(summed);
    const Dtype dtype = dtype_of(x.scalar_type());
    const at::Tensor g = shape.same(gradient), means = mean.contiguous(), scales = scale.contiguous();
    const at::Tensor factor = weight ? scales * weight->to(summed) : scales;
    at::Tensor out = of_x ? shape.like() : at::empty({0}, x.options());
    at::Tensor to_weight = at::zeros({shape.channels}, options), to_bias = at::zeros({shape.channels}, options);
    const bool has_sums = of_weights || (of_x && training);
    auto weights = [&](const at::Tensor& of) { return of_weights ? of : at::empty({0}, options); };
    if (shape.x.numel() == 0) return {out, weights(to_weight), weights(to_bias)};
    PairTask pair{};
    pair.dtype = dtype;
    pair.x = shape.x.const_data_ptr();
    pair.gradient = g.const_data_ptr();
    pair.layout = shape.layout();
    pair.mean = means.const_data_ptr();
    pair.scale = scales.const_data_ptr();
    pair.statistic_sums = 1;
    pair.of_weight = to_weight.mutable_data_ptr();
    pair.of_bias = to_bias.mutable_data_ptr();
    const at::Tensor weight_share = at::empty({shape.channels}, options), bias_share = at::empty_like(weight_share);
    BatchTask task{};
    task.dtype = dtype;
    task.is_columns = shape.is_columns;
    task.is_frozen = !training;
    task.x = pair.x;
    task.gradient = pair.gradient;
    task.samples = shape.samples;
    task.channels = shape.channels;
    task.length = shape.length;
    task.mean = pair.mean;
    task.scale = pair.scale;
    task.factor = factor.const_data_ptr();
    task.of_bias = bias_share.const_data_ptr();
    task.of_weight = weight_share.const_data_ptr();
    task.out = of_x ? out.mutable_data_ptr() : nullptr;
    with_wide(dtype, [&](auto number) {
        using T = decltype(number);
        const T count = static_cast<T>(shape.count());
        auto divide = [&](int64_t begin, int64_t end) {
            for (int64_t c = begin; c < end; ++c) {
                static_cast<T*>(weight_share.mutable_data_ptr())[c] = static_cast<T*>(pair.of_weight)[c] / count;
                static_cast<T*>(bias_share.mutable_data_ptr())[c] = static_cast<T*>(pair.of_bias)[c] / count;
            }
        };
        auto sum = [&](RunPair* kernel, int64_t begin, int64_t end) {
            PairTask own = pair;
            own.begin = begin;
            own.end = end;
            kernel(own);
            divide(begin, end);
        };
        if (shape.is_columns) {
            if (has_sums) {
                for_column_units(pair.layout,
                                 [&](int64_t begin, int64_t end) { sum(pair_columns_kernel(), begin, end); });
            }
            if (of_x) share_task(batch_backward_kernel(), task, shape.samples, shape.channels);
            return;
        }
        const int64_t grain = std::max<int64_t>(1, kBatchNormNumbersOfThread / shape.count());
        at::parallel_for(0, shape.channels, grain, [&](int64_t begin, int64_t end) {
            for (int64_t c = begin; c < end; ++c) {
                if (has_sums) sum(pair_rows_kernel(), c, c + 1);
                if (!of_x) continue;
                BatchTask own = task;
                own.begin = c;
                own.end = c + 1;
                batch_backward_kernel()(own);
            }
        });
    });
    return {out, weights(to_weight), weights(to_bias)};
}

}  // namespace

TORCH_LIBRARY_IMPL(within, CPU, m) {
    m.impl("exact_batch_norm", &exact_batch_norm_cpu);
    m.impl("exact_batch_norm_backward", &exact_batch_norm_backward_cpu);
}

}  // namespace within
