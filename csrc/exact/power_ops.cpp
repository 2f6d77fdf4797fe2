// The schemas of powers.
#include "core/torch.h"

namespace within {

TORCH_LIBRARY_FRAGMENT(within, m) {
    m.def("exact_pow(Tensor x, Tensor y) -> Tensor");
    // Of x, or of y.
    m.def("exact_pow_backward(Tensor gradient, Tensor x, Tensor y, bool of_y) -> Tensor");
}

}  // namespace within
