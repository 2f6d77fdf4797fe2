// Steps of optimizers on a GPU.
#include "core/torch.h"

#include "core/cuda.h"
#include "exact/optim_checks.h"
#include "exact/optim_launch.h"
#include "exact/threads.h"

namespace within {
namespace {

void exact_adam_cuda(at::TensorList parameters, at::TensorList gradients, at::TensorList means, at::TensorList squares,
                     at::TensorList largest, at::TensorList steps, double lr, double beta1, double beta2, double eps,
                     double weight_decay, bool is_decoupled, bool maximize) {
    check_adam(parameters, gradients, means, squares, largest, steps);
    const at::AutoDispatchBelowADInplaceOrView below;
    const c10::cuda::CUDAGuard guard(parameters[0].device());
    const bool has_largest = !largest.empty();
    const AdamTensors tensors(parameters, gradients, means, squares, largest, steps);
    for (size_t i = 0; i < parameters.size(); ++i) {
        const Dtype dtype = dtype_of(parameters[i].scalar_type());
        const StepTask task{dtype,
                            tensors.parameters[i].mutable_data_ptr(),
                            tensors.gradients[i].const_data_ptr(),
                            tensors.means[i].mutable_data_ptr(),
                            tensors.squares[i].mutable_data_ptr(),
                            has_largest ? tensors.largest[i].mutable_data_ptr() : nullptr,
                            0,
                            parameters[i].numel()};
        if (task.end == 0) continue;
        const AdamRates rates =
            adam_rates(tensors.steps[i], lr, beta1, beta2, eps, weight_decay, is_decoupled, maximize, has_largest);
        with_element(dtype, [&](auto element) {
            launch_adam<decltype(element)>(task, rates, c10::cuda::getCurrentCUDAStream());
        });
    }
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    tensors.write_back(parameters, means, squares, largest);
    for (const at::TensorList& written : {parameters, means, squares, largest, steps}) mark_written(written);
}

void exact_sgd_cuda(at::TensorList parameters, at::TensorList gradients, at::TensorList momenta, double lr,
                    double momentum, double dampening, double weight_decay, bool nesterov, bool maximize,
                    bool is_first) {
    check_sgd(parameters, gradients, momenta, momentum);
    const at::AutoDispatchBelowADInplaceOrView below;
    const c10::cuda::CUDAGuard guard(parameters[0].device());
    const AlikeTensors own(parameters), own_gradients(gradients, &own), own_momenta(momenta, &own);
    const SgdRates rates = sgd_rates(lr, momentum, dampening, weight_decay, nesterov, maximize, is_first);
    for (size_t i = 0; i < parameters.size(); ++i) {
        const Dtype dtype = dtype_of(parameters[i].scalar_type());
        const StepTask task{dtype,
                            own[i].mutable_data_ptr(),
                            own_gradients[i].const_data_ptr(),
                            momenta.empty() ? nullptr : own_momenta[i].mutable_data_ptr(),
                            nullptr,
                            nullptr,
                            0,
                            parameters[i].numel()};
        if (task.end == 0) continue;
        with_element(dtype, [&](auto element) {
            launch_sgd<decltype(element)>(task, rates, c10::cuda::getCurrentCUDAStream());
        });
    }
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    own.write_back(parameters);
    own_momenta.write_back(momenta);
    mark_written(parameters);
    mark_written(momenta);
}

at::Tensor exact_total_norm_cuda(at::TensorList tensors, double norm_type) {
    const Norm norm = norm_named(norm_type);
    check_numbers("exact_total_norm", "tensors", tensors);
    const c10::cuda::CUDAGuard guard(tensors[0].device());
    const auto stream = c10::cuda::getCurrentCUDAStream();
    const int64_t count = static_cast<int64_t>(tensors.size());
    at::Tensor ends = at::empty({count}, at::kLong);
    int64_t total = 0;
    for (int64_t i = 0; i < count; ++i)
        ends.mutable_data_ptr<int64_t>()[i] = total += ceiling(tensors[i].numel(), kSumBlock);
    const auto options = tensors[0].options().dtype(at::kDouble);
    const at::Tensor sums = at::empty({total}, options), of_tensors = at::empty({count}, options);
    int64_t start = 0;
    for (const at::Tensor& tensor : tensors) {
        const at::Tensor own = tensor.contiguous();
        const int64_t blocks = ceiling(own.numel(), kSumBlock);
        const Dtype dtype = dtype_of(own.scalar_type());
        const NormSumTask task{
            norm, dtype, own.const_data_ptr(), own.numel(), 0, blocks, sums.mutable_data_ptr<double>() + start};
        start += blocks;
        if (blocks == 0) continue;
        with_element(dtype, [&](auto element) { launch_norm_sums<decltype(element)>(task, stream); });
    }
    at::Tensor result = at::empty({}, options.dtype(norm_dtype(tensors)));
    ends = ends.to(options.device());
    const auto launch = [&](auto* out) {
        launch_total_norm(norm, sums.mutable_data_ptr<double>(), ends.const_data_ptr<int64_t>(), count,
                          of_tensors.mutable_data_ptr<double>(), out, stream);
    };
    if (result.scalar_type() == at::kDouble) {
        launch(result.mutable_data_ptr<double>());
    } else {
        launch(result.mutable_data_ptr<float>());
    }
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    return result;
}

void clip_all(at::TensorList tensors, const at::Tensor* norm, double limit) {
    const at::AutoDispatchBelowADInplaceOrView below;
    const c10::cuda::CUDAGuard guard(tensors[0].device());
    const auto stream = c10::cuda::getCurrentCUDAStream();
    const AlikeTensors own(tensors);
    for (size_t i = 0; i < tensors.size(); ++i) {
        const Dtype dtype = dtype_of(own[i].scalar_type());
        const ClipTask task{dtype, own[i].mutable_data_ptr(), 0, own[i].numel(), norm != nullptr, limit};
        if (task.end == 0) continue;
        with_element(dtype, [&](auto element) {
            using Element = decltype(element);
            if (norm != nullptr && norm->scalar_type() == at::kDouble) {
                launch_clip<Element>(task, norm->const_data_ptr<double>(), stream);
            } else {
                launch_clip<Element>(task, norm == nullptr ? nullptr : norm->const_data_ptr<float>(), stream);
            }
        });
    }
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    own.write_back(tensors);
    mark_written(tensors);
}

void exact_clip_norm_cuda(at::TensorList tensors, const at::Tensor& norm, double max_norm) {
    check_clip("exact_clip_norm_", tensors, "max_norm", max_norm);
    check_total_norm(norm, tensors);
    clip_all(tensors, &norm, max_norm);
}

void exact_clip_value_cuda(at::TensorList tensors, double limit) {
    check_clip("exact_clip_value_", tensors, "limit", limit);
    clip_all(tensors, nullptr, limit);
}

}  // namespace

TORCH_LIBRARY_IMPL(within, CUDA, m) {
    m.impl("exact_adam_", &exact_adam_cuda);
    m.impl("exact_sgd_", &exact_sgd_cuda);
    m.impl("exact_total_norm", &exact_total_norm_cuda);
    m.impl("exact_clip_norm_", &exact_clip_norm_cuda);
    m.impl("exact_clip_value_", &exact_clip_value_cuda);
}

}  // namespace within
