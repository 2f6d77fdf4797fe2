// The schemas of exact convolutions.
#include "core/torch.h"

namespace within {

TORCH_LIBRARY_FRAGMENT(within, m) {
    m.def(
        "exact_convolution(Tensor input, Tensor weight, Tensor? bias, int[] stride, int[] padding, int[] dilation, "
        "int groups) -> Tensor");
    m.def(
        "exact_convolution_backward_input(Tensor gradient, Tensor weight, SymInt[] input, int[] stride, int[] padding, "
        "int[] dilation, int groups) -> Tensor");
    m.def(
        "exact_convolution_backward_weight(Tensor gradient, Tensor input, int[] kernel, int[] stride, int[] padding, "
        "int[] dilation, int groups) -> Tensor");
    m.def("exact_convolution_backward_bias(Tensor gradient) -> Tensor");
}

}  // namespace within
