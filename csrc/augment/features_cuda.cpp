// Varies the rows of a table on a GPU.
#include "core/torch.h"

#include "augment/features_checks.h"
#include "augment/features_launch.h"
#include "core/cuda.h"

namespace within {
namespace {

void check_partner_rows(const Features& task, const at::Tensor& ids) {
    if (task.partners == nullptr || task.end == 0) return;
    const at::Tensor outside = at::full({1}, -1, ids.options());
    launch_partners_outside(task.partners, task.end, task.bank_rows, out_of<unsigned long long>(outside),
                            c10::cuda::getCurrentCUDAStream());
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    const int64_t row = outside.item<int64_t>();
    TORCH_CHECK_INDEX(row < 0, "augment_features: partners[", row, "] is outside, expected 0 to ", task.bank_rows - 1,
                      ", the rows of bank");
}

template <bool kIsGradient>
at::Tensor launched(const FeatureTensors& tensors, const at::Tensor& keys, int64_t epoch, double dropout, double swap) {
    at::Tensor out = at::empty(tensors.x.sizes(), tensors.x.options());
    if (out.numel() == 0) return out;
    const Features task = tensors.task(out, keys, epoch, dropout, swap);
    if constexpr (!kIsGradient) check_partner_rows(task, tensors.ids);
    const auto stream = c10::cuda::getCurrentCUDAStream();
    if (out.scalar_type() == at::kDouble) {
        launch_features<double, kIsGradient>(task, stream);
    } else {
        launch_features<float, kIsGradient>(task, stream);
    }
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    return out;
}

at::Tensor augment_features_cuda(const at::Tensor& x, const MaybeTensor& bank, const MaybeTensor& noise_scale,
                                 const MaybeTensor& fill, const MaybeTensor& partners, const MaybeTensor& weights,
                                 const at::Tensor& sample_ids, const at::Tensor& keys, int64_t epoch, double dropout,
                                 double swap) {
    const c10::cuda::CUDAGuard guard(x.device());
    const FeatureTensors tensors =
        checked_features(x, bank, noise_scale, fill, partners, weights, sample_ids, epoch, dropout, swap);
    return launched<false>(tensors, keys, epoch, dropout, swap);
}

at::Tensor augment_features_backward_cuda(const at::Tensor& gradient, const MaybeTensor& weights,
                                          const at::Tensor& sample_ids, const at::Tensor& keys, int64_t epoch,
                                          double dropout, double swap) {
    const c10::cuda::CUDAGuard guard(gradient.device());
    return launched<true>(checked_gradient(gradient, weights, sample_ids, epoch, dropout, swap), keys, epoch, dropout,
                          swap);
}

std::tuple<at::Tensor, at::Tensor> feature_mixup_cuda(const at::Tensor& sample_ids, const at::Tensor& keys,
                                                      int64_t epoch, int64_t bank_rows, double chance, double alpha) {
    const c10::cuda::CUDAGuard guard(sample_ids.device());
    Mixup mixup = checked_mixup(sample_ids, keys, epoch, bank_rows, chance, alpha);
    const at::Tensor ids = sample_ids.contiguous();
    at::Tensor partners = at::empty(ids.sizes(), ids.options());
    at::Tensor weights = at::empty(ids.sizes(), ids.options().dtype(at::kDouble));
    if (mixup.end == 0) return {partners, weights};
    mixup.ids = ids.const_data_ptr<int64_t>();
    mixup.partners = partners.mutable_data_ptr<int64_t>();
    mixup.weights = weights.mutable_data_ptr<double>();
    launch_mixup(mixup, c10::cuda::getCurrentCUDAStream());
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    return {partners, weights};
}

}  // namespace

TORCH_LIBRARY_IMPL(within, CUDA, m) {
    m.impl("augment_features", &augment_features_cuda);
    m.impl("augment_features_backward", &augment_features_backward_cuda);
    m.impl("feature_mixup", &feature_mixup_cuda);
}

}  // namespace within
