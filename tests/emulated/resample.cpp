// Resamples of a bootstrap: what resample_cuda.cpp asks of a GPU.
#include "metrics/resample.cuh"

#include "interface.h"

WITHIN_EMULATED void resample_weights(int64_t key, int64_t first, int64_t resamples, int64_t size, const int64_t* units,
                                      const double* weights, int64_t rows, int* counts, double* out,
                                      unsigned long long* outside) {
    within::launch_resample(static_cast<uint64_t>(key), first, resamples, size, units, weights, rows, counts, out,
                            outside, nullptr);
}
