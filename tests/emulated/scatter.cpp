// The scatter family.
#include "scatter/scatter.cuh"

#include "interface.h"

#define SCATTER_SUM(name, T, format)                                                                              \
    WITHIN_EMULATED void name(const within::T* values, const int64_t* rows, const int64_t* start, within::T* out, \
                              int64_t groups, int64_t columns) {                                                  \
        within::launch_scatter_sum(values, rows, start, out, groups, columns, within::format, nullptr);           \
    }

namespace within {
using Float32 = float;
using Float64 = double;
}  // namespace within

SCATTER_SUM(scatter_sum_float64, Float64, kFloat64)
SCATTER_SUM(scatter_sum_float32, Float32, kFloat32)
SCATTER_SUM(scatter_sum_float16, Float16, kFloat16)
SCATTER_SUM(scatter_sum_bfloat16, BFloat16, kBFloat16)
