// The schema of a bootstrap's resamples.
#include <torch/library.h>

namespace within {

TORCH_LIBRARY_FRAGMENT(within, m) {
    m.def("resample_weights(Tensor units, Tensor? weights, int size, int key, int first, int count) -> Tensor");
}

}  // namespace within
