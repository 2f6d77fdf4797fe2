// What the kernels of a bootstrap's resamples are launched with.
#pragma once

#include <cstdint>

#include "core/stream.h"

namespace within {

// counts: [resamples, size], zeros; out: [resamples, rows]; `outside`, ~0 at first, is the first row whose unit is
// none.
void launch_resample(uint64_t key, int64_t first, int64_t resamples, int64_t size, const int64_t* units,
                     const double* weights, int64_t rows, int* counts, double* out, unsigned long long* outside,
                     Stream stream);

}  // namespace within
