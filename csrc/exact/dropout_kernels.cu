// Dropout of every format.
#include "exact/dropout.cuh"

namespace within {

WITHIN_INSTANTIATE(launch_dropout<double>);
WITHIN_INSTANTIATE(launch_dropout<float>);
WITHIN_INSTANTIATE(launch_dropout<Float16>);
WITHIN_INSTANTIATE(launch_dropout<BFloat16>);

}  // namespace within
