// The schema of exact matrix products.
#include "core/torch.h"

namespace within {

TORCH_LIBRARY_FRAGMENT(within, m) { m.def("exact_matmul(Tensor a, Tensor b, Tensor? bias) -> Tensor"); }

}  // namespace within
