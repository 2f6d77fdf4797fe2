// Batch normalisation of every format.
#include "exact/batch_norm.cuh"

namespace within {

WITHIN_INSTANTIATE(launch_batch<double>);
WITHIN_INSTANTIATE(launch_batch<float>);
WITHIN_INSTANTIATE(launch_batch<Float16>);
WITHIN_INSTANTIATE(launch_batch<BFloat16>);
WITHIN_INSTANTIATE(launch_batch_backward<double>);
WITHIN_INSTANTIATE(launch_batch_backward<float>);
WITHIN_INSTANTIATE(launch_batch_backward<Float16>);
WITHIN_INSTANTIATE(launch_batch_backward<BFloat16>);

}  // namespace within
