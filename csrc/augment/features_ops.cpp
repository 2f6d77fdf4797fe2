// The schemas that vary tables.
#include "core/torch.h"

namespace within {

TORCH_LIBRARY_FRAGMENT(within, m) {
    m.def(
        "augment_features(Tensor x, Tensor? bank, Tensor? noise_scale, Tensor? fill, Tensor? partners, "
        "Tensor? weights, Tensor sample_ids, Tensor keys, SymInt epoch, float dropout, float swap) -> Tensor");
    m.def(
        "augment_features_backward(Tensor gradient, Tensor? weights, Tensor sample_ids, Tensor keys, SymInt epoch, "
        "float dropout, float swap) -> Tensor");
    m.def(
        "feature_mixup(Tensor sample_ids, Tensor keys, SymInt epoch, SymInt bank_rows, float chance, float alpha) "
        "-> (Tensor, Tensor)");
}

}  // namespace within
