// The arithmetic that varies a number of a table, and what its kernels are given.
//
// The words of a purpose are those of Philox with the purpose's key and the counter (id low, id high, block, epoch):
// word i % 4 of block i / 4 is that of feature i of the row.
#pragma once

#include <cmath>
#include <cstdint>

#include "core/elementary.h"
#include "core/exponential.h"
#include "core/philox.h"

namespace within {

enum class Purpose { noise, dropout, swap, partner, mixup };
constexpr int kPurposes = 5;
constexpr int kFeaturesOfBlock = 4;

// Rows of which each number is swapped, mixed, perturbed, dropped, in this order. What is off has no pointer, or a
// chance of 0. A chance is in units of 2^-32: a word is below it as often.
struct Features {
    const void* x;            // [rows, columns]; of a gradient the gradient of the result
    const void* bank;         // [bank_rows, columns]
    const void* noise_scale;  // [columns]
    const void* fill;         // [columns]
    const int64_t* ids;       // [rows]
    const int64_t* partners;  // [rows], rows of the bank that are mixed in
    const double* weights;    // [rows], their weights
    void* out;                // [rows, columns]
    int64_t columns;
    int64_t bank_rows;
    int64_t begin;
    int64_t end;
    uint64_t dropout;
    uint64_t swap;
    uint32_t keys[kPurposes][2];
    uint32_t epoch;
};

// Rows that are mixed with rows of a bank: which, and by what weight.
struct Mixup {
    const int64_t* ids;
    int64_t* partners;
    double* weights;
    int64_t bank_rows;
    int64_t begin;
    int64_t end;
    uint64_t chance;
    double alpha;
    uint32_t key[2];
    uint32_t epoch;
};

inline namespace WITHIN_ISA {

WITHIN_HOST_DEVICE uint32_t low_of(int64_t id) { return static_cast<uint32_t>(id); }
WITHIN_HOST_DEVICE uint32_t high_of(int64_t id) { return static_cast<uint32_t>(static_cast<uint64_t>(id) >> 32); }

// An integer in [0, rows), rows up to 2^32.
WITHIN_HOST_DEVICE int64_t row_of(uint32_t word, int64_t rows) {
    return static_cast<int64_t>(static_cast<uint64_t>(word) * static_cast<uint64_t>(rows) >> 32);
}

template <typename T>
WITHIN_HOST_DEVICE T mixed(T value, T other, T weight) {
    return value + weight * (other - value);
}

template <typename T>
WITHIN_HOST_DEVICE T perturbed(T value, float normal, T scale) {
    return value + static_cast<T>(normal) * scale;
}

// cos(2 pi (k + 1/2) / 2^32), by the Taylor polynomial of the sine.
WITHIN_HOST_DEVICE double cosine_of_turn(uint32_t k) {
    constexpr double kInverse[10] = {1.0 / (2 * 3),   1.0 / (4 * 5),   1.0 / (6 * 7),   1.0 / (8 * 9),
                                     1.0 / (10 * 11), 1.0 / (12 * 13), 1.0 / (14 * 15), 1.0 / (16 * 17),
                                     1.0 / (18 * 19), 1.0 / (20 * 21)};
    const double turn = (static_cast<double>(k) + 0.5) * 0x1p-32;
    const double from_half = turn < 0.5 ? 0.5 - turn : turn - 0.5;
    const double angle = (1 - 4 * from_half) * 1.5707963267948966;
    const double square = angle * angle;
    double p = 1;
    for (int i = 9; i >= 0; --i) p = 1 - square * kInverse[i] * p;
    return -(angle * p);
}

// A draw of Beta(alpha, alpha) of two words: T / sqrt(2 alpha + T^2) of a t variable T with 2 alpha degrees of freedom,
// by Bailey, "Polar generation of random variates with the t-distribution", Mathematics of Computation 62 (1994); the
// whole in Devroye, "Random variate generation in one line of code" (1996).
// From its nearer end, so that small ones keep their digits.
WITHIN_HOST_DEVICE double symmetric_beta(uint32_t radius, uint32_t angle, double alpha) {
    const double u = (static_cast<double>(radius) + 0.5) * 0x1p-32;
    const double cosine = cosine_of_turn(angle);
    const double exponent = -log(u) / alpha;
    const double square = (exponential<13>(exponent < 700 ? exponent : 700) - 1) * (cosine * cosine);
    const double end = 0.5 / ((1 + square) * (1 + sqrt(square / (1 + square))));
    return cosine < 0 ? end : 1 - end;
}

struct Mixed {
    int64_t partner;
    double weight;
};

WITHIN_HOST_DEVICE Mixed draw_mixup(const Mixup& mixup, int64_t id) {
    const PhiloxBlock drawn = philox({{low_of(id), high_of(id), 0, mixup.epoch}}, {{mixup.key[0], mixup.key[1]}});
    if (drawn.words[0] >= mixup.chance) return {0, 0};
    return {row_of(drawn.words[1], mixup.bank_rows), symmetric_beta(drawn.words[2], drawn.words[3], mixup.alpha)};
}

}  // namespace WITHIN_ISA
}  // namespace within
