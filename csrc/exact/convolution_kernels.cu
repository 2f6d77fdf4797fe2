// Convolutions of every format.
#include "exact/convolution.cuh"

namespace within {

WITHIN_INSTANTIATE(launch_convolution<double, double>);
WITHIN_INSTANTIATE(launch_convolution<float, float>);
WITHIN_INSTANTIATE(launch_convolution<Float16, float>);
WITHIN_INSTANTIATE(launch_convolution<BFloat16, float>);
WITHIN_INSTANTIATE(launch_convolution_backward_input<double, double>);
WITHIN_INSTANTIATE(launch_convolution_backward_input<float, float>);
WITHIN_INSTANTIATE(launch_convolution_backward_input<Float16, float>);
WITHIN_INSTANTIATE(launch_convolution_backward_input<BFloat16, float>);
WITHIN_INSTANTIATE(launch_convolution_backward_weight<double, double>);
WITHIN_INSTANTIATE(launch_convolution_backward_weight<float, float>);
WITHIN_INSTANTIATE(launch_convolution_backward_weight<Float16, float>);
WITHIN_INSTANTIATE(launch_convolution_backward_weight<BFloat16, float>);
WITHIN_INSTANTIATE(launch_convolution_backward_bias<double, double>);
WITHIN_INSTANTIATE(launch_convolution_backward_bias<float, float>);
WITHIN_INSTANTIATE(launch_convolution_backward_bias<Float16, float>);
WITHIN_INSTANTIATE(launch_convolution_backward_bias<BFloat16, float>);

}  // namespace within
