// Softmax of every format.
#include "exact/softmax.cuh"

namespace within {

WITHIN_INSTANTIATE(launch_softmax<double>);
WITHIN_INSTANTIATE(launch_softmax<float>);
WITHIN_INSTANTIATE(launch_softmax<Float16>);
WITHIN_INSTANTIATE(launch_softmax<BFloat16>);
WITHIN_INSTANTIATE(launch_softmax_backward<double>);
WITHIN_INSTANTIATE(launch_softmax_backward<float>);
WITHIN_INSTANTIATE(launch_softmax_backward<Float16>);
WITHIN_INSTANTIATE(launch_softmax_backward<BFloat16>);

}  // namespace within
