// Optimizers of every format.
#include "exact/optim.cuh"

namespace within {

WITHIN_INSTANTIATE(launch_adam<double>);
WITHIN_INSTANTIATE(launch_adam<float>);
WITHIN_INSTANTIATE(launch_adam<Float16>);
WITHIN_INSTANTIATE(launch_adam<BFloat16>);
WITHIN_INSTANTIATE(launch_sgd<double>);
WITHIN_INSTANTIATE(launch_sgd<float>);
WITHIN_INSTANTIATE(launch_sgd<Float16>);
WITHIN_INSTANTIATE(launch_sgd<BFloat16>);
WITHIN_INSTANTIATE(launch_norm_sums<double>);
WITHIN_INSTANTIATE(launch_norm_sums<float>);
WITHIN_INSTANTIATE(launch_norm_sums<Float16>);
WITHIN_INSTANTIATE(launch_norm_sums<BFloat16>);
WITHIN_INSTANTIATE(launch_total_norm<double>);
WITHIN_INSTANTIATE(launch_total_norm<float>);
WITHIN_INSTANTIATE(launch_clip<double, double>);
WITHIN_INSTANTIATE(launch_clip<double, float>);
WITHIN_INSTANTIATE(launch_clip<float, double>);
WITHIN_INSTANTIATE(launch_clip<float, float>);
WITHIN_INSTANTIATE(launch_clip<Float16, double>);
WITHIN_INSTANTIATE(launch_clip<Float16, float>);
WITHIN_INSTANTIATE(launch_clip<BFloat16, double>);
WITHIN_INSTANTIATE(launch_clip<BFloat16, float>);

}  // namespace within
