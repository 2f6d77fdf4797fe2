// The schemas of elementwise functions.
#include "core/torch.h"

namespace within {

TORCH_LIBRARY_FRAGMENT(within, m) {
    m.def("exact_unary(Tensor x, str function, float a=0, float b=0) -> Tensor");
    // saved: what is_slope_of_value says, the function's value or its argument.
    m.def("exact_unary_backward(Tensor gradient, Tensor saved, str function, float a=0, float b=0) -> Tensor");
}

}  // namespace within
