// Drift metrics: what drift_cuda.cpp asks of a GPU, a call for each of its steps, and what the host does with its
// counts.
#include "metrics/drift.cuh"
//
#include "interface.h"
#include "metrics/drift_finish.h"

#define WEIGHTS                                                                                      \
    const double *weights, const int64_t *row, const int64_t *start, int64_t slices, int64_t places, \
        unsigned long long *largest
#define ALL \
    within::DriftWeights { weights, row, start, slices, places, largest }

#define FAMILY(name, Key, T)                                                                                        \
    WITHIN_EMULATED void drift_read_##name(const T* values, int64_t rows, int64_t columns, int64_t is_current,      \
                                           Key* keys, unsigned long long* found) {                                  \
        within::launch_read_values<T, Key>(values, rows, columns, is_current != 0, keys, found, nullptr);           \
    }                                                                                                               \
    WITHIN_EMULATED void drift_column_##name(                                                                       \
        const Key* keys, const double* shares, const int64_t* start, int64_t places, const Key* other_keys,         \
        const double* other_shares, const int64_t* other_start, int64_t other_places, int64_t slices, int64_t bins, \
        unsigned long long* limbs, unsigned long long* farthest, double* distance, double* up_to) {                 \
        within::launch_column<Key>({keys, shares, start, places},                                                   \
                                   {other_keys, other_shares, other_start, other_places},                           \
                                   {slices, bins, limbs, farthest, distance, up_to}, nullptr);                      \
    }

FAMILY(float32, int32_t, float)
FAMILY(float64, int64_t, double)

WITHIN_EMULATED void drift_read_weights(const double* weights, int64_t rows, unsigned long long* first) {
    within::launch_read_weights(weights, rows, first, nullptr);
}

WITHIN_EMULATED void drift_weigh(WEIGHTS, unsigned long long* limbs, double* effective) {
    within::launch_weigh(ALL, limbs, effective, nullptr);
}

WITHIN_EMULATED void drift_weight_words(WEIGHTS, int64_t* out) { within::launch_weight_words(ALL, out, nullptr); }

WITHIN_EMULATED void drift_shares(WEIGHTS, const int64_t* units, double* out) {
    within::launch_shares(ALL, units, out, nullptr);
}

WITHIN_EMULATED void drift_finish(int64_t rows, int64_t others, int64_t is_weighted, double effective,
                                  double other_effective, int64_t farthest, double distance, const double* up_to,
                                  int64_t bins, double* out) {
    within::DriftFacts facts = {rows, others, is_weighted != 0, effective, other_effective,
                                0,    0,      distance,         up_to,     bins};
    facts.take_farthest(static_cast<uint64_t>(farthest));
    within::finish_drift(facts, out);
}

WITHIN_EMULATED void drift_fits(int64_t rows, int64_t others, int64_t columns, int64_t slices, int64_t bins,
                                int64_t* out) {
    *out = within::fits_gpu(rows, others, columns, slices, bins);
}
