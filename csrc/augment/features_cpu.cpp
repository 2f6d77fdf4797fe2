// Varies the rows of a table on the CPU: threads take shares of the rows.
#include "core/torch.h"

#include <algorithm>

#include "augment/features.h"
#include "augment/features_checks.h"
#include "core/dispatch.h"

namespace within {

using VaryRows = void(const Features&);
WITHIN_KERNEL(VaryRows, features_vary_float)
WITHIN_KERNEL(VaryRows, features_vary_double)
WITHIN_KERNEL(VaryRows, features_pass_back_float)
WITHIN_KERNEL(VaryRows, features_pass_back_double)

namespace {

constexpr int64_t kNumbersOfShare = 1 << 13;

void share_rows(const Features& task, VaryRows* vary) {
    const int64_t grain = std::max<int64_t>(1, kNumbersOfShare / std::max<int64_t>(1, task.columns));
    at::parallel_for(0, task.end, grain, [&](int64_t begin, int64_t end) {
        Features mine = task;
        mine.begin = begin;
        mine.end = end;
        vary(mine);
    });
}

// A row of the bank that was not drawn here, but given.
void check_partner_rows(const Features& task) {
    for (int64_t row = 0; task.partners != nullptr && row < task.end; ++row) {
        const int64_t partner = task.partners[row];
        TORCH_CHECK_INDEX(partner >= 0 && partner < task.bank_rows, "augment_features: partners[", row, "] is ",
                          partner, ", expected 0 to ", task.bank_rows - 1, ", the rows of bank");
    }
}

at::Tensor augment_features_cpu(const at::Tensor& x, const MaybeTensor& bank, const MaybeTensor& noise_scale,
                                const MaybeTensor& fill, const MaybeTensor& partners, const MaybeTensor& weights,
                                const at::Tensor& sample_ids, const at::Tensor& keys, int64_t epoch, double dropout,
                                double swap) {
    const FeatureTensors tensors =
        checked_features(x, bank, noise_scale, fill, partners, weights, sample_ids, epoch, dropout, swap);
    at::Tensor out = at::empty(x.sizes(), x.options());
    const Features task = tensors.task(out, keys, epoch, dropout, swap);
    check_partner_rows(task);
    share_rows(task, x.scalar_type() == at::kDouble ? features_vary_double_kernel() : features_vary_float_kernel());
    return out;
}

at::Tensor augment_features_backward_cpu(const at::Tensor& gradient, const MaybeTensor& weights,
                                         const at::Tensor& sample_ids, const at::Tensor& keys, int64_t epoch,
                                         double dropout, double swap) {
    const FeatureTensors tensors = checked_gradient(gradient, weights, sample_ids, epoch, dropout, swap);
    at::Tensor out = at::empty(gradient.sizes(), gradient.options());
    const Features task = tensors.task(out, keys, epoch, dropout, swap);
    share_rows(task, gradient.scalar_type() == at::kDouble ? features_pass_back_double_kernel()
                                                           : features_pass_back_float_kernel());
    return out;
}

std::tuple<at::Tensor, at::Tensor> feature_mixup_cpu(const at::Tensor& sample_ids, const at::Tensor& keys,
                                                     int64_t epoch, int64_t bank_rows, double chance, double alpha) {
    Mixup mixup = checked_mixup(sample_ids, keys, epoch, bank_rows, chance, alpha);
    const at::Tensor ids = sample_ids.contiguous();
    at::Tensor partners = at::empty(ids.sizes(), ids.options());
    at::Tensor weights = at::empty(ids.sizes(), ids.options().dtype(at::kDouble));
    mixup.ids = ids.const_data_ptr<int64_t>();
    mixup.partners = partners.mutable_data_ptr<int64_t>();
    mixup.weights = weights.mutable_data_ptr<double>();
    at::parallel_for(0, mixup.end, 1 << 10, [&](int64_t begin, int64_t end) {
        for (int64_t row = begin; row < end; ++row) {
            const Mixed drawn = draw_mixup(mixup, mixup.ids[row]);
            mixup.partners[row] = drawn.partner;
            mixup.weights[row] = drawn.weight;
        }
    });
    return {partners, weights};
}

}  // namespace

TORCH_LIBRARY_IMPL(within, CPU, m) {
    m.impl("augment_features", &augment_features_cpu);
    m.impl("augment_features_backward", &augment_features_backward_cpu);
    m.impl("feature_mixup", &feature_mixup_cpu);
}

}  // namespace within
