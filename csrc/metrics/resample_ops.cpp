// The schema of a bootstrap's resamples.
#include "core/torch.h"

namespace within {

TORCH_LIBRARY_FRAGMENT(within, m) {
    m.def("resample_weights(Tensor units, Tensor? weights, int size, int key, int first, int count) -> Tensor");
}

}  // namespace within
