// Cross entropy and negative log likelihood: what their kernels are given, and the arithmetic of a row of classes.
//
// A row is one of the N * D places of input [N, C, D]; its classes lie D apart. docs/exact/losses.md has the formulas.
#pragma once

#include "exact/numbers.h"
#include "exact/sum.h"

namespace within {

struct ClassLossTask {
    Dtype dtype;
    const void* input;      // [N, C, D]
    const int64_t* labels;  // [N, D], or null: then shares
    const void* shares;     // [N, C, D]
    const void* weight;     // of classes, of the format that sums are made in, or null
    int64_t classes;
    int64_t depth;    // D
    int64_t ignored;  // a label
    double smoothing;
    int64_t begin;  // rows
    int64_t end;
    // Of rows, of the format that sums are made in:
    void* losses;
    void* weights;  // of their labels, 0 where ignored
    void* largest;
    void* inverse;  // 1 over the sum of exp(x - largest)
    void* totals;   // of a row's weighted shares
    // Of the gradient:
    void* out;             // [N, C, D]
    const void* incoming;  // of rows, or one number, of the format that sums are made in
    bool is_one_incoming;
    double divisor;        // of that one
    double spread_weight;  // of all classes, times smoothing / C
    void* scratch;         // of the CPU: class_loss_scratch() numbers for each class
};

inline namespace WITHIN_ISA {

// The smoothing's constants, rounded to the format that sums are made in.
template <typename T>
struct Smoothing {
    T kept;    // 1 - smoothing
    T spread;  // smoothing / C
    bool is_some;

    WITHIN_HOST_DEVICE explicit Smoothing(const ClassLossTask& task)
        : kept(static_cast<T>(1 - task.smoothing)),
          spread(static_cast<T>(task.smoothing / static_cast<double>(task.classes))),
          is_some(task.smoothing != 0) {}
    template <typename Float>
    WITHIN_HOST_DEVICE Float of(Float share) const {
        return is_some ? kept * share + spread : share;
    }
};

// L::kCount rows side by side, whose classes lie `step` apart.
template <typename L, typename Stored>
struct AlongRows {
    using Lane = L;
    using Float = typename L::Float;
    using T = NumberOf<L>;
    static constexpr int kRows = L::kCount;

    const Stored* x;
    const Stored* shares;
    const T* weight;
    int64_t classes;
    int64_t step;
    Stored* out;

    WITHIN_HOST_DEVICE Float value(L, int64_t c) const { return read<L>(x + c * step); }
    WITHIN_HOST_DEVICE Float share(L, int64_t c) const { return read<L>(shares + c * step); }
    WITHIN_HOST_DEVICE Float weight_of(L, int64_t c) const { return L::all(weight[c]); }
    WITHIN_HOST_DEVICE static Float all(L, Float of_rows) { return of_rows; }
    WITHIN_HOST_DEVICE T value_of_row(int k, int64_t c) const { return load(x[c * step + k]); }
    WITHIN_HOST_DEVICE void put(L, int64_t c, Float value) const { write<L>(value, out + c * step); }
    WITHIN_HOST_DEVICE void put_of_row(int k, int64_t c, T value) const {
        write<OneLane<T>>(value, out + c * step + k);
    }
    WITHIN_HOST_DEVICE bool is_owner(int64_t) const { return true; }

    WITHIN_HOST_DEVICE Float largest() const {
        Float most = value(L{}, 0);
        for (int64_t c = 1; c < classes; ++c) {
            const Float next = value(L{}, c);
            most = next > most ? next : most;
        }
        return most;
    }
    template <typename Work>
    WITHIN_HOST_DEVICE void each(const Work& work) const {
        for (int64_t c = 0; c < classes; ++c) work(L{}, c);
    }
    // By the order of exact/sum.h; chains without a number are +0, which adds nothing.
    template <typename Term>
    WITHIN_HOST_DEVICE Float sum(const Term& term) const {
        BlockSums<Float> blocks;
        for (int64_t from = 0; from < classes; from += kSumBlock) {
            const int64_t count = classes - from < kSumBlock ? classes - from : kSumBlock;
            Float lanes[kSumLanes];
            int used = static_cast<int>(count < kSumLanes ? count : kSumLanes);
            for (int l = 0; l < used; ++l) lanes[l] = Float{} + term(L{}, from + l);
            for (int64_t i = kSumLanes; i < count; ++i) lanes[i % kSumLanes] += term(L{}, from + i);
            for (int half = kSumLanes / 2; half > 0; half /= 2) {
                for (int l = 0; l + half < used; ++l) lanes[l] += lanes[l + half];
                used = used < half ? used : half;
            }
            blocks.add(lanes[0]);
        }
        return blocks.total();
    }
};

// Cross entropy of rows [first, first + count) of Row::kRows; Row is AlongRows or another with its members.
template <typename Row>
WITHIN_HOST_DEVICE void class_losses(const ClassLossTask& task, const Row& row, int64_t first, int count) {
    using Lane = typename Row::Lane;
    using Float = typename Row::Float;
    using T = typename Row::T;
    const Smoothing<T> smoothing(task);
    const auto put = [&](void* to, Float of_rows) {
        if (!row.is_owner(0)) return;
        T numbers[Row::kRows];
        Lane::store(numbers, Functions<Lane>::canonical(of_rows));
        for (int k = 0; k < count; ++k) static_cast<T*>(to)[first + k] = numbers[k];
    };
    const Float most = row.largest() + 0.0f;  // not -0
    const Float sum = row.sum(
        [&](auto lane, int64_t c) { return Functions<decltype(lane)>::exp(row.value(lane, c) - row.all(lane, most)); });
    const Float log_sum = Functions<Lane>::log(sum);
    put(task.largest, Functions<Lane>::unless_nan(sum, most));
    put(task.inverse, 1.0f / sum);
    const auto cost = [&](auto lane, const auto& x) { return row.all(lane, log_sum) - (x - row.all(lane, most)); };
    const auto weighted = [&](auto lane, int64_t c, const auto& of) {
        return row.weight == nullptr ? of : row.weight_of(lane, c) * of;
    };
    if (task.labels == nullptr) {
        const auto share = [&](auto lane, int64_t c) { return weighted(lane, c, smoothing.of(row.share(lane, c))); };
        put(task.totals, row.sum(share));
        put(task.losses,
            row.sum([&](auto lane, int64_t c) { return share(lane, c) * cost(lane, row.value(lane, c)); }));
        return;
    }
    T picked[Row::kRows], weights[Row::kRows];
    for (int k = 0; k < Row::kRows; ++k) {
        const int64_t label = k < count ? task.labels[first + k] : task.ignored;
        const bool is_ignored = label == task.ignored;
        picked[k] = is_ignored ? T{0} : row.value_of_row(k, label);
        weights[k] = is_ignored ? T{0} : row.weight == nullptr ? T{1} : row.weight[label];
    }
    Float loss = cost(Lane{}, Lane::load(picked));
    if (row.weight != nullptr) loss = Lane::load(weights) * loss;
    if (smoothing.is_some) {
        const Float spread =
            row.sum([&](auto lane, int64_t c) { return weighted(lane, c, cost(lane, row.value(lane, c))); });
        loss = Lane::fused(Lane::all(smoothing.spread), spread, smoothing.kept * loss);
    }
    if (!row.is_owner(0)) return;
    T losses[Row::kRows];
    Lane::store(losses, Functions<Lane>::canonical(loss));
    for (int k = 0; k < count; ++k) {
        const bool is_ignored = task.labels[first + k] == task.ignored;
        static_cast<T*>(task.losses)[first + k] = is_ignored ? T{0} : losses[k];
        static_cast<T*>(task.weights)[first + k] = weights[k];
    }
}

// What comes in for a row.
template <typename T>
WITHIN_HOST_DEVICE T scale_of(const ClassLossTask& task, int64_t row) {
    const T* const incoming = static_cast<const T*>(task.incoming);
    return task.is_one_incoming ? *incoming / static_cast<T>(task.divisor) : incoming[row];
}

// The gradients of the classes of rows [first, first + count).
template <typename Row>
WITHIN_HOST_DEVICE void class_gradients(const ClassLossTask& task, const Row& row, int64_t first, int count) {
    using Lane = typename Row::Lane;
    using Float = typename Row::Float;
    using T = typename Row::T;
    const Smoothing<T> smoothing(task);
    const bool has_labels = task.labels != nullptr;
    const auto of_rows = [&](const void* from) {
        T numbers[Row::kRows];
        for (int k = 0; k < Row::kRows; ++k) numbers[k] = k < count ? static_cast<const T*>(from)[first + k] : T{0};
        return Lane::load(numbers);
    };
    int64_t labels[Row::kRows];
    T scales[Row::kRows], weights[Row::kRows], kept[Row::kRows];
    bool is_any_kept = false, is_any_ignored = false;
    for (int k = 0; k < Row::kRows; ++k) {
        const bool is_there = k < count;
        labels[k] = has_labels && is_there ? task.labels[first + k] : task.ignored;
        const bool is_kept = is_there && (!has_labels || labels[k] != task.ignored);
        scales[k] = is_there ? scale_of<T>(task, first + k) : T{0};
        weights[k] = !is_kept ? T{0} : row.weight == nullptr || !has_labels ? T{1} : row.weight[labels[k]];
        kept[k] = is_kept ? T{1} : T{0};
        is_any_kept |= is_kept;
        is_any_ignored |= !is_kept;
    }
    if (!is_any_kept) return row.each([&](auto lane, int64_t c) { row.put(lane, c, decltype(lane)::all(0)); });
    const Float scale = Lane::load(scales), most = of_rows(task.largest), keeps = Lane::load(kept);
    Float total = Lane::load(weights);
    if (!has_labels) total = of_rows(task.totals);
    if (has_labels && smoothing.is_some && row.weight != nullptr)
        total = Lane::fused(Lane::all(smoothing.kept), total, Lane::all(static_cast<T>(task.spread_weight)));
    const Float factor = of_rows(task.inverse) * (total * scale);
    // wanted(lane, c) is what the class's part is taken off by.
    const auto put = [&](const auto& wanted) {
        row.each([&](auto lane, int64_t c) {
            using L = decltype(lane);
            const auto power = Functions<L>::exp(row.value(lane, c) - row.all(lane, most));
            const auto value = wanted(lane, c, power);
            if constexpr (Row::kRows == 1) {
                row.put(lane, c, value);
            } else {
                row.put(lane, c, is_any_ignored ? (keeps != 0.0f ? value : L::all(0)) : value);
            }
        });
    };
    const auto taken = [&](auto lane, const auto& power, const auto& share) {
        return decltype(lane)::fused(power, row.all(lane, factor), -(share * row.all(lane, scale)));
    };
    if (!has_labels || smoothing.is_some) {
        put([&](auto lane, int64_t c, const auto& power) {
            using L = decltype(lane);
            const auto share = has_labels ? L::all(smoothing.spread) : smoothing.of(row.share(lane, c));
            return taken(lane, power, row.weight == nullptr ? share : row.weight_of(lane, c) * share);
        });
    } else {
        put([&](auto lane, int64_t, const auto& power) { return power * row.all(lane, factor); });
    }
    if (!has_labels) return;
    T picked[Row::kRows];
    for (int k = 0; k < Row::kRows; ++k) picked[k] = kept[k] == 0 ? T{0} : row.value_of_row(k, labels[k]);
    Float wanted = Lane::load(weights);
    if (smoothing.is_some) wanted = Lane::fused(Lane::all(smoothing.kept), wanted, smoothing.spread * wanted);
    const Float power = Functions<Lane>::exp(Lane::load(picked) - most);
    Lane::store(picked, Lane::fused(power, factor, -(wanted * scale)));
    for (int k = 0; k < Row::kRows; ++k)
        if (kept[k] != 0 && row.is_owner(labels[k])) row.put_of_row(k, labels[k], picked[k]);
}

// Negative log likelihood of a row of logarithms of shares.
template <typename Element>
WITHIN_HOST_DEVICE void nll_loss(const ClassLossTask& task, int64_t row) {
    using T = Wider<Element>;
    const int64_t label = task.labels[row];
    T loss{0}, weight{0};
    if (label != task.ignored) {
        const int64_t at = (row / task.depth * task.classes + label) * task.depth + row % task.depth;
        loss = -load(static_cast<const Element*>(task.input)[at]);
        weight = task.weight == nullptr ? T{1} : static_cast<const T*>(task.weight)[label];
        if (task.weight != nullptr) loss = weight * loss;
    }
    write<OneLane<T>>(loss, static_cast<T*>(task.losses) + row);
    static_cast<T*>(task.weights)[row] = weight;
}

// Into zeros.
template <typename Element>
WITHIN_HOST_DEVICE void nll_gradient(const ClassLossTask& task, int64_t row) {
    using T = Wider<Element>;
    const int64_t label = task.labels[row];
    if (label == task.ignored) return;
    const int64_t at = (row / task.depth * task.classes + label) * task.depth + row % task.depth;
    const T weight = task.weight == nullptr ? T{1} : static_cast<const T*>(task.weight)[label];
    write<OneLane<Element>>(-(weight * scale_of<T>(task, row)), static_cast<Element*>(task.out) + at);
}

}  // namespace WITHIN_ISA
}  // namespace within
