// Losses of every format.
#include "exact/class_loss.cuh"
#include "exact/pairwise_loss.cuh"
#include "exact/pointwise_loss.cuh"

namespace within {

WITHIN_INSTANTIATE(launch_point_values<double>);
WITHIN_INSTANTIATE(launch_point_values<float>);
WITHIN_INSTANTIATE(launch_point_values<Float16>);
WITHIN_INSTANTIATE(launch_point_values<BFloat16>);
WITHIN_INSTANTIATE(launch_point_sum<double, double>);
WITHIN_INSTANTIATE(launch_point_sum<float, float>);
WITHIN_INSTANTIATE(launch_point_sum<Float16, float>);
WITHIN_INSTANTIATE(launch_point_sum<BFloat16, float>);
WITHIN_INSTANTIATE(launch_point_gradients<double, double>);
WITHIN_INSTANTIATE(launch_point_gradients<float, float>);
WITHIN_INSTANTIATE(launch_point_gradients<Float16, float>);
WITHIN_INSTANTIATE(launch_point_gradients<BFloat16, float>);
WITHIN_INSTANTIATE(launch_class_losses<double>);
WITHIN_INSTANTIATE(launch_class_losses<float>);
WITHIN_INSTANTIATE(launch_class_losses<Float16>);
WITHIN_INSTANTIATE(launch_class_losses<BFloat16>);
WITHIN_INSTANTIATE(launch_class_gradients<double, double>);
WITHIN_INSTANTIATE(launch_class_gradients<float, float>);
WITHIN_INSTANTIATE(launch_class_gradients<Float16, float>);
WITHIN_INSTANTIATE(launch_class_gradients<BFloat16, float>);
WITHIN_INSTANTIATE(launch_number_sum<double, double, double>);
WITHIN_INSTANTIATE(launch_number_sum<float, float, float>);
WITHIN_INSTANTIATE(launch_number_sum<float, float, Float16>);
WITHIN_INSTANTIATE(launch_number_sum<float, float, BFloat16>);
WITHIN_INSTANTIATE(launch_number_sum<Float16, float, float>);
WITHIN_INSTANTIATE(launch_number_sum<BFloat16, float, float>);
WITHIN_INSTANTIATE(launch_pair_losses<double>);
WITHIN_INSTANTIATE(launch_pair_gradients<double>);
WITHIN_INSTANTIATE(launch_pair_losses<float>);
WITHIN_INSTANTIATE(launch_pair_gradients<float>);

}  // namespace within
