// The kernels of the scatter family and the functions that launch them; compiled by nvcc, and by the tests' emulator.
#pragma once

#include "core/elementary.h"
#include "core/exponential.h"
#include "core/launch.h"
#include "scatter/scatter_launch.h"
#include "scatter/window.h"

namespace within {
inline namespace WITHIN_ISA {

constexpr int kThreads = 256;
constexpr int kMostBlocks = 1 << 14;
constexpr int64_t kSharedWords = 4096;  // words that a block keeps for itself

inline int blocks_for(int64_t items, int64_t per_block = kThreads) {
    const int64_t blocks = (items + per_block - 1) / per_block;
    return static_cast<int>(blocks < 1 ? 1 : blocks > kMostBlocks ? kMostBlocks : blocks);
}

__global__ void sample_exponents_kernel(DeviceSums sums, const void* values, Dtype dtype) {
    __shared__ int largest;
    const int64_t column = blockIdx.x;
    if (threadIdx.x == 0) largest = -2000;
    __syncthreads();
    const int64_t taken = sums.rows < blockDim.x ? sums.rows : blockDim.x;
    if (threadIdx.x < taken) {
        const int64_t at = threadIdx.x * sums.rows / taken * sums.columns + column;
        double value;
        if (dtype == Dtype::float64) {
            value = static_cast<const double*>(values)[at];
        } else if (dtype == Dtype::float32) {
            value = static_cast<const float*>(values)[at];
        } else if (dtype == Dtype::float16) {
            value = load(static_cast<const Float16*>(values)[at]);
        } else {
            value = load(static_cast<const BFloat16*>(values)[at]);
        }
        if (is_finite(value) && value != 0) {
            const int exponent = static_cast<int>(bits_of(value) >> 52 & 0x7ff) - 1023;
            atomicMax(&largest, exponent);
        }
    }
    __syncthreads();
    if (threadIdx.x == 0) sums.exponents[column] = largest == -2000 ? 0 : largest;
}

// A place in the list of what does not fit: twice the element, and 1 for its square.
__device__ __forceinline__ void add_misfit(const DeviceSums& sums, int64_t element, int which) {
    sums.misfits[atomicAdd(&sums.found[0], 1ull)] = 2 * static_cast<unsigned long long>(element) + which;
}

template <typename T, Work work>
__global__ void add_rows_kernel(DeviceSums sums, const T* values, const int64_t* index, bool is_shared) {
    constexpr bool kIsDouble = std::is_same_v<T, double>;
    constexpr int kWords = counted_words_of(kIsDouble ? Dtype::float64 : Dtype::float32, work);
    WITHIN_SHARED(unsigned long long, own);
    const int64_t all = sums.groups * sums.columns * kWords;
    unsigned long long* const target = is_shared ? own : sums.words;
    if (is_shared) {
        for (int64_t i = threadIdx.x; i < all; i += blockDim.x) own[i] = 0;
        __syncthreads();
    }
    const int64_t elements = sums.rows * sums.columns;
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t e = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; e < elements; e += step) {
        const int64_t row = sums.columns == 1 ? e : e / sums.columns;
        const int64_t column = e - row * sums.columns;
        const int64_t group = index[row];
        if (static_cast<uint64_t>(group) >= static_cast<uint64_t>(sums.groups)) {
            atomicMin(&sums.found[1], static_cast<unsigned long long>(row));
            continue;
        }
        unsigned long long* const words = target + (group * sums.columns + column) * kWords;
        const double value = static_cast<double>(load(values[e]));
        const int exponent = sums.exponents[column];
        const Shift by(base_of_words(exponent, kIsDouble, false, sums.term_bits), sums.term_bits);
        int64_t low = 0, high = 0;
        if constexpr (kIsDouble) {
            if (shift_to_words(value, by, &low, &high)) {
                atomicAdd(&words[0], static_cast<unsigned long long>(low));
                atomicAdd(&words[1], static_cast<unsigned long long>(high));
            } else {
                add_misfit(sums, e, 0);
            }
        } else {
            if (shift_to_word(value, by, &low)) {
                atomicAdd(&words[0], static_cast<unsigned long long>(low));
            } else {
                add_misfit(sums, e, 0);
            }
        }
        if constexpr (work == Work::moments) {
            const Shift square_by(base_of_words(exponent, false, true, sums.term_bits), sums.term_bits);
            if (shift_to_words(value * value, square_by, &low, &high)) {
                atomicAdd(&words[1], static_cast<unsigned long long>(low));
                atomicAdd(&words[2], static_cast<unsigned long long>(high));
            } else {
                add_misfit(sums, e, 1);
            }
        }
        if constexpr (work != Work::sum) atomicAdd(&words[kWords - 1], 1ull);
    }
    if (is_shared) {
        __syncthreads();
        for (int64_t i = threadIdx.x; i < all; i += blockDim.x)
            if (own[i] != 0) atomicAdd(&sums.words[i], own[i]);
    }
}

// The cell of each misfit.
__global__ void misfit_cells_kernel(DeviceSums sums, const int64_t* index, int64_t count, int64_t* cells) {
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += step) {
        const int64_t element = static_cast<int64_t>(sums.misfits[i] >> 1);
        const int64_t row = element / sums.columns;
        cells[i] = index[row] * sums.columns + (element - row * sums.columns);
    }
}

