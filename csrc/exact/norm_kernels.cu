// Layer, RMS and group normalisation of every format.
#include "exact/norm.cuh"

namespace within {

WITHIN_INSTANTIATE(launch_norm<double>);
WITHIN_INSTANTIATE(launch_norm<float>);
WITHIN_INSTANTIATE(launch_norm<Float16>);
WITHIN_INSTANTIATE(launch_norm<BFloat16>);
WITHIN_INSTANTIATE(launch_norm_backward<double>);
WITHIN_INSTANTIATE(launch_norm_backward<float>);
WITHIN_INSTANTIATE(launch_norm_backward<Float16>);
WITHIN_INSTANTIATE(launch_norm_backward<BFloat16>);

}  // namespace within
