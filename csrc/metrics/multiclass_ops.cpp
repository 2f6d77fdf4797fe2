// The schemas of multiclass metrics.
#include "core/torch.h"

namespace within {

TORCH_LIBRARY_FRAGMENT(within, m) {
    m.def("multiclass_rows(Tensor probabilities, Tensor labels) -> (Tensor, Tensor, Tensor)");
    m.def(
        "multiclass_ovr_areas(Tensor probabilities, Tensor labels, Tensor? weights, Tensor? groups, int num_groups) -> "
        "Tensor");
}

}  // namespace within
