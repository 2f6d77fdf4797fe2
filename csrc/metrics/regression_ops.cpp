// The schema of regression metrics.
#include "core/torch.h"

namespace within {

TORCH_LIBRARY_FRAGMENT(within, m) {
    m.def(
        "regression_metrics(Tensor predictions, Tensor targets, Tensor? weights, Tensor? groups, int num_groups, "
        "float[] quantiles) -> Tensor");
}

}  // namespace within
