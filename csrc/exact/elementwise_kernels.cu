// Elementwise functions of every format.
#include "exact/elementwise.cuh"

namespace within {

WITHIN_INSTANTIATE(launch_unary<double>);
WITHIN_INSTANTIATE(launch_unary<float>);
WITHIN_INSTANTIATE(launch_unary<Float16>);
WITHIN_INSTANTIATE(launch_unary<BFloat16>);

}  // namespace within
