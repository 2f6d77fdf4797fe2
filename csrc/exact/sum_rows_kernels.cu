// Sums over rows of every format.
#include "exact/sum_rows.cuh"

namespace within {

WITHIN_INSTANTIATE(launch_sum_rows<double, double>);
WITHIN_INSTANTIATE(launch_sum_rows<float, float>);
WITHIN_INSTANTIATE(launch_sum_rows<Float16, float>);
WITHIN_INSTANTIATE(launch_sum_rows<BFloat16, float>);

}  // namespace within
