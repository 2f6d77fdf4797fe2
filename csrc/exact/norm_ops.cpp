// The schemas of layer, RMS and group normalisation.
#include "core/torch.h"

namespace within {

TORCH_LIBRARY_FRAGMENT(within, m) {
    m.def(
        "exact_norm(Tensor x, int dims, Tensor? weight, Tensor? bias, float eps, bool is_centred) -> "
        "(Tensor, Tensor, Tensor)");
    m.def(
        "exact_norm_backward(Tensor gradient, Tensor x, int dims, Tensor? weight, Tensor mean, Tensor scale, "
        "bool is_centred, bool of_x, bool of_weights) -> (Tensor, Tensor, Tensor)");
    m.def(
        "exact_group_norm(Tensor x, int groups, Tensor? weight, Tensor? bias, float eps) -> "
        "(Tensor, Tensor, Tensor)");
    m.def(
        "exact_group_norm_backward(Tensor gradient, Tensor x, int groups, Tensor? weight, Tensor mean, Tensor scale, "
        "bool of_x, bool of_weights) -> (Tensor, Tensor, Tensor)");
}

}  // namespace within
