// The schema of dropout.
#include "core/torch.h"

namespace within {

TORCH_LIBRARY_FRAGMENT(within, m) {
    // key: two words of Philox's, the first in the lower half; shared: how many numbers share a mask.
    m.def("exact_dropout(Tensor x, Tensor? sample_ids, float p, SymInt key, SymInt step, SymInt shared=1) -> Tensor");
}

}  // namespace within
