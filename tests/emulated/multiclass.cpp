// Multiclass metrics: what multiclass_cuda.cpp asks of a GPU, a call for each of its steps.
#include "metrics/multiclass.cuh"

#include "interface.h"

#define FAMILY(name, T)                                                                                               \
    WITHIN_EMULATED void multiclass_rows_##name(const T* probabilities, const int64_t* labels, int64_t rows,          \
                                                int64_t classes, int64_t* decisions, int64_t* places, double* losses, \
                                                unsigned long long* refused) {                                        \
        within::launch_multiclass_rows(probabilities, labels, rows, classes, decisions, places, losses, refused,      \
                                       nullptr);                                                                      \
    }                                                                                                                 \
    WITHIN_EMULATED void multiclass_ovr_keys_##name(const T* probabilities, const int64_t* labels, int64_t rows,      \
                                                    int64_t classes, int64_t first, int64_t count, int64_t* keys) {   \
        within::launch_ovr_keys(probabilities, labels, rows, classes, first, count, keys, nullptr);                   \
    }

FAMILY(float64, double)
FAMILY(float32, float)

WITHIN_EMULATED void multiclass_ovr_areas(const int64_t* keys, const int64_t* rows_of, int64_t rows, int64_t columns,
                                          const int64_t* start, int64_t segments, const double* weights,
                                          int64_t weightings, double* out) {
    within::launch_ovr_areas(
        {keys, rows_of, rows, columns, start, segments, weights, weightings, out, segments, columns}, nullptr);
}
