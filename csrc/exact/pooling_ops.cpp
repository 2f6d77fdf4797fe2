// The schemas of pooling.
#include "core/torch.h"

namespace within {

TORCH_LIBRARY_FRAGMENT(within, m) {
    m.def(
        "exact_max_pool(Tensor x, int[] kernel, int[] stride, int[] padding, int[] dilation, bool ceil_mode) -> "
        "(Tensor, Tensor)");
    m.def(
        "exact_max_pool_backward(Tensor gradient, Tensor places, SymInt[] shape, int[] kernel, int[] stride, "
        "int[] padding, int[] dilation, bool ceil_mode) -> Tensor");
    m.def(
        "exact_average_pool(Tensor x, int[] kernel, int[] stride, int[] padding, bool ceil_mode, bool counts_padding, "
        "int? divisor) -> Tensor");
    m.def(
        "exact_average_pool_backward(Tensor gradient, SymInt[] shape, int[] kernel, int[] stride, int[] padding, "
        "bool ceil_mode, bool counts_padding, int? divisor) -> Tensor");
    m.def("exact_adaptive_max_pool(Tensor x, int[] output) -> (Tensor, Tensor)");
    m.def("exact_adaptive_max_pool_backward(Tensor gradient, Tensor places, SymInt[] shape) -> Tensor");
    m.def("exact_adaptive_average_pool(Tensor x, int[] output) -> Tensor");
    m.def("exact_adaptive_average_pool_backward(Tensor gradient, SymInt[] shape) -> Tensor");
}

}  // namespace within
