// The scatter family: what scatter_cuda.cpp asks of a GPU, a call for each of its steps.
#include "scatter/scatter.cuh"

#include "interface.h"

namespace {

// The parts of a DeviceSums, in the order in which the functions below take them.
struct Parts {
    int64_t rows, columns, groups;
    int* exponents;
    unsigned long long *words, *misfits, *found;

    within::DeviceSums sums() const {
        within::DeviceSums sums{};
        sums.rows = rows;
        sums.columns = columns;
        sums.groups = groups;
        sums.term_bits = within::term_bits_for(rows);
        sums.exponents = exponents;
        sums.words = words;
        sums.misfits = misfits;
        sums.found = found;
        return sums;
    }

    within::DeviceSums sums(int* slots, int64_t slot_count, unsigned long long* limbs, int* specials,
                            unsigned long long* square_limbs, int* square_specials) const {
        within::DeviceSums all = sums();
        all.slots = slots;
        all.slot_count = slot_count;
        all.limbs[0] = limbs;
        all.limbs[1] = square_limbs;
        all.specials[0] = specials;
        all.specials[1] = square_specials;
        return all;
    }
};

#define PARTS                                                                                 \
    int64_t rows, int64_t columns, int64_t groups, int *exponents, unsigned long long *words, \
        unsigned long long *misfits, unsigned long long *found
#define MORE_PARTS                                                                                              \
    int *slots, int64_t slot_count, unsigned long long *limbs, int *specials, unsigned long long *square_limbs, \
        int *square_specials
#define GIVEN \
    Parts { rows, columns, groups, exponents, words, misfits, found }
#define MORE slots, slot_count, limbs, specials, square_limbs, square_specials

}  // namespace

#define SUMS(work, name, T, Out, format)                                                                             \
    WITHIN_EMULATED void scatter_add_##work##_##name(const T* values, const int64_t* index, PARTS) {                 \
        within::launch_add_rows<T, within::Work::work>(GIVEN.sums(), values, index, within::Dtype::name, nullptr);   \
    }                                                                                                                \
    WITHIN_EMULATED void scatter_finish_##work##_##name(Out* out, int64_t ddof, int64_t is_std, PARTS, MORE_PARTS) { \
        within::launch_finish<T, within::Work::work>(GIVEN.sums(MORE), static_cast<double>(ddof), is_std != 0,       \
                                                     within::format, out, nullptr);                                  \
    }

#define FAMILY(name, T, format)                                                                                        \
    SUMS(sum, name, T, T, format)                                                                                      \
    SUMS(mean, name, T, T, format)                                                                                     \
    WITHIN_EMULATED void scatter_finish_wide_##name(double* out, PARTS, MORE_PARTS) {                                  \
        within::launch_finish<T, within::Work::sum>(GIVEN.sums(MORE), 0, false, within::kFloat64, out, nullptr);       \
    }                                                                                                                  \
    WITHIN_EMULATED void scatter_add_misfits_##name(const T* values, const int64_t* cells, int64_t count,              \
                                                    const int64_t* distinct, PARTS, MORE_PARTS) {                      \
        within::launch_add_misfits<T>(GIVEN.sums(MORE), values, cells, count, distinct, nullptr);                      \
    }                                                                                                                  \
    WITHIN_EMULATED void scatter_extreme_##name(const T* values, const int64_t* index, int64_t rows, int64_t columns,  \
                                                int64_t groups, int64_t is_max, within::KeyOf<T>* keys,                \
                                                unsigned long long* outside, T* out) {                                 \
        within::launch_extremes<T>(values, index, rows, columns, groups, is_max != 0, keys, outside, out, nullptr);    \
    }                                                                                                                  \
    WITHIN_EMULATED void scatter_exponentials_##name(const T* values, const int64_t* index, int64_t elements,          \
                                                     int64_t columns, const T* tops, within::Wider<T>* out) {          \
        within::launch_exponentials<T>(values, index, elements, columns, tops, out, nullptr);                          \
    }                                                                                                                  \
    WITHIN_EMULATED void scatter_shares_##name(const within::Wider<T>* powers, const int64_t* index, int64_t elements, \
                                               int64_t columns, const double* sums, T* out) {                          \
        within::launch_shares<T>(powers, index, elements, columns, sums, out, nullptr);                                \
    }                                                                                                                  \
    WITHIN_EMULATED void scatter_log_of_sums_##name(const T* tops, const double* sums, const int64_t* counts,          \
                                                    int64_t cells, int64_t columns, T* out) {                          \
        within::launch_log_of_sums<T>(tops, sums, counts, cells, columns, out, nullptr);                               \
    }

FAMILY(float64, double, kFloat64)
FAMILY(float32, float, kFloat32)
FAMILY(float16, within::Float16, kFloat16)
FAMILY(bfloat16, within::BFloat16, kBFloat16)
SUMS(moments, float32, float, float, kFloat32)
SUMS(moments, float16, within::Float16, within::Float16, kFloat16)
SUMS(moments, bfloat16, within::BFloat16, within::BFloat16, kBFloat16)

WITHIN_EMULATED void scatter_misfit_cells(const int64_t* index, int64_t count, int64_t* cells, PARTS) {
    within::launch_misfit_cells(GIVEN.sums(), index, count, cells, nullptr);
}

WITHIN_EMULATED void scatter_count(const int64_t* index, int64_t rows, int64_t groups, unsigned long long* counts,
                                   unsigned long long* outside) {
    within::launch_count(index, rows, groups, counts, outside, nullptr);
}
