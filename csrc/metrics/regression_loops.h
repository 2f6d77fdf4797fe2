// The CPU loops of regression metrics.
#pragma once

#include "core/standard.h"
//
#include "metrics/regression_rows.h"
#include "metrics/sort.h"
#include "metrics/weights.h"

namespace within {
inline namespace WITHIN_ISA {

constexpr int64_t kRegressionBlock = 256;
constexpr int64_t kFetchedAhead = 24;  // rows by which scattered weights and ranks are fetched before they are used

// Inputs below this, and weights, leave every term finite.
constexpr double kTame = 0x1p400;
constexpr double kTameWeight = 0x1p200;
constexpr double kMostRegressionWeight = 0x1p400;  // no product of sums of such is infinite

struct RegressionBlock {
    alignas(64) double prediction[kRegressionBlock];
    alignas(64) double target[kRegressionBlock];
    alignas(64) double weight[kRegressionBlock];
    alignas(64) double terms[kRegressionSums][kRegressionBlock];
};

template <typename T>
void load_block(const RegressionRows& rows, int64_t at, int64_t count, int64_t step, RegressionBlock& block) {
    const T* const predictions = static_cast<const T*>(rows.predictions) + at;
    const T* const targets = static_cast<const T*>(rows.targets) + at;
    if (step == 1) {
        for (int64_t i = 0; i < count; ++i) block.prediction[i] = predictions[i];
        for (int64_t i = 0; i < count; ++i) block.target[i] = targets[i];
        if (rows.weights != nullptr)
            for (int64_t i = 0; i < count; ++i) block.weight[i] = rows.weights[at + i];
        return;
    }
    for (int64_t i = 0; i < count; ++i) {
        block.prediction[i] = predictions[i * step];
        block.target[i] = targets[i * step];
        if (rows.weights != nullptr) block.weight[i] = rows.weights[at + i * step];
    }
}

template <bool is_second, bool is_weighted>
void find_terms(RegressionBlock& block, int64_t count, const RegressionMeans& means) {
    for (int64_t i = 0; i < count; ++i) {
        const double weight = is_weighted ? block.weight[i] : 1.0;
        RegressionTerms terms;
        if constexpr (is_second) {
            terms = second_terms(block.prediction[i], block.target[i], weight, means);
        } else {
            terms = first_terms(block.prediction[i], block.target[i], weight);
        }
        for (int k = 0; k < kRegressionSums; ++k) block.terms[k][i] = terms.of[k];
    }
}

// Whether some term may overflow, or some input is none.
template <bool is_weighted>
bool is_wild_block(const RegressionBlock& block, int64_t count) {
    int64_t wild = 0;
    for (int64_t i = 0; i < count; ++i) {
        const bool tame = (size_of(block.prediction[i]) < kTame) & (size_of(block.target[i]) < kTame);
        wild += tame ? 0 : 1;
        if constexpr (is_weighted) wild += (block.weight[i] >= 0) & (block.weight[i] < kTameWeight) ? 0 : 1;
    }
    return wild != 0;
}

inline bool find_bad_row(RegressionPass& pass, const RegressionBlock& block, int64_t at, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
        const bool is_weight =
            pass.rows.weights == nullptr || (block.weight[i] >= 0 && block.weight[i] <= kMostRegressionWeight);
        pass.bad_input = !is_finite(block.prediction[i]) ? RegressionInput::predictions
                         : !is_finite(block.target[i])   ? RegressionInput::targets
                         : !is_weight                    ? RegressionInput::weights
                                                         : RegressionInput::none;
        if (pass.bad_input == RegressionInput::none) continue;
        pass.bad_row = at + i;
        return true;
    }
    return false;
}

inline void set_specials_aside(RegressionPass& pass, RegressionBlock& block, int64_t count) {
    for (int k = 0; k < kRegressionSums; ++k) {
        for (int64_t i = 0; i < count; ++i) {
            double& term = block.terms[k][i];
            if (is_finite(term)) continue;
            pass.specials[k] |= special_of(term);
            term = 0;
        }
    }
}

inline int32_t error_bin_of(double error, const ErrorBins& bins) {
    double place = (error - bins.low) * bins.scale;
    place = place > 0 ? place : 0;
    place = place < kErrorBins - 1 ? place : kErrorBins - 1;
    return static_cast<int32_t>(place);
}

template <bool is_weighted>
void note_facts(RegressionPass& pass, const RegressionBlock& block, int64_t count) {
    int64_t predictions = 0, targets = 0, errors = 0, counted = 0;
    for (int64_t i = 0; i < count; ++i) {
        const bool has_weight = is_weighted ? block.weight[i] > 0 : true;
        predictions += (block.prediction[i] != pass.some[0]) & has_weight ? 1 : 0;
        targets += (block.target[i] != pass.some[1]) & has_weight ? 1 : 0;
        errors += (block.prediction[i] - block.target[i] != pass.some[2]) & has_weight ? 1 : 0;
        counted += has_weight ? 1 : 0;
    }
    pass.differing[0] += predictions;
    pass.differing[1] += targets;
    pass.differing[2] += errors;
    pass.counted += counted;
}

inline void keep_errors(RegressionPass& pass, const RegressionBlock& block, const int32_t* bin, int64_t count) {
    int64_t kept = pass.kept_count;
    for (int64_t i = 0; i < count; ++i) {
        if (pass.wanted != nullptr && !pass.wanted[bin[i]]) continue;
        pass.kept[kept++] = ordered_bits(block.prediction[i] - block.target[i]);
    }
    pass.kept_count = kept;
}

template <typename T, bool is_second, bool is_weighted>
void run_pass(RegressionPass& pass) {
    RegressionBlock block;
    alignas(64) int32_t bin[kRegressionBlock];
    const bool is_any_mean_wild = is_second && !(size_of(pass.means.prediction) < kTame &&
                                                 size_of(pass.means.target) < kTame && is_finite(pass.means.error));
    for (int64_t at = pass.begin; at < pass.end; at += kRegressionBlock) {
        const int64_t count = std::min(kRegressionBlock, pass.end - at);
        load_block<T>(pass.rows, at, count, 1, block);
        const bool wild = is_wild_block<is_weighted>(block, count);
        if (!is_second && wild && find_bad_row(pass, block, at, count)) return;
        find_terms<is_second, is_weighted>(block, count, pass.means);
        if (wild || is_any_mean_wild) set_specials_aside(pass, block, count);
        for (int k = is_weighted || is_second ? 0 : 1; k < kRegressionSums; ++k)
            add_terms(pass.sums[k], block.terms[k], count, pass.bases[k]);
        if constexpr (!is_second) note_facts<is_weighted>(pass, block, count);
        if (pass.histogram == nullptr && pass.wanted == nullptr) {
            if (pass.kept != nullptr) keep_errors(pass, block, bin, count);
            continue;
        }
        for (int64_t i = 0; i < count; ++i) bin[i] = error_bin_of(block.prediction[i] - block.target[i], pass.bins);
        if constexpr (is_second) {
            keep_errors(pass, block, bin, count);
        } else {
            for (int64_t i = 0; i < count; ++i) ++pass.histogram[bin[i]];
        }
    }
}

template <typename T>
void run_pass_of(RegressionPass& pass) {
    const bool is_weighted = pass.rows.weights != nullptr;
    if (pass.is_second) return is_weighted ? run_pass<T, true, true>(pass) : run_pass<T, true, false>(pass);
    return is_weighted ? run_pass<T, false, true>(pass) : run_pass<T, false, false>(pass);
}

void regression_pass(RegressionPass& pass) {
    return pass.rows.is_double ? run_pass_of<double>(pass) : run_pass_of<float>(pass);
}

// Bins between the two ends of the sampled errors; one for all where they are no numbers, or alike.
inline ErrorBins bins_of(const RegressionBlock& block, int64_t count) {
    uint64_t keys[kRegressionBlock], spare[kRegressionBlock];
    for (int64_t i = 0; i < count; ++i) keys[i] = ordered_bits(block.prediction[i] - block.target[i]);
    const uint64_t* const sorted =
        sort_records<uint64_t, NoPayload>({keys, nullptr}, {spare, nullptr}, count, 0, 64).keys;
    const double low = double_of_ordered(sorted[count / 100]);
    const double high = double_of_ordered(sorted[count - 1 - count / 100]);
    const double scale = (kErrorBins - 2) / (high - low);
    if (!is_finite(low) || !is_finite(high) || !is_finite(scale)) return {0, 0};
    return {low - 1 / scale, scale};
}

template <typename T>
void take_sample(RegressionPass& pass) {
    RegressionBlock block;
    const int64_t count = std::min(kRegressionBlock, pass.rows.count);
    if (count == 0) return;
    load_block<T>(pass.rows, 0, count, pass.rows.count / count, block);
    const bool is_weighted = pass.rows.weights != nullptr;
    if (pass.is_second) {
        is_weighted ? find_terms<true, true>(block, count, pass.means)
                    : find_terms<true, false>(block, count, pass.means);
    } else {
        is_weighted ? find_terms<false, true>(block, count, pass.means)
                    : find_terms<false, false>(block, count, pass.means);
        pass.bins = bins_of(block, count);
    }
    for (int k = 0; k < kRegressionSums; ++k) {
        double largest = 0;
        for (int64_t i = 0; i < count; ++i) {
            const double size = size_of(block.terms[k][i]);
            if (size > largest && size < 0x1p900) largest = size;
        }
        pass.bases[k] = base_below(largest * 4);
    }
}

void regression_sample(RegressionPass& pass) {
    return pass.rows.is_double ? take_sample<double>(pass) : take_sample<float>(pass);
}

// ---- ranks ----

inline uint64_t column_key(uint64_t key, bool is_double) { return is_double ? key : key >> 32; }

void regression_pack(RegressionRanks& task) {
    if (task.rows.is_double) {
        const double* const predictions = static_cast<const double*>(task.rows.predictions);
        const double* const targets = static_cast<const double*>(task.rows.targets);
        for (int64_t i = task.begin; i < task.end; ++i) {
            task.keys[i] = ordered_bits(predictions[i]);
            task.payload[i] = ordered_bits(targets[i]);
        }
        return;
    }
    const float* const predictions = static_cast<const float*>(task.rows.predictions);
    const float* const targets = static_cast<const float*>(task.rows.targets);
    for (int64_t i = task.begin; i < task.end; ++i)
        task.keys[i] = static_cast<uint64_t>(ordered_bits(predictions[i])) << 32 | ordered_bits(targets[i]);
}

// The place after the last of the equal keys that begin at `first`.
template <bool is_double>
int64_t end_of_ties(const uint64_t* keys, int64_t first, int64_t end) {
    const uint64_t key = column_key(keys[first], is_double);
    int64_t next = first + 1;
    while (next < end && column_key(keys[next], is_double) == key) ++next;
    return next;
}

// Rows in the order of predictions: their ranks take the place of these, targets become the keys. The place of the
// first and of the last of equal ones, added, are twice their mean rank, less 2.
template <bool is_double>
void rank_predictions(RegressionRanks& task) {
    for (int64_t first = task.begin; first < task.end;) {
        const int64_t next = end_of_ties<is_double>(task.keys, first, task.end);
        const uint64_t places = static_cast<uint64_t>(first + next - 1);
        for (int64_t i = first; i < next; ++i) {
            if constexpr (is_double) {
                task.keys[i] = task.payload[i];
                task.payload[i] = places;
            } else {
                task.keys[i] = task.keys[i] << 32 | places;
            }
        }
        first = next;
    }
}

// Rows in the order of targets: sums of squares and products of ranks, doubled and about their middle.
template <bool is_double>
void multiply_ranks(RegressionRanks& task) {
    const int64_t shift = task.rows.count - 1;
    __int128 squares = 0, other_squares = 0, products = 0;
    for (int64_t first = task.begin; first < task.end;) {
        const int64_t next = end_of_ties<is_double>(task.keys, first, task.end);
        const int64_t target = first + next - 1 - shift;
        int64_t sum = 0;
        for (int64_t i = first; i < next; ++i) {
            const uint64_t places = is_double ? task.payload[i] : task.keys[i] & 0xffffffffu;
            const int64_t prediction = static_cast<int64_t>(places) - shift;
            squares += prediction * prediction;
            sum += prediction;
        }
        products += static_cast<__int128>(target) * sum;
        other_squares += static_cast<__int128>(target) * target * (next - first);
        first = next;
    }
    task.sums[0] = squares;
    task.sums[1] = other_squares;
    task.sums[2] = products;
}

void regression_rank_predictions(RegressionRanks& task) {
    return task.rows.is_double ? rank_predictions<true>(task) : rank_predictions<false>(task);
}
void regression_multiply_ranks(RegressionRanks& task) {
    return task.rows.is_double ? multiply_ranks<true>(task) : multiply_ranks<false>(task);
}

// ---- with weights ----

template <typename T>
uint64_t weighted_key(const WeightedRanks& task, int64_t row) {
    const T* const predictions = static_cast<const T*>(task.rows.predictions);
    const T* const targets = static_cast<const T*>(task.rows.targets);
    const double prediction = predictions[row], target = targets[row];
    return ordered_bits(task.column == RegressionColumn::predictions ? prediction
                        : task.column == RegressionColumn::targets   ? target
                                                                     : prediction - target);
}

void regression_weighted_ranks(const WeightedRanks& task) {
    const int64_t count = task.rows.count;
    const double* const weights = task.rows.weights;
    __int128 all = 0;
    for (int64_t i = 0; i < count; ++i) {
        task.keys[i] = task.rows.is_double ? weighted_key<double>(task, i) : weighted_key<float>(task, i);
        task.order[i] = static_cast<uint32_t>(i);
        all += whole_weight(weights[i], task.weight_exponent);
    }
    const auto sorted =
        sort_records<uint64_t, uint32_t>({task.keys, task.order}, {task.spare_keys, task.spare_order}, count, 0, 64);
    const double total = to_double(all);
    __int128 before = 0;
    int64_t quantile = 0;
    for (int64_t first = 0; first < count;) {
        const int64_t next = end_of_ties<true>(sorted.keys, first, count);
        for (int64_t i = first + kFetchedAhead; i < std::min(next + kFetchedAhead, count); ++i) {
            __builtin_prefetch(weights + sorted.payload[i]);
            if (task.ranks != nullptr) __builtin_prefetch(task.ranks + sorted.payload[i], 1);
        }
        __int128 own = 0;
        for (int64_t i = first; i < next; ++i) own += whole_weight(weights[sorted.payload[i]], task.weight_exponent);
        if (task.ranks != nullptr) {
            const double rank = to_double(2 * before + own - all);
            for (int64_t i = first; i < next; ++i) task.ranks[sorted.payload[i]] = rank;
        }
        before += own;
        // `quantiles` rise; the lowest is not where nothing has a weight yet.
        while (quantile < task.quantile_count && own > 0 && to_double(before) / total >= task.quantiles[quantile])
            task.quantile_out[quantile++] = double_of_ordered(sorted.keys[first]);
        first = next;
    }
}

void regression_weighted_products(WeightedRankSums& task) {
    WindowSum sums[3];
    double terms[3][kRegressionBlock];
    for (WindowSum& sum : sums) clear(sum);
    double largest = 0;
    for (int64_t i = 0; i < task.count; ++i) {
        const double rank = std::max(size_of(task.predictions[i]), size_of(task.targets[i]));
        const double size = task.weights[i] * rank * rank;
        largest = size > largest ? size : largest;
    }
    const int base = base_below(largest);
    for (int64_t at = 0; at < task.count; at += kRegressionBlock) {
        const int64_t count = std::min(kRegressionBlock, task.count - at);
        for (int64_t i = 0; i < count; ++i) {
            const double weight = task.weights[at + i];
            const double prediction = task.predictions[at + i], target = task.targets[at + i];
            terms[0][i] = weight * prediction * prediction;
            terms[1][i] = weight * target * target;
            terms[2][i] = weight * prediction * target;
        }
        for (int k = 0; k < 3; ++k) add_terms(sums[k], terms[k], count, base);
    }
    for (int k = 0; k < 3; ++k) task.sums[k] = rounded(sums[k], base);
}

}  // namespace WITHIN_ISA
}  // namespace within
