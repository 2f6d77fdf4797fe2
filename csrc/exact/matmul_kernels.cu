// Matrix products of every format.
#include "exact/matmul.cuh"

namespace within {

WITHIN_INSTANTIATE(launch_matmul<double, double>);
WITHIN_INSTANTIATE(launch_matmul<float, float>);
WITHIN_INSTANTIATE(launch_matmul<Float16, float>);
WITHIN_INSTANTIATE(launch_matmul<BFloat16, float>);

}  // namespace within
