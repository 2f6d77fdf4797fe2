// Drift metrics of columns of both formats.
#include "metrics/drift.cuh"

namespace within {

#define FORMAT(T, Key)                              \
    WITHIN_INSTANTIATE(launch_read_values<T, Key>); \
    WITHIN_INSTANTIATE(launch_column<Key>)

FORMAT(double, int64_t);
FORMAT(float, int32_t);

}  // namespace within
