// Tables of float and double varied, and their gradients.
#include "augment/features.cuh"

namespace within {

WITHIN_INSTANTIATE(launch_features<double, false>);
WITHIN_INSTANTIATE(launch_features<double, true>);
WITHIN_INSTANTIATE(launch_features<float, false>);
WITHIN_INSTANTIATE(launch_features<float, true>);

}  // namespace within
