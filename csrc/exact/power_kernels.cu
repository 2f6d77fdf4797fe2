// Powers of every format.
#include "exact/power.cuh"

namespace within {

WITHIN_INSTANTIATE(launch_power<double>);
WITHIN_INSTANTIATE(launch_power<float>);
WITHIN_INSTANTIATE(launch_power<Float16>);
WITHIN_INSTANTIATE(launch_power<BFloat16>);

}  // namespace within
