// The CPU loops of cross entropy: along long rows by registers of classes, otherwise by registers of rows, whose
// classes are laid side by side first.
#pragma once

#include "core/standard.h"
//
#include "exact/class_loss.h"
#include "exact/narrow_loops.h"

namespace within {
inline namespace WITHIN_ISA {

constexpr int64_t kLongRow = 64;  // classes

// One row whose classes lie side by side; members as those of AlongRows.
template <typename Number>
struct AcrossRow {
    using T = Number;
    using Lane = OneLane<T>;
    using Many = ManyLanes<T>;
    using Float = T;
    static constexpr int kRows = 1;

    const T* x;
    const T* shares;
    const T* weight;
    int64_t classes;
    T* out;

    template <typename L>
    typename L::Float value(L, int64_t c) const {
        return L::load(x + c);
    }
    template <typename L>
    typename L::Float share(L, int64_t c) const {
        return L::load(shares + c);
    }
    template <typename L>
    typename L::Float weight_of(L, int64_t c) const {
        return L::load(weight + c);
    }
    template <typename L>
    static typename L::Float all(L, T of_row) {
        return L::all(of_row);
    }
    T value_of_row(int, int64_t c) const { return x[c]; }
    template <typename L>
    void put(L, int64_t c, typename L::Float value) const {
        write<L>(value, out + c);
    }
    void put_of_row(int, int64_t c, T value) const { write<Lane>(value, out + c); }
    bool is_owner(int64_t) const { return true; }

    T largest() const {
        T most = x[0];
        int64_t c = 0;
        if (classes >= Many::kCount) {
            typename Many::Float many = Many::load(x);
            for (c = Many::kCount; c + Many::kCount <= classes; c += Many::kCount) {
                const auto next = Many::load(x + c);
                many = next > many ? next : many;
            }
            T numbers[Many::kCount];
            Many::store(numbers, many);
            for (const T next : numbers) most = next > most ? next : most;
        }
        for (; c < classes; ++c) most = x[c] > most ? x[c] : most;
        return most;
    }
    template <typename Work>
    void each(const Work& work) const {
        int64_t c = 0;
        for (; c + Many::kCount <= classes; c += Many::kCount) work(Many{}, c);
        for (; c < classes; ++c) work(Lane{}, c);
    }
    template <typename Term>
    T sum(const Term& term) const {
        return sum_of<Many>(
            classes, [&](int64_t c) { return term(Many{}, c); }, [&](int64_t c) { return term(Lane{}, c); });
    }
};

// Where the first class of a row is.
inline int64_t place_of(const ClassLossTask& task, int64_t row) {
    return task.depth == 1 ? row * task.classes : row / task.depth * task.classes * task.depth + row % task.depth;
}

// Classes of an image lie pages apart, more of them than the processor fetches ahead of.
constexpr int64_t kBytesAhead = 128;

// Whether rows [first, first + count) lie side by side, as many as a register holds.
inline bool is_register(const ClassLossTask& task, int64_t first, int count, int width) {
    return count == width && width <= task.depth && first % task.depth + width <= task.depth;
}

// Classes of rows [first, first + count), `width` rows side by side: to[c * width + row]; of fewer rows, the first one
// instead of those that are not there.
template <typename Element, typename T>
void gather_classes(const Element* from, const ClassLossTask& task, int64_t first, int count, int width, T* to) {
    const int64_t classes = task.classes, depth = task.depth;
    if (is_register(task, first, count, width)) {
        from += place_of(task, first);
        using Many = ManyLanes<Element>;
        for (int64_t c = 0; c < classes; ++c) {
            __builtin_prefetch(from + c * depth + kBytesAhead / sizeof(Element), 0, 2);
            Many::store(to + c * width, read<Many>(from + c * depth));
        }
        return;
    }
    for (int k = 0; k < width; ++k) {
        const int64_t row = first + (k < count ? k : 0);
        const Element* const of = from + place_of(task, row);
        for (int64_t c = 0; c < classes; ++c) to[c * width + k] = load(of[c * depth]);
    }
}

template <typename Element, typename T>
void scatter_classes(const T* from, const ClassLossTask& task, int64_t first, int count, int width, Element* to) {
    const int64_t classes = task.classes, depth = task.depth;
    if (is_register(task, first, count, width)) {
        to += place_of(task, first);
        using Many = ManyLanes<Element>;
        for (int64_t c = 0; c < classes; ++c) {
            __builtin_prefetch(to + c * depth + kBytesAhead / sizeof(Element), 1, 2);
            write<Many>(Many::load(from + c * width), to + c * depth);
        }
        return;
    }
    for (int k = 0; k < count; ++k) {
        Element* const of = to + place_of(task, first + k);
        for (int64_t c = 0; c < classes; ++c) write<OneLane<Element>>(from[c * width + k], of + c * depth);
    }
}

// Calls work(row, first, count) for all rows of a task. What is stored in another format than T is laid out in the
// task's scratch, and written from there.
template <typename Element, typename Work>
void each_row(const ClassLossTask& task, const Work& work) {
    using T = Wider<Element>;
    constexpr bool kIsDirect = std::is_same_v<T, Element>;
    const Element* const input = static_cast<const Element*>(task.input);
    const Element* const shares = static_cast<const Element*>(task.shares);
    const T* const weight = static_cast<const T*>(task.weight);
    Element* const out = static_cast<Element*>(task.out);
    const int64_t classes = task.classes;
    constexpr int kWidth = ManyLanes<Element>::kCount;
    T *const x = static_cast<T*>(task.scratch), *const y = x + classes * kWidth, *const z = y + classes * kWidth;
    if (task.depth == 1 && classes >= kLongRow) {
        for (int64_t row = task.begin; row < task.end; ++row) {
            const int64_t at = row * classes;
            if constexpr (kIsDirect) {
                work(AcrossRow<T>{input + at, shares == nullptr ? nullptr : shares + at, weight, classes,
                                  out == nullptr ? nullptr : out + at},
                     row, 1);
            } else {
                widen(input + at, classes, x);
                if (shares != nullptr) widen(shares + at, classes, y);
                work(AcrossRow<T>{x, y, weight, classes, z}, row, 1);
                if (out != nullptr) narrow(z, classes, out + at);
            }
        }
        return;
    }
    for (int64_t row = task.begin; row < task.end; row += kWidth) {
        const int count = static_cast<int>(std::min<int64_t>(kWidth, task.end - row));
        gather_classes(input, task, row, count, kWidth, x);
        if (shares != nullptr) gather_classes(shares, task, row, count, kWidth, y);
        work(AlongRows<ManyLanes<T>, T>{x, y, weight, classes, kWidth, z}, row, count);
        if (out != nullptr) scatter_classes(z, task, row, count, kWidth, out);
    }
}

// So that formats share it.
template <typename Row>
[[gnu::noinline]] void losses_of_rows(const ClassLossTask& task, const Row& row, int64_t first, int count) {
    class_losses(task, row, first, count);
}
template <typename Row>
[[gnu::noinline]] void gradients_of_rows(const ClassLossTask& task, const Row& row, int64_t first, int count) {
    class_gradients(task, row, first, count);
}

int64_t class_loss_scratch() { return 3 * Lanes::kCount; }

void class_loss_rows(const ClassLossTask& task) {
    with_element(task.dtype, [&](auto element) {
        const auto work = [&](const auto& row, int64_t first, int count) { losses_of_rows(task, row, first, count); };
        each_row<decltype(element)>(task, work);
    });
}

void class_loss_gradients(const ClassLossTask& task) {
    with_element(task.dtype, [&](auto element) {
        const auto work = [&](const auto& row, int64_t first, int count) {
            gradients_of_rows(task, row, first, count);
        };
        each_row<decltype(element)>(task, work);
    });
}

void nll_losses(const ClassLossTask& task) {
    with_element(task.dtype, [&](auto element) {
        for (int64_t row = task.begin; row < task.end; ++row) nll_loss<decltype(element)>(task, row);
    });
}

void nll_gradients(const ClassLossTask& task) {
    with_element(task.dtype, [&](auto element) {
        for (int64_t row = task.begin; row < task.end; ++row) nll_gradient<decltype(element)>(task, row);
    });
}

}  // namespace WITHIN_ISA
}  // namespace within
