// Batch normalisation on a GPU.
#include "core/torch.h"

#include "core/cuda.h"
#include "exact/batch_norm_checks.h"
#include "exact/batch_norm_launch.h"
#include "exact/reduce_launch.h"

namespace within {
namespace {

using Three = std::tuple<at::Tensor, at::Tensor, at::Tensor>;
using Five = std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor, at::Tensor>;

Five exact_batch_norm_cuda(const at::Tensor& x, const std::optional<at::Tensor>& weight,
                           const std::optional<at::Tensor>& bias, const std::optional<at::Tensor>& running_mean,
                           const std::optional<at::Tensor>& running_var, bool training, double momentum, double eps) {
    const BatchShape shape = check_batch_forward(x, weight, bias, running_mean, running_var, training);
    const c10::cuda::CUDAGuard guard(x.device());
    const BatchTensors made(shape, weight, bias, running_mean, running_var, training);
    at::Tensor out = shape.like();
    const SumLayout layout = shape.layout();
    if (shape.count() == 0) {
        made.mean.fill_(NAN);
        made.scale.fill_(NAN);
        made.new_mean.fill_(NAN);
        made.new_var.fill_(NAN);
    } else if (shape.channels > 0) {
        const at::Tensor partial =
            at::empty({training ? blocks_of_sum(layout) : 0, shape.channels}, made.mean.options());
        with_element(dtype_of(x.scalar_type()), [&](auto element) {
            using Element = decltype(element);
            using T = Wider<Element>;
            launch_batch<Element>(data_of<Element>(shape.x), layout, made.task<T>(shape, training, momentum, eps),
                                  shape.channels, shape.length, training ? out_of<T>(made.squares) : nullptr,
                                  out_of<T>(partial), data_of<T>(made.bias), out_of<Element>(out),
                                  c10::cuda::getCurrentCUDAStream());
        });
        C10_CUDA_KERNEL_LAUNCH_CHECK();
    }
    auto narrowed = [&](const at::Tensor& of) {
        return running_mean ? in_format(of, running_mean->scalar_type()) : of;
    };
    return {out, made.mean, made.scale, narrowed(made.new_mean), narrowed(made.new_var)};
}

Three exact_batch_norm_backward_cuda(const at::Tensor& gradient, const at::Tensor& x,
                                     const std::optional<at::Tensor>& weight, const at::Tensor& mean,
                                     const at::Tensor& scale, bool training, bool of_x, bool of_weights) {
    const BatchShape shape = check_batch_backward(gradient, x, weight, mean, scale);
    const c10::cuda::CUDAGuard guard(x.device());
    const auto summed = wider_of(x.scalar_type());
    const auto options = x.options().dtype(summed);
    const at::Tensor g = shape.same(gradient), means = mean.contiguous(), scales = scale.contiguous();
    const at::Tensor factor = weight ? scales * weight->to(summed) : scales;
    at::Tensor out = of_x ? shape.like() : at::empty({0}, x.options());
    at::Tensor to_weight = at::zeros({shape.channels}, options), to_bias = at::zeros({shape.channels}, options);
    auto weights = [&](const at::Tensor& of) { return of_weights ? of : at::empty({0}, options); };
    if (shape.x.numel() == 0) return {out, weights(to_weight), weights(to_bias)};
    const SumLayout layout = shape.layout();
    const at::Tensor shares = at::empty({2, shape.channels}, options);
    const at::Tensor partial = at::empty({2, blocks_of_sum(layout), shape.channels}, options);
    with_element(dtype_of(x.scalar_type()), [&](auto element) {
        using Element = decltype(element);
        using T = Wider<Element>;
        T *const weight_share = out_of<T>(shares), *const bias_share = weight_share + shape.channels;
        const auto* const data = data_of<Element>(shape.x);
        const auto* const gradients = data_of<Element>(g);
        const auto stream = c10::cuda::getCurrentCUDAStream();
        if (of_weights || (of_x && training))
            launch_pair<Element>(data, gradients, layout, data_of<T>(means), data_of<T>(scales), 0, 1,
                                 out_of<T>(partial), out_of<T>(to_weight), out_of<T>(to_bias), weight_share, bias_share,
                                 stream);
        if (of_x)
            launch_batch_backward<Element>(data, gradients, shape.x.numel(), shape.channels, shape.length, !training,
                                           data_of<T>(means), data_of<T>(scales), data_of<T>(factor), weight_share,
                                           bias_share, out_of<Element>(out), stream);
    });
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    return {out, weights(to_weight), weights(to_bias)};
}

}  // namespace

TORCH_LIBRARY_IMPL(within, CUDA, m) {
    m.impl("exact_batch_norm", &exact_batch_norm_cuda);
    m.impl("exact_batch_norm_backward", &exact_batch_norm_backward_cuda);
}

}  // namespace within
