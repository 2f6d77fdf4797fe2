// The schemas of softmax.
#include "core/torch.h"

namespace within {

TORCH_LIBRARY_FRAGMENT(within, m) {
    m.def("exact_softmax(Tensor x, int dim, bool is_log) -> Tensor");
    m.def("exact_softmax_backward(Tensor gradient, Tensor result, int dim, bool is_log) -> Tensor");
}

}  // namespace within
