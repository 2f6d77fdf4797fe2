// Regression metrics of columns of both formats.
#include "metrics/regression.cuh"

namespace within {

#define FORMAT(T, Key)                               \
    WITHIN_INSTANTIATE(launch_read_columns<T, Key>); \
    WITHIN_INSTANTIATE(launch_ranks<Key>)

FORMAT(double, int64_t);
FORMAT(float, int32_t);

}  // namespace within