__global__ void number_slots_kernel(const int64_t* cells, int64_t count, int* slots) {
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += step)
        slots[cells[i]] = static_cast<int>(i);
}

// Adds each misfit to the limbs of its cell's slot.
template <typename T>
__global__ void add_misfits_kernel(DeviceSums sums, const T* values, const int64_t* cells, int64_t count) {
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += step) {
        const int which = static_cast<int>(sums.misfits[i] & 1);
        double value = static_cast<double>(load(values[sums.misfits[i] >> 1]));
        if (which == 1) value *= value;
        const int64_t slot = sums.slots[cells[i]];
        if (!is_finite(value)) {
            atomicOr(&sums.specials[which][slot], special_of(value));
            continue;
        }
        const Placed placed = place(value);
        const Reach reach = reach_of(std::is_same_v<T, double>, which == 1);
        unsigned long long* const limb = sums.limbs[which] + (placed.limb - reach.first) * sums.slot_count + slot;
        // Three words below 2^32, so that no number of rows overflows a limb.
        const uint64_t high = static_cast<uint64_t>(placed.high < 0 ? -placed.high : placed.high);
        const int64_t middle = static_cast<int64_t>(high & 0xffffffffull), top = static_cast<int64_t>(high >> 32);
        const bool negative = placed.high < 0;
        atomicAdd(&limb[0], static_cast<unsigned long long>(placed.low));
        atomicAdd(&limb[sums.slot_count], static_cast<unsigned long long>(negative ? -middle : middle));
        if (top != 0) atomicAdd(&limb[2 * sums.slot_count], static_cast<unsigned long long>(negative ? -top : top));
    }
}

// The sum of a cell, rounded once, or to about 106 bits.
template <typename T>
__device__ DoubleDouble finish_cell(const DeviceSums& sums, const unsigned long long* words, int exponent, int which,
                                    int slot, Format format, bool is_twice) {
    constexpr bool kIsDouble = std::is_same_v<T, double>;
    const bool is_pair = kIsDouble || which == 1;
    const int base = base_of_words(exponent, kIsDouble, which == 1, sums.term_bits);
    const int64_t low = static_cast<int64_t>(words[0]);
    const int64_t high = is_pair ? static_cast<int64_t>(words[1]) : 0;
    if (slot < 0) {
        const __int128 whole = (static_cast<__int128>(high) << 32) + low;
        if (is_twice) return round_words_twice(whole, base);
        return {round_words(whole, base, format), 0};
    }
    const int special = sums.specials[which][slot];
    if (special != 0) return {sum_of_specials(special), 0};
    constexpr int kMost = (kIsDouble ? kReachDouble.count : kReachSquare.count) + 2;
    const Reach reach = reach_of(kIsDouble, which == 1);
    int64_t limbs[kMost], rest[kMost];
    for (int i = 0; i < kMost; ++i) limbs[i] = 0;
    for (int i = 0; i < reach.count; ++i) {
        const int64_t limb = static_cast<int64_t>(sums.limbs[which][i * sums.slot_count + slot]);
        limbs[i] += limb & 0xffffffffll;
        limbs[i + 1] += limb >> kLimbBits;
    }
    for (int w = 0; w < (is_pair ? 2 : 1); ++w) {
        int limb;
        int64_t parts[3];
        split_word(w == 0 ? low : high, base + 32 * w, &limb, parts);
        for (int i = 0; i < 3; ++i) limbs[limb + i - reach.first] += parts[i];
    }
    if (!is_twice) return {round_limbs(limbs, reach.first, reach.count + 2, format), 0};
    for (int i = 0; i < kMost; ++i) rest[i] = limbs[i];
    const double rounded = round_limbs(limbs, reach.first, reach.count + 2, kFloat64);
    if (!is_finite(rounded) || rounded == 0) return {rounded, 0};
    const Placed placed = place(rounded);
    rest[placed.limb - reach.first] -= placed.low;
    rest[placed.limb + 1 - reach.first] -= placed.high;
    return {rounded, round_limbs(rest, reach.first, reach.count + 2, kFloat64)};
}

