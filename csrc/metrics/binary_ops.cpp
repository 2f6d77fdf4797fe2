// The schema of binary metrics.
#include "core/torch.h"

namespace within {

TORCH_LIBRARY_FRAGMENT(within, m) {
    m.def(
        "binary_metrics(Tensor scores, Tensor labels, Tensor? weights, Tensor? groups, int num_groups, "
        "float threshold, int bins) -> Tensor");
}

}  // namespace within
