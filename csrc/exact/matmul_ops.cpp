// The schema of exact matrix products.
#include <torch/library.h>

namespace within {

TORCH_LIBRARY_FRAGMENT(within, m) { m.def("exact_matmul(Tensor a, Tensor b, Tensor? bias) -> Tensor"); }

}  // namespace within
