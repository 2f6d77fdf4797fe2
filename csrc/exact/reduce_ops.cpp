// The schema of reductions.
#include "core/torch.h"

namespace within {

TORCH_LIBRARY_FRAGMENT(within, m) {
    m.def("exact_reduce(Tensor x, int[] dim, bool keepdim, str reduction, float correction) -> Tensor");
    m.def("exact_reduce_slope(Tensor x, Tensor centre, Tensor factor, bool is_power) -> Tensor");
}

}  // namespace within
