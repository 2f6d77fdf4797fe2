// Pooling of every format.
#include "exact/pooling.cuh"

namespace within {

WITHIN_INSTANTIATE(launch_max_pool<double, double>);
WITHIN_INSTANTIATE(launch_max_pool<float, float>);
WITHIN_INSTANTIATE(launch_max_pool<Float16, float>);
WITHIN_INSTANTIATE(launch_max_pool<BFloat16, float>);
WITHIN_INSTANTIATE(launch_average_pool<double, double>);
WITHIN_INSTANTIATE(launch_average_pool<float, float>);
WITHIN_INSTANTIATE(launch_average_pool<Float16, float>);
WITHIN_INSTANTIATE(launch_average_pool<BFloat16, float>);
WITHIN_INSTANTIATE(launch_pool_backward<double, double>);
WITHIN_INSTANTIATE(launch_pool_backward<float, float>);
WITHIN_INSTANTIATE(launch_pool_backward<Float16, float>);
WITHIN_INSTANTIATE(launch_pool_backward<BFloat16, float>);

}  // namespace within
