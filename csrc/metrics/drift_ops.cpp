// The schema of drift metrics.
#include "core/torch.h"

namespace within {

TORCH_LIBRARY_FRAGMENT(within, m) {
    m.def(
        "drift_metrics(Tensor reference, Tensor current, int bins, Tensor? reference_weights, Tensor? current_weights, "
        "Tensor? reference_groups, Tensor? current_groups, int num_groups) -> Tensor");
}

}  // namespace within
