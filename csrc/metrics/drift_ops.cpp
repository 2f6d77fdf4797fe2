// The schema of drift metrics.
#include <torch/library.h>

namespace within {

TORCH_LIBRARY_FRAGMENT(within, m) {
    m.def(
        "drift_metrics(Tensor reference, Tensor current, int bins, Tensor? reference_weights, Tensor? current_weights) "
        "-> Tensor");
}

}  // namespace within
