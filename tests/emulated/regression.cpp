// Regression metrics: what regression_cuda.cpp asks of a GPU, a call for each of its steps.
#include "metrics/regression.cuh"

#include "interface.h"

namespace {

within::RegressionRows rows_of(int64_t is_double, const void* predictions, const void* targets, const double* weights,
                               int64_t rows) {
    return {is_double != 0, predictions, targets, weights, rows};
}

}  // namespace

#define SLICES                                                                                                  \
    int64_t is_double, const void *predictions, const void *targets, const double *weights, int64_t rows,       \
        int64_t places, int64_t slices, const int64_t *start, const int64_t *member, unsigned long long *limbs, \
        unsigned long long *marks, double *sums, double *ranks
#define ALL                                                                                                         \
    within::RegressionSlices {                                                                                      \
        rows_of(is_double, predictions, targets, weights, rows), places, slices, start, member, limbs, marks, sums, \
            ranks                                                                                                   \
    }

#define FAMILY(name, Key, T)                                                                                          \
    WITHIN_EMULATED void regression_read_##name(const T* predictions, const T* targets, const double* weights,        \
                                                int64_t rows, Key* keys, Key* target_keys, int64_t* errors,           \
                                                unsigned long long* found) {                                          \
        within::launch_read_columns<T, Key>(rows_of(sizeof(T) == 8, predictions, targets, weights, rows), keys,       \
                                            target_keys, errors, found, nullptr);                                     \
    }                                                                                                                 \
    WITHIN_EMULATED void regression_ranks_##name(SLICES, const Key* keys, const int64_t* order, const int64_t* units, \
                                                 int64_t column) {                                                    \
        within::launch_ranks<Key>(ALL, {keys, order, units}, column, nullptr);                                        \
    }

FAMILY(float32, int32_t, float)
FAMILY(float64, int64_t, double)

WITHIN_EMULATED void regression_passes(SLICES) { within::launch_passes(ALL, nullptr); }

WITHIN_EMULATED void regression_units(SLICES, const int64_t* order, int64_t* out) {
    within::launch_units(ALL, order, out, nullptr);
}

WITHIN_EMULATED void regression_quantiles(SLICES, const int64_t* keys, const int64_t* order, const int64_t* units,
                                          const double* shares, int64_t count, double* out) {
    within::launch_quantiles(ALL, {keys, order, units}, shares, count, out, nullptr);
}

WITHIN_EMULATED void regression_finish(SLICES, int64_t quantiles, double* out) {
    within::launch_finish(ALL, quantiles, out, nullptr);
}
