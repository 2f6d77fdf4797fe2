// The schemas of exact matrix products.
#include "core/torch.h"

namespace within {

TORCH_LIBRARY_FRAGMENT(within, m) {
    m.def("exact_matmul(Tensor a, Tensor b, Tensor? bias) -> Tensor");
    m.def("exact_mm(Tensor a, Tensor b, Tensor? bias=None) -> Tensor");
    m.def("exact_linear(Tensor input, Tensor weight, Tensor? bias=None) -> Tensor");
    m.def("exact_linear_activated(Tensor input, Tensor weight, Tensor? bias, str activation) -> Tensor");
    // With the sums that the activation was given.
    m.def("exact_linear_kept(Tensor input, Tensor weight, Tensor? bias, str activation) -> (Tensor, Tensor)");
}

}  // namespace within