WITHIN_HOST_DEVICE void write_number(double value, double* out) { *out = value; }
WITHIN_HOST_DEVICE void write_number(double value, float* out) { *out = static_cast<float>(value); }
WITHIN_HOST_DEVICE void write_number(double value, Float16* out) {
    store(static_cast<float>(narrow(value, kFloat16)), out);
}
WITHIN_HOST_DEVICE void write_number(double value, BFloat16* out) {
    store(static_cast<float>(narrow(value, kBFloat16)), out);
}

template <typename T, Work work, typename Out>
__global__ void finish_kernel(DeviceSums sums, double ddof, bool is_std, Format format, Out* out) {
    constexpr int kWords = counted_words_of(std::is_same_v<T, double> ? Dtype::float64 : Dtype::float32, work);
    const int64_t cells = sums.groups * sums.columns;
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t cell = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; cell < cells; cell += step) {
        const unsigned long long* const words = sums.words + cell * kWords;
        const int exponent = sums.exponents[cell % sums.columns];
        const int slot = sums.slots == nullptr ? -1 : sums.slots[cell];
        double result;
        if constexpr (work == Work::sum) {
            result = finish_cell<T>(sums, words, exponent, 0, slot, format, false).high;
        } else {
            const double count = static_cast<double>(words[kWords - 1]);
            if constexpr (work == Work::mean) {
                result = finish_cell<T>(sums, words, exponent, 0, slot, kFloat64, false).high / count;
            } else {
                const DoubleDouble sum = finish_cell<T>(sums, words, exponent, 0, slot, kFloat64, true);
                const DoubleDouble squares = finish_cell<T>(sums, words + 1, exponent, 1, slot, kFloat64, true);
                result = finish_moments(sum, squares, count, ddof, is_std);
            }
        }
        write_number(result, out + cell);
    }
}

// ---- minima and maxima ----

__device__ __forceinline__ void raise_key(int32_t* key, int32_t to) { atomicMax(key, to); }
__device__ __forceinline__ void raise_key(int64_t* key, int64_t to) {
    atomicMax(reinterpret_cast<long long*>(key), static_cast<long long>(to));
}

template <typename T>
__global__ void extremes_kernel(const T* values, const int64_t* index, int64_t rows, int64_t columns, int64_t groups,
                                bool is_max, KeyOf<T>* keys, unsigned long long* outside) {
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t e = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; e < rows * columns; e += step) {
        const int64_t row = e / columns;
        const int64_t group = index[row];
        if (static_cast<uint64_t>(group) >= static_cast<uint64_t>(groups)) {
            atomicMin(outside, static_cast<unsigned long long>(row));
            continue;
        }
        raise_key(keys + group * columns + (e - row * columns), key_of(values[e], is_max));
    }
}

template <typename T>
__global__ void store_extremes_kernel(const KeyOf<T>* keys, int64_t cells, bool is_max, T* out) {
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < cells; i += step)
        store_key(keys[i], is_max, out + i);
}

// ---- counts, softmax, log-sum-exp ----

__global__ void count_kernel(const int64_t* index, int64_t rows, int64_t groups, unsigned long long* counts,
                             unsigned long long* outside) {
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t row = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; row < rows; row += step) {
        const int64_t group = index[row];
        if (static_cast<uint64_t>(group) >= static_cast<uint64_t>(groups)) {
            atomicMin(outside, static_cast<unsigned long long>(row));
        } else {
            atomicAdd(&counts[group], 1ull);
        }
    }
}

template <typename T>
__global__ void exponentials_kernel(const T* values, const int64_t* index, int64_t elements, int64_t columns,
                                    const T* tops, Wider<T>* out) {
    constexpr int kDegree = std::is_same_v<T, double> ? 13 : 8;
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t e = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; e < elements; e += step) {
        const int64_t row = e / columns;
        const T top = tops[index[row] * columns + (e - row * columns)];
        const double difference = static_cast<double>(load(values[e])) - static_cast<double>(load(top));
        out[e] = static_cast<Wider<T>>(exponential<kDegree>(difference));
    }
}

template <typename T>
__global__ void shares_kernel(const Wider<T>* powers, const int64_t* index, int64_t elements, int64_t columns,
                              const double* sums, T* out) {
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t e = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; e < elements; e += step) {
        const int64_t row = e / columns;
        const double share = static_cast<double>(powers[e]) / sums[index[row] * columns + (e - row * columns)];
        if constexpr (std::is_same_v<T, double>) {
            out[e] = share;
        } else {
            store(static_cast<float>(share), out + e);
        }
    }
}

