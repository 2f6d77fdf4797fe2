// Reductions of every format.
#include "exact/reduce.cuh"

namespace within {

WITHIN_INSTANTIATE(launch_reduce<double>);
WITHIN_INSTANTIATE(launch_reduce<float>);
WITHIN_INSTANTIATE(launch_reduce<Float16>);
WITHIN_INSTANTIATE(launch_reduce<BFloat16>);
WITHIN_INSTANTIATE(launch_pair<double>);
WITHIN_INSTANTIATE(launch_pair<float>);
WITHIN_INSTANTIATE(launch_pair<Float16>);
WITHIN_INSTANTIATE(launch_pair<BFloat16>);

}  // namespace within
