// Binary metrics: what binary_cuda.cpp asks of a GPU, a call for each of its steps.
#include "metrics/binary.cuh"

#include "interface.h"

#define FAMILY(name, Key, Score)                                                                                      \
    WITHIN_EMULATED void binary_encode_##name(const Score* scores, const double* labels, int64_t rows, Key* keys,     \
                                              unsigned long long* found) {                                            \
        within::launch_encode<Key, Score>(scores, labels, rows, keys, found, nullptr);                                \
    }                                                                                                                 \
    WITHIN_EMULATED void binary_measure_##name(const Score* weights, int64_t rows, unsigned long long* found) {       \
        within::launch_measure<Score>(weights, rows, found, nullptr);                                                 \
    }                                                                                                                 \
    WITHIN_EMULATED void binary_words_##name(const Key* keys, const double* weights, int64_t rows, int64_t base,      \
                                             int64_t words, int64_t* out) {                                           \
        within::launch_words<Key>(keys, weights, rows, base, words, out, nullptr);                                    \
    }                                                                                                                 \
    WITHIN_EMULATED void binary_slices_##name(                                                                        \
        const Key* keys, const double* weights, int64_t rows, int64_t slices, int64_t bins, double threshold,         \
        double largest, int64_t base, int64_t words, const int64_t* start, const int64_t* sums, double* masses,       \
        unsigned long long* limbs, unsigned long long* tops, double* out) {                                           \
        const within::DeviceSlices all = {rows,  slices, bins,  threshold, largest,                                   \
                                          base,  words,  start, sums,      reinterpret_cast<within::Masses*>(masses), \
                                          limbs, tops};                                                               \
        within::launch_slices<Key>(all, keys, weights, out, nullptr);                                                 \
    }

FAMILY(float32, uint32_t, float)
FAMILY(float64, uint64_t, double)
