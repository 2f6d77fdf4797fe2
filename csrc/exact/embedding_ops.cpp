// Rows of a table by index, and the exact sums of what comes back to them: made of the scatter family's operators.
#include "core/torch.h"

#include "core/operators.h"

namespace within {
namespace {

at::Tensor exact_embedding(const at::Tensor& weight, const at::Tensor& indices, int64_t, bool) {
    static const auto gather = operator_named<at::Tensor(const at::Tensor&, const at::Tensor&)>("within::gather");
    TORCH_CHECK_VALUE(weight.dim() == 2, "exact_embedding: weight has shape ", weight.sizes(),
                      ", expected [rows, columns]");
    TORCH_CHECK_VALUE(indices.scalar_type() == at::kLong || indices.scalar_type() == at::kInt,
                      "exact_embedding: input is ", indices.scalar_type(), ", expected int64 or int32");
    std::vector<int64_t> shape = indices.sizes().vec();
    shape.push_back(weight.size(1));
    return gather.call(weight, indices.reshape(-1).to(at::kLong)).reshape(shape);
}

at::Tensor exact_embedding_backward(const at::Tensor& gradient, const at::Tensor& indices, int64_t rows,
                                    int64_t padding_idx, bool scale_grad_by_freq) {
    static const auto scatter_sum =
        operator_named<at::Tensor(const at::Tensor&, const at::Tensor&, int64_t)>("within::scatter_sum");
    static const auto scatter_count = operator_named<at::Tensor(const at::Tensor&, int64_t)>("within::scatter_count");
    const at::Tensor index = indices.reshape(-1).to(at::kLong);
    at::Tensor sums = scatter_sum.call(gradient.reshape({index.size(0), gradient.size(-1)}), index, rows);
    if (scale_grad_by_freq) sums /= scatter_count.call(index, rows).clamp_min(1).unsqueeze(1).to(sums.scalar_type());
    if (padding_idx >= 0) sums.select(0, padding_idx).zero_();
    return sums;
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(within, m) {
    // padding_idx: a row whose gradient is 0; -1 for none.
    m.def(
        "exact_embedding(Tensor weight, Tensor indices, int padding_idx=-1, bool scale_grad_by_freq=False) -> Tensor");
    m.def(
        "exact_embedding_backward(Tensor gradient, Tensor indices, SymInt rows, int padding_idx=-1, "
        "bool scale_grad_by_freq=False) -> Tensor");
}

TORCH_LIBRARY_IMPL(within, CompositeExplicitAutograd, m) {
    m.impl("exact_embedding", &exact_embedding);
    m.impl("exact_embedding_backward", &exact_embedding_backward);
}

}  // namespace within
