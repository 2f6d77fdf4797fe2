// The CPU loops of attention's gradients: weights are made again from the scores, tile by tile.
#pragma once

#include "core/standard.h"
//
#include "exact/attention_loops.h"

namespace within {
inline namespace WITHIN_ISA {

// A block of queries as the loops of a head read it.
template <typename T>
struct BackwardBlock {
    T* query_turned;     // [panel][width][query], scaled
    T* query_rows;       // [query][width, padded], scaled
    T* gradient_turned;  // [panel][value_width][query], multiplied by the reciprocals
    T* gradient_rows;    // [query][value_width, padded], likewise
    T* delta;            // [query]
    T* highest;          // [query]
    T* sums;             // [panel][width][query], the gradient of the queries
    T* row_sums;         // [query], of the mask's gradient
    T* weights;          // [key][query]
    T* slopes;           // [key][query]: gradients of the scores
};

// rows[row][e] = from[row][e] * factor(row), zeros beyond the width.
template <typename Element, typename T, typename Factor>
void scale_rows(const Matrix& from, int64_t row, int64_t count, int64_t width, T* rows, const Factor& factor) {
    const int64_t step = padded<T>(width);
    const Element* data = static_cast<const Element*>(from.data) + row * from.row_step;
    for (int64_t i = 0; i < count; ++i, data += from.row_step, rows += step) {
        const T by = factor(i);
        if (from.column_step == 1) {
            for (int64_t e = 0; e < width; ++e) rows[e] = load(data[e]) * by;
        } else {
            for (int64_t e = 0; e < width; ++e) rows[e] = load(data[e * from.column_step]) * by;
        }
        std::fill(rows + width, rows + step, T{0});
    }
}

template <typename Element, typename T>
void lay_out(const AttentionBackward& task, int64_t query, int64_t count, T* space, const BackwardBlock<T>& block) {
    using W = Wide<T>;
    using Register = typename W::Register;
    constexpr int64_t kPanel = kPanelColumns<T>;
    const AttentionHead& head = task.head;
    const int64_t width = head.width, value_width = head.value_width;
    const T* const reciprocal = static_cast<const T*>(task.reciprocal) + query;
    const T scale = static_cast<T>(head.scale);
    alignas(64) T factors[kQueryBlock] = {};
    std::copy(reciprocal, reciprocal + count, factors);
    std::fill(block.highest, block.highest + kQueryBlock, T{0});
    std::copy_n(static_cast<const T*>(task.highest) + query, count, block.highest);
    std::fill(block.sums, block.sums + kQueryBlock * width, T{0});
    std::fill(block.row_sums, block.row_sums + kQueryBlock, T{0});

    turn_rows<Element>(head.query, query, count, width, block.query_turned);
    turn_rows<Element>(task.gradient, query, count, value_width, block.gradient_turned);
    scale_rows<Element>(head.query, query, count, width, block.query_rows, [&](int64_t) { return scale; });
    scale_rows<Element>(task.gradient, query, count, value_width, block.gradient_rows,
                        [&](int64_t i) { return factors[i]; });
    turn_rows<Element>(task.out, query, count, value_width, space);
    for (int64_t panel = 0; panel * kPanel < count; ++panel) {
        T* const turned = block.query_turned + panel * kPanel * width;
        for (int64_t i = 0; i < kPanel * width; i += W::kCount)
            W::store(turned + i, W::load(turned + i) * W::all(scale));
        for (int r = 0; r < kTileRegisters; ++r) {
            const int64_t lane = r * W::kCount, first = panel * kPanel * value_width + lane;
            const Register factor = W::load(factors + panel * kPanel + lane);
            Register delta{};
            for (int64_t e = 0; e < value_width; ++e) {
                T* const number = block.gradient_turned + first + e * kPanel;
                const Register scaled = W::load(number) * factor;
                W::store(number, scaled);
                delta = W::fused(scaled, W::load(space + first + e * kPanel), delta);
            }
            W::store(block.delta + panel * kPanel + lane, delta);
        }
    }
}

// Weights and slopes of a panel with a tile, from their scores and the gradients of the weights.
template <typename T>
void weigh(const AttentionHead& head, const Place& at, const MaskTile<T>& mask, const BackwardBlock<T>& block,
           int64_t lane, T* factors) {
    using W = Wide<T>;
    using Register = typename W::Register;
    constexpr int64_t kPanel = kPanelColumns<T>;
    T *const weights = block.weights + lane, *const slopes = block.slopes + lane;
    Register highest[kTileRegisters], delta[kTileRegisters];
    for (int r = 0; r < kTileRegisters; ++r) {
        highest[r] = W::load(block.highest + lane + r * W::kCount);
        delta[r] = W::load(block.delta + lane + r * W::kCount);
    }
    const bool is_dropout_on = head.dropout.is_on;
    if (is_dropout_on) draw_dropout(head, at, factors);
    with_masked(head, at, mask, weights, kQueryBlock, [&](int64_t j, int r, Register score) {
        const Register weight = wide_weight<T>(score - highest[r]);
        T* const slope = slopes + j * kQueryBlock + r * W::kCount;
        T* const own = weights + j * kQueryBlock + r * W::kCount;
        if (is_dropout_on) {
            const Register factor = W::load(factors + j * kPanel + r * W::kCount);
            W::store(slope, weight * (W::load(slope) * factor - delta[r]));
            W::store(own, weight * factor);
        } else {
            W::store(slope, weight * (W::load(slope) - delta[r]));
            W::store(own, weight);
        }
    });
}

// sums[key][e] = fma(weights[key][query], rows[query][e], ...) over the queries of a block, upwards.
template <typename T>
void add_to_keys(const AttentionHead& head, const Place& at, const T* weights, const T* rows, int64_t width, T* sums) {
    static_assert(kTileRegisters == 2, "what is less than a panel is one register");
    const int64_t step = padded<T>(width);
    for (int64_t e = 0; e < step; e += kPanelColumns<T>) {
        const auto add = [&](int64_t key, int64_t keys, int64_t query, int64_t query_end) {
            if (query >= query_end) return;
            const Product<T> of{keys,
                                weights + key * kQueryBlock + query,
                                kQueryBlock,
                                rows + query * step + e,
                                step,
                                query_end - query,
                                sums + key * step + e,
                                step};
            if (e + kPanelColumns<T> <= step) {
                product_rows<T, Along::depth, Start::sums, false, kTileRegisters>(of);
            } else {
                product_rows<T, Along::depth, Start::sums, false, 1>(of);
            }
        };
        for_each_sliver(at.keys, [&](int64_t key, int64_t keys) {
            int64_t all = 0;  // from where on queries see all of these keys
            if (head.is_causal) {
                all = std::clamp<int64_t>(at.key + key + keys - 1 - at.query, 0, at.queries);
                for (int64_t j = key; j < key + keys; ++j) add(j, 1, std::max<int64_t>(0, at.key + j - at.query), all);
            }
            add(key, keys, all, at.queries);
        });
    }
}

// Slopes of a panel are added to the mask's gradient, keys upwards for each query, queries upwards.
template <typename T>
void add_to_mask(const AttentionHead& head, const MaskGradient& to, const Place& at, const BackwardBlock<T>& block,
                 int64_t lane) {
    for (int64_t i = 0; i < at.queries; ++i) {
        const int64_t query = at.query + i;
        const int64_t keys = head.is_causal ? std::clamp<int64_t>(query + 1 - at.key, 0, at.keys) : at.keys;
        T* const row = static_cast<T*>(to.data) + query * to.row_step + at.key * to.column_step;
        for (int64_t j = 0; j < keys; ++j) {
            const T slope = block.slopes[j * kQueryBlock + lane + i];
            if (to.is_row_sum) {
                block.row_sums[lane + i] += slope;
            } else {
                row[j * to.column_step] += slope;
            }
        }
    }
}

template <typename Element, typename T>
void finish_queries(const AttentionBackward& task, int64_t query, int64_t count, const BackwardBlock<T>& block) {
    using W = Wide<T>;
    constexpr int64_t kPanel = kPanelColumns<T>;
    const int64_t width = task.head.width;
    const auto scale = W::all(static_cast<T>(task.head.scale));
    for (int64_t panel = 0; panel * kPanel < count; ++panel) {
        T* const own = block.sums + panel * kPanel * width;
        for (int64_t i = 0; i < kPanel * width; i += W::kCount)
            W::store(own + i, W::canonical(W::load(own + i) * scale));
        store_turned<Element>(own, std::min(kPanel, count - panel * kPanel), width, task.query_gradient,
                              query + panel * kPanel);
    }
}

template <typename Element, typename T>
void store_sums(const T* sums, int64_t first, int64_t last, int64_t width, const MutableMatrix& to) {
    const int64_t step = padded<T>(width);
    for (int64_t i = first; i < last; ++i, sums += step) {
        Element* const row = static_cast<Element*>(to.data) + i * to.row_step;
        if (to.column_step == 1) {
            for (int64_t e = 0; e < width; ++e) store(canonical(sums[e]), row + e);
        } else {
            for (int64_t e = 0; e < width; ++e) store(canonical(sums[e]), row + e * to.column_step);
        }
    }
}

template <typename Element, typename T>
void attend_backward(const AttentionBackward& task) {
    constexpr int64_t kPanel = kPanelColumns<T>;
    const AttentionHead& head = task.head;
    const int64_t width = head.width, value_width = head.value_width;
    const int64_t width_step = padded<T>(width), value_step = padded<T>(value_width);
    T* space = aligned<T>(task.space);
    const BackwardBlock<T> block{take(space, kQueryBlock * width),
                                 take(space, kQueryBlock * width_step),
                                 take(space, kQueryBlock * value_width),
                                 take(space, kQueryBlock * value_step),
                                 take(space, kQueryBlock),
                                 take(space, kQueryBlock),
                                 take(space, kQueryBlock * width),
                                 take(space, kQueryBlock),
                                 take(space, kKeyTile * kQueryBlock),
                                 take(space, kKeyTile * kQueryBlock)};
    T* const of_out = take(space, kQueryBlock * value_width);
    T* const of_mask = take(space, 2 * kKeyTile * kPanel);
    T* const factors = take(space, kKeyTile * kPanel);
    T* const of_keys = take(space, kKeyTile * width);
    T* const of_values = take(space, kKeyTile * value_width);
    T *const key_sums = aligned<T>(task.sums), *const value_sums = key_sums + (task.key_end - task.key) * width_step;
    if (task.are_keys_wanted && task.is_first)
        std::fill(key_sums, value_sums + (task.key_end - task.key) * value_step, T{0});

    for (int64_t query = task.query; query < task.query_end; query += kQueryBlock) {
        const int64_t count = std::min(kQueryBlock, task.query_end - query);
        const int64_t last = head.is_causal ? std::min(task.key_end, query + count) : task.key_end;
        lay_out<Element>(task, query, count, of_out, block);
        for (int64_t key = task.key; key < last; key += kKeyTile) {
            const int64_t keys = std::min(kKeyTile, task.key_end - key);
            const Rows<T> k = rows_of<Element>(head.key, key, keys, width, of_keys);
            const Rows<T> v = rows_of<Element>(head.value, key, keys, value_width, of_values);
            for (int64_t panel = 0; panel * kPanel < count; ++panel) {
                const int64_t lane = panel * kPanel;
                Place at{query + lane, std::min(kPanel, count - lane), key, keys};
                const int64_t by_all = keys_seen(head, at, at.query);
                at.keys = keys_seen(head, at, at.query + kPanel - 1);
                T *const weights = block.weights + lane, *const slopes = block.slopes + lane;
                product<T, Along::depth, Start::zero>(
                    {at.keys, k.data, k.step, block.query_turned + lane * width, kPanel, width, weights, kQueryBlock});
                product<T, Along::depth, Start::zero>({at.keys, v.data, v.step,
                                                       block.gradient_turned + lane * value_width, kPanel, value_width,
                                                       slopes, kQueryBlock});
                weigh(head, at, mask_tile(head, at, of_mask), block, lane, factors);
                if (task.mask_gradient.data != nullptr) add_to_mask(head, task.mask_gradient, at, block, lane);
                if (!task.are_queries_wanted) continue;
                T* const own = block.sums + lane * width;
                product<T, Along::rows, Start::sums>({width, k.data, k.step, slopes, kQueryBlock, by_all, own, kPanel});
                if (by_all < at.keys)
                    product<T, Along::rows, Start::sums, true>(
                        {width, k.data + by_all * k.step, k.step, slopes + by_all * kQueryBlock, kQueryBlock,
                         at.keys - by_all, own, kPanel, nullptr, key + by_all - at.query});
            }
            if (!task.are_keys_wanted) continue;
            const Place at{query, count, key, keys};
            add_to_keys(head, at, block.weights, block.gradient_rows, value_width,
                        value_sums + (key - task.key) * value_step);
            add_to_keys(head, at, block.slopes, block.query_rows, width, key_sums + (key - task.key) * width_step);
        }
        if (task.are_queries_wanted) finish_queries<Element>(task, query, count, block);
        if (task.mask_gradient.data != nullptr && task.mask_gradient.is_row_sum) {
            T* const sums = static_cast<T*>(task.mask_gradient.data) + query * task.mask_gradient.row_step;
            for (int64_t i = 0; i < count; ++i) sums[i * task.mask_gradient.row_step] += block.row_sums[i];
        }
    }
    if (task.are_keys_wanted && task.is_last) {
        store_sums<Element>(key_sums, task.key, task.key_end, width, task.key_gradient);
        store_sums<Element>(value_sums, task.key, task.key_end, value_width, task.value_gradient);
    }
}

void attention_backward(const AttentionBackward& task) {
    with_element(task.head.dtype,
                 [&](auto element) { attend_backward<decltype(element), Wider<decltype(element)>>(task); });
}

AttentionSpace attention_space(bool is_double, int64_t width, int64_t value_width) {
    const auto of = [&](auto number) -> AttentionSpace {
        using T = decltype(number);
        constexpr int64_t kMore = 16 * 24, kMask = 3 * kKeyTile * kPanelColumns<T>;
        const int64_t widths = padded<T>(width) + padded<T>(value_width);
        return {
            kMore + kQueryBlock * widths + kKeyTile * kPanelColumns<T> + kMask + kKeyTile * widths,
            kMore + 4 * kQueryBlock * widths + 4 * kQueryBlock + 2 * kKeyTile * kQueryBlock + kMask + kKeyTile * widths,
            widths};
    };
    return is_double ? of(double{}) : of(float{});
}

}  // namespace WITHIN_ISA
}  // namespace within