template <typename T>
__global__ void log_of_sums_kernel(const T* tops, const double* sums, const int64_t* counts, int64_t cells,
                                   int64_t columns, T* out) {
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < cells; i += step)
        write_number(log_of_sum(static_cast<double>(load(tops[i])), sums[i], counts[i / columns]), out + i);
}

}  // namespace WITHIN_ISA

// ---- launches ----

template <typename T, Work work>
void launch_add_rows(const DeviceSums& sums, const T* values, const int64_t* index, Dtype dtype, Stream stream) {
    constexpr int kWords = counted_words_of(std::is_same_v<T, double> ? Dtype::float64 : Dtype::float32, work);
    const int64_t words = sums.groups * sums.columns * kWords;
    const bool is_shared = words <= kSharedWords;
    WITHIN_LAUNCH((sample_exponents_kernel), static_cast<int>(sums.columns), kThreads, 0, stream, sums,
                  static_cast<const void*>(values), dtype);
    const int64_t per_block = is_shared ? std::max<int64_t>(16 * kThreads, 4 * words) : 4 * kThreads;
    WITHIN_LAUNCH((add_rows_kernel<T, work>), blocks_for(sums.rows * sums.columns, per_block), kThreads,
                  is_shared ? static_cast<size_t>(words) * sizeof(unsigned long long) : 0, stream, sums, values, index,
                  is_shared);
}

void launch_misfit_cells(const DeviceSums& sums, const int64_t* index, int64_t count, int64_t* cells, Stream stream) {
    WITHIN_LAUNCH((misfit_cells_kernel), blocks_for(count), kThreads, 0, stream, sums, index, count, cells);
}

template <typename T>
void launch_add_misfits(const DeviceSums& sums, const T* values, const int64_t* cells, int64_t count,
                        const int64_t* distinct, Stream stream) {
    WITHIN_LAUNCH((number_slots_kernel), blocks_for(sums.slot_count), kThreads, 0, stream, distinct, sums.slot_count,
                  sums.slots);
    WITHIN_LAUNCH((add_misfits_kernel<T>), blocks_for(count), kThreads, 0, stream, sums, values, cells, count);
}

template <typename T, Work work, typename Out>
void launch_finish(const DeviceSums& sums, double ddof, bool is_std, Format format, Out* out, Stream stream) {
    WITHIN_LAUNCH((finish_kernel<T, work, Out>), blocks_for(sums.groups * sums.columns), kThreads, 0, stream, sums,
                  ddof, is_std, format, out);
}

template <typename T>
void launch_extremes(const T* values, const int64_t* index, int64_t rows, int64_t columns, int64_t groups, bool is_max,
                     KeyOf<T>* keys, unsigned long long* outside, T* out, Stream stream) {
    WITHIN_LAUNCH((extremes_kernel<T>), blocks_for(rows * columns), kThreads, 0, stream, values, index, rows, columns,
                  groups, is_max, keys, outside);
    WITHIN_LAUNCH((store_extremes_kernel<T>), blocks_for(groups * columns), kThreads, 0, stream, keys, groups * columns,
                  is_max, out);
}

void launch_count(const int64_t* index, int64_t rows, int64_t groups, unsigned long long* counts,
                  unsigned long long* outside, Stream stream) {
    WITHIN_LAUNCH((count_kernel), blocks_for(rows), kThreads, 0, stream, index, rows, groups, counts, outside);
}

template <typename T>
void launch_exponentials(const T* values, const int64_t* index, int64_t elements, int64_t columns, const T* tops,
                         Wider<T>* out, Stream stream) {
    WITHIN_LAUNCH((exponentials_kernel<T>), blocks_for(elements), kThreads, 0, stream, values, index, elements, columns,
                  tops, out);
}

template <typename T>
void launch_shares(const Wider<T>* powers, const int64_t* index, int64_t elements, int64_t columns, const double* sums,
                   T* out, Stream stream) {
    WITHIN_LAUNCH((shares_kernel<T>), blocks_for(elements), kThreads, 0, stream, powers, index, elements, columns, sums,
                  out);
}

template <typename T>
void launch_log_of_sums(const T* tops, const double* sums, const int64_t* counts, int64_t cells, int64_t columns,
                        T* out, Stream stream) {
    WITHIN_LAUNCH((log_of_sums_kernel<T>), blocks_for(cells), kThreads, 0, stream, tops, sums, counts, cells, columns,
                  out);
}

}  // namespace within
