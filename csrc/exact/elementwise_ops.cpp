// The schema of elementwise functions.
#include "core/torch.h"

namespace within {

TORCH_LIBRARY_FRAGMENT(within, m) { m.def("exact_unary(Tensor x, str function) -> Tensor"); }

}  // namespace within
