// Tables varied: what features_cuda.cpp asks of a GPU.
#include "augment/features.cuh"

#include "interface.h"

namespace {

template <typename T>
within::Features features(const T* x, const T* bank, const T* noise_scale, const T* fill, const int64_t* partners,
                          const double* weights, const int64_t* ids, const int64_t* keys, int64_t epoch,
                          int64_t dropout, int64_t swap, int64_t rows, int64_t columns, int64_t bank_rows, T* out) {
    within::Features task{};
    task.x = x;
    task.bank = bank;
    task.noise_scale = noise_scale;
    task.fill = fill;
    task.partners = partners;
    task.weights = weights;
    task.ids = ids;
    task.out = out;
    task.columns = columns;
    task.bank_rows = bank_rows;
    task.end = rows;
    task.dropout = static_cast<uint64_t>(dropout);
    task.swap = static_cast<uint64_t>(swap);
    for (int i = 0; i < 2 * within::kPurposes; ++i) task.keys[i / 2][i % 2] = static_cast<uint32_t>(keys[i]);
    task.epoch = static_cast<uint32_t>(epoch);
    return task;
}

}  // namespace

#define FEATURES(name, T)                                                                                              \
    WITHIN_EMULATED void features_vary_##name(const T* x, const T* bank, const T* noise_scale, const T* fill,          \
                                              const int64_t* partners, const double* weights, const int64_t* ids,      \
                                              const int64_t* keys, int64_t epoch, int64_t dropout, int64_t swap,       \
                                              int64_t rows, int64_t columns, int64_t bank_rows, T* out) {              \
        within::launch_features<T, false>(features<T>(x, bank, noise_scale, fill, partners, weights, ids, keys, epoch, \
                                                      dropout, swap, rows, columns, bank_rows, out),                   \
                                          nullptr);                                                                    \
    }                                                                                                                  \
    WITHIN_EMULATED void features_pass_back_##name(const T* gradient, const double* weights, const int64_t* ids,       \
                                                   const int64_t* keys, int64_t epoch, int64_t dropout, int64_t swap,  \
                                                   int64_t rows, int64_t columns, T* out) {                            \
        within::launch_features<T, true>(features<T>(gradient, nullptr, nullptr, nullptr, nullptr, weights, ids, keys, \
                                                     epoch, dropout, swap, rows, columns, 0, out),                     \
                                         nullptr);                                                                     \
    }

FEATURES(float64, double)
FEATURES(float32, float)

WITHIN_EMULATED void features_mixup(const int64_t* ids, const int64_t* keys, int64_t epoch, int64_t bank_rows,
                                    int64_t chance, double alpha, int64_t rows, int64_t* partners, double* weights) {
    within::Mixup mixup{};
    mixup.ids = ids;
    mixup.partners = partners;
    mixup.weights = weights;
    mixup.bank_rows = bank_rows;
    mixup.end = rows;
    mixup.chance = static_cast<uint64_t>(chance);
    mixup.alpha = alpha;
    mixup.epoch = static_cast<uint32_t>(epoch);
    const int64_t* const own = keys + 2 * static_cast<int>(within::Purpose::mixup);
    for (int i = 0; i < 2; ++i) mixup.key[i] = static_cast<uint32_t>(own[i]);
    within::launch_mixup(mixup, nullptr);
}

WITHIN_EMULATED void features_partners_outside(const int64_t* partners, int64_t rows, int64_t bank_rows,
                                               unsigned long long* outside) {
    within::launch_partners_outside(partners, rows, bank_rows, outside, nullptr);
}
