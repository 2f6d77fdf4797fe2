// Layer, RMS and group normalisation on a GPU.
#include "core/torch.h"

#include "core/cuda.h"
#include "exact/norm_checks.h"
#include "exact/norm_launch.h"
#include "exact/reduce_launch.h"

namespace within {
namespace {

using Three = std::tuple<at::Tensor, at::Tensor, at::Tensor>;

// Gradients of weights and biases, of numbers in a layout.
void pair(const at::Tensor& x, const at::Tensor& gradient, const SumLayout& layout, const at::Tensor& mean,
          const at::Tensor& scale, int64_t statistic_segment, int64_t statistic_sums, at::Tensor* of_weight,
          at::Tensor* of_bias) {
    const at::Tensor partial = at::empty({2, blocks_of_sum(layout), sums_of(layout)}, of_weight->options());
    with_element(dtype_of(x.scalar_type()), [&](auto element) {
        using Element = decltype(element);
        using T = Wider<Element>;
        launch_pair<Element>(data_of<Element>(x), data_of<Element>(gradient), layout, data_of<T>(mean),
                             data_of<T>(scale), statistic_segment, statistic_sums, out_of<T>(partial),
                             out_of<T>(*of_weight), out_of<T>(*of_bias), nullptr, nullptr,
                             c10::cuda::getCurrentCUDAStream());
    });
}

Three exact_norm_cuda(const at::Tensor& x, int64_t dims, const std::optional<at::Tensor>& weight,
                      const std::optional<at::Tensor>& bias, double eps, bool is_centred) {
    const auto [rows, n] = check_norm(x, dims, weight, bias);
    const c10::cuda::CUDAGuard guard(x.device());
    const auto options = x.options().dtype(wider_of(x.scalar_type()));
    const at::Tensor given = x.contiguous(), of_weight = wide(weight, wider_of(x.scalar_type()));
    const at::Tensor of_bias = wide(bias, wider_of(x.scalar_type()));
    const auto shape = x.sizes().slice(0, x.dim() - dims);
    at::Tensor out = at::empty(given.sizes(), given.options());
    at::Tensor mean = is_centred ? at::empty(shape, options) : at::empty({0}, options);
    at::Tensor scale = at::empty(shape, options);
    if (n == 0) return {out, mean.fill_(NAN), scale.fill_(NAN)};
    if (rows == 0) return {out, mean, scale};
    with_element(dtype_of(x.scalar_type()), [&, rows = rows, n = n](auto element) {
        using Element = decltype(element);
        using T = Wider<Element>;
        launch_norm<Element>(data_of<Element>(given), rows, n, is_centred, data_of<T>(of_weight), data_of<T>(of_bias),
                             {1, n, 1}, eps, out_of<Element>(out), out_of<T>(mean), out_of<T>(scale),
                             c10::cuda::getCurrentCUDAStream());
    });
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    return {out, mean, scale};
}

Three exact_norm_backward_cuda(const at::Tensor& gradient, const at::Tensor& x, int64_t dims,
                               const std::optional<at::Tensor>& weight, const at::Tensor& mean, const at::Tensor& scale,
                               bool is_centred, bool of_x, bool of_weights) {
    const auto [rows, n] = check_norm_backward(gradient, x, dims, weight, mean, scale, is_centred);
    const c10::cuda::CUDAGuard guard(x.device());
    const auto options = x.options().dtype(wider_of(x.scalar_type()));
    const at::Tensor given = x.contiguous(), g = gradient.contiguous();
    const at::Tensor of_weight = wide(weight, wider_of(x.scalar_type()));
    const at::Tensor means = mean.contiguous(), scales = scale.contiguous();
    at::Tensor out = of_x ? at::empty(given.sizes(), given.options()) : at::empty({0}, given.options());
    const auto shape = x.sizes().slice(x.dim() - dims);
    at::Tensor to_weight = of_weights ? at::zeros(shape, options) : at::empty({0}, options);
    at::Tensor to_bias = of_weights ? at::zeros(shape, options) : at::empty({0}, options);
    if (rows == 0 || n == 0) return {out, to_weight, to_bias};
    if (of_x) {
        with_element(dtype_of(x.scalar_type()), [&, rows = rows, n = n](auto element) {
            using Element = decltype(element);
            using T = Wider<Element>;
            launch_norm_backward<Element>(data_of<Element>(g), data_of<Element>(given), rows, n, is_centred,
                                          data_of<T>(of_weight), {1, n, 1}, data_of<T>(means), data_of<T>(scales),
                                          out_of<Element>(out), c10::cuda::getCurrentCUDAStream());
        });
    }
    if (of_weights)
        pair(given, g, NormShape{rows, n}.of_columns(), is_centred ? means : at::Tensor(), scales, 1, n, &to_weight,
             &to_bias);
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    return {out, to_weight, to_bias};
}

Three exact_group_norm_cuda(const at::Tensor& x, int64_t groups, const std::optional<at::Tensor>& weight,
                            const std::optional<at::Tensor>& bias, double eps) {
    const GroupShape shape = check_group_norm(x, groups, weight, bias);
    const c10::cuda::CUDAGuard guard(x.device());
    const auto options = x.options().dtype(wider_of(x.scalar_type()));
    const at::Tensor given = x.contiguous(), of_weight = wide(weight, wider_of(x.scalar_type()));
    const at::Tensor of_bias = wide(bias, wider_of(x.scalar_type()));
    at::Tensor out = at::empty(given.sizes(), given.options());
    at::Tensor mean = at::empty({shape.samples, groups}, options), scale = at::empty_like(mean);
    if (shape.n() == 0) return {out, mean.fill_(NAN), scale.fill_(NAN)};
    if (shape.samples == 0) return {out, mean, scale};
    with_element(dtype_of(x.scalar_type()), [&](auto element) {
        using Element = decltype(element);
        using T = Wider<Element>;
        launch_norm<Element>(data_of<Element>(given), shape.rows(), shape.n(), true, data_of<T>(of_weight),
                             data_of<T>(of_bias), {groups, shape.channels / groups, shape.length}, eps,
                             out_of<Element>(out), out_of<T>(mean), out_of<T>(scale),
                             c10::cuda::getCurrentCUDAStream());
    });
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    return {out, mean, scale};
}

Three exact_group_norm_backward_cuda(const at::Tensor& gradient, const at::Tensor& x, int64_t groups,
                                     const std::optional<at::Tensor>& weight, const at::Tensor& mean,
                                     const at::Tensor& scale, bool of_x, bool of_weights) {
    const GroupShape shape = check_group_norm_backward(gradient, x, groups, weight, mean, scale);
    const c10::cuda::CUDAGuard guard(x.device());
    const auto options = x.options().dtype(wider_of(x.scalar_type()));
    const at::Tensor given = x.contiguous(), g = gradient.contiguous();
    const at::Tensor of_weight = wide(weight, wider_of(x.scalar_type()));
    const at::Tensor means = mean.contiguous(), scales = scale.contiguous();
    at::Tensor out = of_x ? at::empty(given.sizes(), given.options()) : at::empty({0}, given.options());
    at::Tensor to_weight = at::zeros({of_weights ? shape.channels : 0}, options), to_bias = at::zeros_like(to_weight);
    if (given.numel() == 0) return {out, to_weight, to_bias};
    if (of_x) {
        with_element(dtype_of(x.scalar_type()), [&](auto element) {
            using Element = decltype(element);
            using T = Wider<Element>;
            launch_norm_backward<Element>(data_of<Element>(g), data_of<Element>(given), shape.rows(), shape.n(), true,
                                          data_of<T>(of_weight), {groups, shape.channels / groups, shape.length},
                                          data_of<T>(means), data_of<T>(scales), out_of<Element>(out),
                                          c10::cuda::getCurrentCUDAStream());
        });
    }
    if (of_weights)
        pair(given, g, shape.of_channels(), means, scales, groups, shape.channels / groups, &to_weight, &to_bias);
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    return {out, to_weight, to_bias};
}

}  // namespace

TORCH_LIBRARY_IMPL(within, CUDA, m) {
    m.impl("exact_norm", &exact_norm_cuda);
    m.impl("exact_norm_backward", &exact_norm_backward_cuda);
    m.impl("exact_group_norm", &exact_group_norm_cuda);
    m.impl("exact_group_norm_backward", &exact_group_norm_backward_cuda);
}

}  // namespace within
