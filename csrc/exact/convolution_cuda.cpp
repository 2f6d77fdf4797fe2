// Convolutions on a GPU.
#include "core/torch.h"

#include <algorithm>

#include "core/cuda.h"
#include "exact/convolution_checks.h"
#include "exact/convolution_launch.h"

namespace within {
namespace {

constexpr int64_t kPartialBytes = int64_t{1} << 28;  // of sums of images that wait for those before them

at::Tensor exact_convolution_cuda(const at::Tensor& input, const at::Tensor& weight,
                                  const std::optional<at::Tensor>& bias, at::IntArrayRef stride,
                                  at::IntArrayRef padding, at::IntArrayRef dilation, int64_t groups) {
    const Convolution of = check_convolution(input, weight, bias, {stride, padding, dilation, groups});
    const c10::cuda::CUDAGuard guard(input.device());
    at::Tensor out = at::empty({of.batch, of.groups * of.outputs, of.y.out, of.x.out},
                               input.options().memory_format(at::MemoryFormat::Contiguous));
    if (out.numel() == 0) return out;
    const at::Tensor images = input.contiguous(), weights = weight.contiguous();
    const at::Tensor added = bias ? bias->to(wider_of(input.scalar_type())).contiguous() : at::Tensor();
    with_element(dtype_of(input.scalar_type()), [&](auto element) {
        using Element = decltype(element);
        using T = Wider<Element>;
        launch_convolution<Element, T>(of, data_of<Element>(images), data_of<Element>(weights), data_of<T>(added),
                                       out_of<Element>(out), c10::cuda::getCurrentCUDAStream());
    });
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    return out;
}

at::Tensor exact_convolution_backward_input_cuda(const at::Tensor& gradient, const at::Tensor& weight,
                                                 at::IntArrayRef input, at::IntArrayRef stride, at::IntArrayRef padding,
                                                 at::IntArrayRef dilation, int64_t groups) {
    const Convolution of =
        check_convolution_backward_input(gradient, weight, input, {stride, padding, dilation, groups});
    const c10::cuda::CUDAGuard guard(gradient.device());
    at::Tensor out = at::empty(input, gradient.options().memory_format(at::MemoryFormat::Contiguous));
    if (out.numel() == 0) return out;
    const at::Tensor given = gradient.contiguous(), weights = weight.contiguous();
    with_element(dtype_of(gradient.scalar_type()), [&](auto element) {
        using Element = decltype(element);
        launch_convolution_backward_input<Element, Wider<Element>>(of, data_of<Element>(given),
                                                                   data_of<Element>(weights), out_of<Element>(out),
                                                                   c10::cuda::getCurrentCUDAStream());
    });
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    return out;
}

at::Tensor exact_convolution_backward_weight_cuda(const at::Tensor& gradient, const at::Tensor& input,
                                                  at::IntArrayRef kernel, at::IntArrayRef stride,
                                                  at::IntArrayRef padding, at::IntArrayRef dilation, int64_t groups) {
    const Convolution of =
        check_convolution_backward_weight(gradient, input, kernel, {stride, padding, dilation, groups});
    const c10::cuda::CUDAGuard guard(gradient.device());
    at::Tensor out = at::empty({of.groups * of.outputs, of.channels, kernel[0], kernel[1]},
                               gradient.options().memory_format(at::MemoryFormat::Contiguous));
    if (of.batch == 0) return out.zero_();
    if (out.numel() == 0) return out;
    const at::Tensor given = gradient.contiguous(), images = input.contiguous();
    const auto summed = gradient.options().dtype(wider_of(gradient.scalar_type()));
    const int64_t count = weight_sums(of), bytes = count * (summed.dtype() == at::kDouble ? 8 : 4);
    const int64_t together = std::clamp<int64_t>(kPartialBytes / bytes, 1, weight_parts(of));
    at::Tensor sums = at::empty({together, count}, summed), totals = at::empty({count}, summed);
    with_element(dtype_of(gradient.scalar_type()), [&](auto element) {
        using Element = decltype(element);
        using T = Wider<Element>;
        launch_convolution_backward_weight<Element, T>(of, data_of<Element>(given), data_of<Element>(images), together,
                                                       out_of<T>(sums), out_of<T>(totals), out_of<Element>(out),
                                                       c10::cuda::getCurrentCUDAStream());
    });
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    return out;
}

at::Tensor exact_convolution_backward_bias_cuda(const at::Tensor& gradient) {
    check_images("exact_convolution_backward_bias", "gradient", gradient);
    const c10::cuda::CUDAGuard guard(gradient.device());
    at::Tensor out = at::empty({gradient.size(1)}, gradient.options().memory_format(at::MemoryFormat::Contiguous));
    if (out.numel() == 0) return out;
    const at::Tensor given = gradient.contiguous();
    at::Tensor sums = at::empty(
        {gradient.size(0), gradient.size(1)},
        gradient.options().dtype(wider_of(gradient.scalar_type())).memory_format(at::MemoryFormat::Contiguous));
    with_element(dtype_of(gradient.scalar_type()), [&](auto element) {
        using Element = decltype(element);
        using T = Wider<Element>;
        launch_convolution_backward_bias<Element, T>(data_of<Element>(given), gradient.size(0), gradient.size(1),
                                                     gradient.size(2) * gradient.size(3), out_of<T>(sums),
                                                     out_of<Element>(out), c10::cuda::getCurrentCUDAStream());
    });
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    return out;
}

}  // namespace

TORCH_LIBRARY_IMPL(within, CUDA, m) {
    m.impl("exact_convolution", &exact_convolution_cuda);
    m.impl("exact_convolution_backward_input", &exact_convolution_backward_input_cuda);
    m.impl("exact_convolution_backward_weight", &exact_convolution_backward_weight_cuda);
    m.impl("exact_convolution_backward_bias", &exact_convolution_backward_bias_cuda);
}

}  // namespace within
