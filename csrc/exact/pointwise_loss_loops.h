// The CPU loops of losses of an element and its target. 16-bit numbers are laid out as float32 first, block by block.
#pragma once

#include "core/standard.h"
//
#include "exact/narrow_loops.h"
#include "exact/pointwise_loss.h"
#include "exact/sum.h"

namespace within {
inline namespace WITHIN_ISA {

// Calls work(many, one) with the terms of a task of T, by registers and one by one.
template <typename T, typename Work>
void with_point_terms(const PointLossTask& task, const Work& work) {
    with_point_loss(task, [&](auto tag) {
        using Tag = decltype(tag);
        work(PointTerms<ManyLanes<T>, T, Tag::loss, Tag::has_factor>(task),
             PointTerms<OneLane<T>, T, Tag::loss, Tag::has_factor>(task));
    });
}

template <typename T>
void values_of(const PointLossTask& task) {
    with_point_terms<T>(task, [&](const auto& many, const auto& one) {
        using Many = ManyLanes<T>;
        T* const out = static_cast<T*>(task.out);
        int64_t i = task.begin;
        for (; i + Many::kCount <= task.end; i += Many::kCount) write<Many>(many.value(i), out + i);
        for (; i < task.end; ++i) write<OneLane<T>>(one.value(i), out + i);
    });
}

// Blocks [begin, end), the first of which is out[0].
template <typename T>
void point_sums_of(const PointLossTask& task, int64_t begin, int64_t end, T* out) {
    with_point_terms<T>(task, [&](const auto& many, const auto& one) {
        for (int64_t block = begin; block < end; ++block) {
            const int64_t from = block * kSumBlock;
            out[block - begin] = sum_of<ManyLanes<T>>(
                std::min(kSumBlock, task.count - from), [&](int64_t i) { return many.value(from + i); },
                [&](int64_t i) { return one.value(from + i); });
        }
    });
}

template <typename T>
void gradients_of(const PointLossTask& task) {
    with_point_terms<T>(task, [&](const auto& many, const auto& one) {
        using Many = ManyLanes<T>;
        const T* const incoming = static_cast<const T*>(task.incoming);
        T* const out = static_cast<T*>(task.out);
        const T scale = task.is_one_incoming ? *incoming / static_cast<T>(task.divisor) : T{};
        int64_t i = task.begin;
        for (; i + Many::kCount <= task.end; i += Many::kCount) {
            const auto own = task.is_one_incoming ? Many::all(scale) : Many::load(incoming + i);
            write<Many>(many.gradient(i, own), out + i);
        }
        for (; i < task.end; ++i)
            write<OneLane<T>>(one.gradient(i, task.is_one_incoming ? scale : incoming[i]), out + i);
    });
}

// Calls work(part, from, count) for a block of [begin, end) after the other, whose numbers are float32 from 0 on.
template <typename Element, typename Work>
void each_widened(const PointLossTask& task, int64_t begin, int64_t end, const Work& work) {
    alignas(64) float numbers[5][kSumBlock];
    for (int64_t from = begin; from < end; from += kSumBlock) {
        const int64_t count = std::min(kSumBlock, end - from);
        PointLossTask part = task;
        part.begin = 0;
        part.end = part.count = count;
        float* next = numbers[0];
        for (const void** const of : {&part.input, &part.target, &part.factor, &part.weight, &part.incoming}) {
            if (*of == nullptr) continue;
            const bool is_one = of == &part.incoming && task.is_one_incoming;
            widen(static_cast<const Element*>(*of) + (is_one ? 0 : from), is_one ? 1 : count, next);
            *of = next;
            next += kSumBlock;
        }
        work(part, from, count);
    }
}

template <typename Element, typename Work>
void each_written(const PointLossTask& task, const Work& work) {
    alignas(64) float out[kSumBlock];
    each_widened<Element>(task, task.begin, task.end, [&](PointLossTask& part, int64_t from, int64_t count) {
        part.out = out;
        work(part);
        narrow(out, count, static_cast<Element*>(task.out) + from);
    });
}

void point_loss_values(const PointLossTask& task) {
    switch (task.dtype) {
        case Dtype::float64:
            return values_of<double>(task);
        case Dtype::float32:
            return values_of<float>(task);
        case Dtype::float16:
            return each_written<Float16>(task, values_of<float>);
        case Dtype::bfloat16:
            return each_written<BFloat16>(task, values_of<float>);
    }
}

void point_loss_gradients(const PointLossTask& task) {
    switch (task.dtype) {
        case Dtype::float64:
            return gradients_of<double>(task);
        case Dtype::float32:
            return gradients_of<float>(task);
        case Dtype::float16:
            return each_written<Float16>(task, gradients_of<float>);
        case Dtype::bfloat16:
            return each_written<BFloat16>(task, gradients_of<float>);
    }
}

void point_loss_sums(const PointLossTask& task) {
    if (task.dtype == Dtype::float64)
        return point_sums_of(task, task.begin, task.end, static_cast<double*>(task.out) + task.begin);
    float* const out = static_cast<float*>(task.out);
    if (task.dtype == Dtype::float32) return point_sums_of(task, task.begin, task.end, out + task.begin);
    const auto sum_part = [&](const PointLossTask& part, int64_t from, int64_t) {
        point_sums_of(part, 0, 1, out + from / kSumBlock);
    };
    const int64_t begin = task.begin * kSumBlock, end = std::min(task.count, task.end * kSumBlock);
    if (begin == end) out[task.begin] = 0;
    task.dtype == Dtype::float16 ? each_widened<Float16>(task, begin, end, sum_part)
                                 : each_widened<BFloat16>(task, begin, end, sum_part);
}

// Sums of the blocks of `input` alone.
void number_sums(const PointLossTask& task) {
    with_element(task.dtype, [&](auto element) {
        using Element = decltype(element);
        const Element* const x = static_cast<const Element*>(task.input);
        Wider<Element>* const out = static_cast<Wider<Element>*>(task.out);
        for (int64_t block = task.begin; block < task.end; ++block) {
            const int64_t from = block * kSumBlock;
            out[block] = sum_of<ManyLanes<Element>>(
                std::min(kSumBlock, task.count - from),
                [&](int64_t i) { return read<ManyLanes<Element>>(x + from + i); },
                [&](int64_t i) { return load(x[from + i]); });
        }
    });
}

}  // namespace WITHIN_ISA
}  // namespace within
