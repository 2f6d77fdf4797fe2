// Schemas of the scatter family.
#include <torch/library.h>

namespace within {

TORCH_LIBRARY_FRAGMENT(within, m) { m.def("scatter_sum(Tensor values, Tensor index, int dim_size) -> Tensor"); }

}  // namespace within
