// Multiclass metrics of probabilities of both formats.
#include "metrics/multiclass.cuh"

namespace within {

WITHIN_INSTANTIATE(launch_multiclass_rows<double>);
WITHIN_INSTANTIATE(launch_multiclass_rows<float>);
WITHIN_INSTANTIATE(launch_ovr_keys<double>);
WITHIN_INSTANTIATE(launch_ovr_keys<float>);

}  // namespace within
