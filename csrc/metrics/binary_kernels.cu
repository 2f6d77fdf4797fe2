// Binary metrics of scores of both formats, weights in float64.
#include "metrics/binary.cuh"

namespace within {

#define FORMAT(Key, Score)                         \
    WITHIN_INSTANTIATE(launch_encode<Key, Score>); \
    WITHIN_INSTANTIATE(launch_words<Key>);         \
    WITHIN_INSTANTIATE(launch_slices<Key>)

FORMAT(uint64_t, double);
FORMAT(uint32_t, float);
WITHIN_INSTANTIATE(launch_measure<double>);

}  // namespace within
