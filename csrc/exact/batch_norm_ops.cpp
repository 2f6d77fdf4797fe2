// The schemas of batch normalisation.
#include "core/torch.h"

namespace within {

TORCH_LIBRARY_FRAGMENT(within, m) {
    m.def(
        "exact_batch_norm(Tensor x, Tensor? weight, Tensor? bias, Tensor? running_mean, Tensor? running_var, "
        "bool training, float momentum, float eps) -> (Tensor, Tensor, Tensor, Tensor, Tensor)");
    m.def(
        "exact_batch_norm_backward(Tensor gradient, Tensor x, Tensor? weight, Tensor mean, Tensor scale, "
        "bool training, bool of_x, bool of_weights) -> (Tensor, Tensor, Tensor)");
}

}  // namespace within
