// The CPU loops of attention. Queries lie side by side in the lanes, so that maxima, sums and weights of a row stay in
// a lane, and keys and values are read as they lie.
#pragma once

#include "core/standard.h"
//
#include "exact/attention_products.h"
//
#include "core/philox_blocks.h"

namespace within {
inline namespace WITHIN_ISA {

template <typename T>
constexpr int64_t kPanels = kQueryBlock / kPanelColumns<T>;
static_assert(kQueryBlock % kPanelColumns<float> == 0 && kQueryBlock % kPanelColumns<double> == 0);
static_assert(kKeyTile % kPanelColumns<float> == 0 && kKeyTile % kPanelColumns<double> == 0);

template <typename T>
inline typename Wide<T>::Register wide_weight(typename Wide<T>::Register x) {
    if constexpr (std::is_same_v<T, float>) {
        return weight_of<Lanes>(x);
    } else {
        for (int l = 0; l < Wide<T>::kCount; ++l) x[l] = weight_of<Scalar64>(x[l]);
        return x;
    }
}

// A piece of the space of a task, on a line of the cache.
template <typename T>
T* take(T*& space, int64_t count) {
    T* const taken = space;
    space += (count + 15) / 16 * 16;
    return taken;
}

template <typename T>
T* aligned(void* space) {
    return reinterpret_cast<T*>((reinterpret_cast<uintptr_t>(space) + 63) & ~uintptr_t{63});
}

// Queries [query, query + panel) of a head, and keys from `key` on.
struct Place {
    int64_t query;
    int64_t queries;  // of the panel, that there are
    int64_t key;
    int64_t keys;
};

// A mask's numbers as mask[key][query], or one number for all queries.
template <typename T>
struct MaskTile {
    const T* numbers;
    int64_t step;  // from key to key; 1 where queries share
};

template <typename T, typename Element>
inline T mask_number(Element number) {
    if constexpr (std::is_same_v<Element, uint8_t>) {
        return static_cast<T>(number);
    } else {
        return static_cast<T>(load(number));
    }
}

template <typename Element, typename T>
MaskTile<T> mask_tile(const Matrix& mask, const Place& at, T* space) {
    constexpr int64_t kPanel = kPanelColumns<T>;
    const Element* const data =
        static_cast<const Element*>(mask.data) + at.query * mask.row_step + at.key * mask.column_step;
    const int64_t rows = mask.row_step == 0 ? 1 : at.queries;
    const bool is_direct = std::is_same_v<Element, T> && mask.column_step == 1;
    T* const lines = space + kKeyTile * kPanel;
    for (int64_t i = 0; !is_direct && i < rows; ++i) {
        const Element* const row = data + i * mask.row_step;
        T* const line = lines + i * kKeyTile;
        if (mask.column_step == 1) {
            for (int64_t j = 0; j < at.keys; ++j) line[j] = mask_number<T>(row[j]);
        } else {
            for (int64_t j = 0; j < at.keys; ++j) line[j] = mask_number<T>(row[j * mask.column_step]);
        }
    }
    const T* const from = is_direct ? reinterpret_cast<const T*>(data) : lines;
    if (mask.row_step == 0) return {from, 1};
    turn<kPanel>(from, is_direct ? mask.row_step : kKeyTile, int64_t{1}, at.queries, at.keys, space);
    for (int64_t j = 0; at.queries < kPanel && j < at.keys; ++j)
        std::fill(space + j * kPanel + at.queries, space + (j + 1) * kPanel, T{0});
    return {space, kPanel};
}

template <typename T>
MaskTile<T> mask_tile(const AttentionHead& head, const Place& at, T* space) {
    if (head.mask_kind == MaskKind::none) return {nullptr, 0};
    if (head.mask_kind == MaskKind::allowed) return mask_tile<uint8_t, T>(head.mask, at, space);
    return with_element(head.mask_dtype,
                        [&](auto element) { return mask_tile<decltype(element), T>(head.mask, at, space); });
}

// Calls work(key, register, score) for each score with its mask, keys upwards; scores[key * step + lane].
template <typename T, bool is_causal, MaskKind mask_kind, typename Work>
inline void for_each_masked(const Place& at, const MaskTile<T>& mask, const T* scores, int64_t step, const Work& work) {
    using W = Wide<T>;
    using Register = typename W::Register;
    const Register lowest = W::all(-std::numeric_limits<T>::infinity());
    Register lane[kTileRegisters];
    for (int r = 0; r < kTileRegisters; ++r) lane[r] = lane_numbers<T>(r * W::kCount);
    for (int64_t j = 0; j < at.keys; ++j) {
        [[maybe_unused]] const Register ahead = W::all(static_cast<T>(at.key + j - at.query));
#pragma GCC unroll 4
        for (int r = 0; r < kTileRegisters; ++r) {
            Register score = W::load(scores + j * step + r * W::kCount);
            if constexpr (mask_kind != MaskKind::none) {
                const Register number =
                    mask.step == 1 ? W::all(mask.numbers[j]) : W::load(mask.numbers + j * mask.step + r * W::kCount);
                if constexpr (mask_kind == MaskKind::added) {
                    score += number;
                } else {
                    score = number != Register{} ? score : lowest;
                }
            }
            if constexpr (is_causal) score = ahead > lane[r] ? lowest : score;
            work(j, r, score);
        }
    }
}

template <typename T, typename Work>
inline void with_masked(const AttentionHead& head, const Place& at, const MaskTile<T>& mask, const T* scores,
                        int64_t step, const Work& work) {
    // Keys of a tile that none of the panel's queries is before need no look at their order.
    const bool is_causal = head.is_causal && at.key + at.keys - 1 > at.query;
    const auto with_kind = [&](auto causal) {
        constexpr bool kIsCausal = decltype(causal)::value;
        switch (head.mask_kind) {
            case MaskKind::none:
                return for_each_masked<T, kIsCausal, MaskKind::none>(at, mask, scores, step, work);
            case MaskKind::allowed:
                return for_each_masked<T, kIsCausal, MaskKind::allowed>(at, mask, scores, step, work);
            default:
                return for_each_masked<T, kIsCausal, MaskKind::added>(at, mask, scores, step, work);
        }
    };
    return is_causal ? with_kind(std::true_type{}) : with_kind(std::false_type{});
}

// What weights are multiplied by: factors[key][query].
template <typename T>
void draw_dropout(const AttentionHead& head, const Place& at, T* factors) {
    constexpr int64_t kPanel = kPanelColumns<T>;
    constexpr int64_t kCounters = (kPanel + kCountersAtOnce - 1) / kCountersAtOnce * kCountersAtOnce;
    const Dropout& dropout = head.dropout;
    uint32_t low[kCounters], high[kCounters], block[kCounters], words[4 * kCounters];
    for (int64_t l = 0; l < kCounters; ++l) {
        low[l] = static_cast<uint32_t>(at.query + l);
        high[l] = head.head;
    }
    for (int64_t j = 0; j < at.keys; j += 4) {  // a tile begins with a block
        std::fill(block, block + kCounters, static_cast<uint32_t>((at.key + j) / 4));
        philox_blocks(low, high, block, dropout.offset, dropout.key, kCounters, words);
        for (int64_t k = 0; k < 4 && j + k < at.keys; ++k)
            for (int64_t l = 0; l < kPanel; ++l)
                factors[(j + k) * kPanel + l] =
                    is_dropped(dropout, words[4 * l + k]) ? T{0} : static_cast<T>(dropout.scale);
    }
}

// Of a causal head, the keys of a tile that some query of a panel sees, and those that all see.
inline int64_t keys_seen(const AttentionHead& head, const Place& at, int64_t query) {
    return head.is_causal ? std::clamp<int64_t>(query + 1 - at.key, 0, at.keys) : at.keys;
}

template <typename T>
int64_t padded(int64_t width) {
    constexpr int64_t kCount = Wide<T>::kCount;
    return (width + kCount - 1) / kCount * kCount;
}

// A panel's maxima and sums meet the scores of a tile, which become weights. `scales` is what earlier sums are to be
// multiplied by.
template <typename T>
void meet_tile(const AttentionHead& head, const Place& at, const MaskTile<T>& mask, T* scores, T* highest, T* total,
               T* scales) {
    using W = Wide<T>;
    using Register = typename W::Register;
    constexpr int64_t kPanel = kPanelColumns<T>;
    const Register lowest = W::all(-std::numeric_limits<T>::infinity());
    Register top[kTileRegisters], zero[kTileRegisters], sum[kTileRegisters];
    for (int r = 0; r < kTileRegisters; ++r) top[r] = W::load(highest + r * W::kCount);
    with_masked(head, at, mask, scores, kPanel, [&](int64_t j, int r, Register score) {
        top[r] = score > top[r] ? score : top[r];
        W::store(scores + j * kPanel + r * W::kCount, score);
    });
    for (int r = 0; r < kTileRegisters; ++r) {
        zero[r] = top[r] == lowest ? Register{} : top[r];
        sum[r] = Register{};
        W::store(scales + r * W::kCount, wide_weight<T>(W::load(highest + r * W::kCount) - zero[r]));
        W::store(highest + r * W::kCount, top[r]);
    }
    for (int64_t j = 0; j < at.keys; ++j) {
#pragma GCC unroll 4
        for (int r = 0; r < kTileRegisters; ++r) {
            T* const score = scores + j * kPanel + r * W::kCount;
            const Register weight = wide_weight<T>(W::load(score) - zero[r]);
            W::store(score, weight);
            sum[r] += weight;
        }
    }
    for (int r = 0; r < kTileRegisters; ++r) {
        T* const own = total + r * W::kCount;
        W::store(own, W::fused(W::load(own), W::load(scales + r * W::kCount), sum[r]));
    }
}

template <typename Element, typename T>
void attend(const AttentionForward& task) {
    using W = Wide<T>;
    using Register = typename W::Register;
    constexpr int64_t kPanel = kPanelColumns<T>;
    const AttentionHead& head = task.head;
    const int64_t count = task.query_end - task.query, width = head.width, value_width = head.value_width;
    T* space = aligned<T>(task.space);
    T* const turned = take(space, kQueryBlock * width);
    T* const sums = take(space, kQueryBlock * value_width);
    T* const scores = take(space, kKeyTile * kPanel);
    T* const of_mask = take(space, 2 * kKeyTile * kPanel);
    T* const factors = take(space, kKeyTile * kPanel);
    T* const of_keys = take(space, kKeyTile * width);
    T* const of_values = take(space, kKeyTile * value_width);
    alignas(64) T highest[kQueryBlock], total[kQueryBlock] = {}, scales[kPanel];
    std::fill(highest, highest + kQueryBlock, -std::numeric_limits<T>::infinity());
    std::fill(sums, sums + kQueryBlock * value_width, T{0});

    turn_rows<Element>(head.query, task.query, count, width, turned);
    const int64_t in_panels = (count + kPanel - 1) / kPanel * kPanel * width;
    const Register scale = W::all(static_cast<T>(head.scale));
    for (int64_t i = 0; i < in_panels; i += W::kCount) W::store(turned + i, W::load(turned + i) * scale);

    const int64_t last = head.is_causal ? std::min(head.keys, task.query_end) : head.keys;
    for (int64_t key = 0; key < last; key += kKeyTile) {
        const int64_t keys = std::min(kKeyTile, head.keys - key);
        const Rows<T> k = rows_of<Element>(head.key, key, keys, width, of_keys);
        const Rows<T> v = rows_of<Element>(head.value, key, keys, value_width, of_values);
        for (int64_t panel = 0; panel * kPanel < count; ++panel) {
            Place at{task.query + panel * kPanel, std::min(kPanel, count - panel * kPanel), key, keys};
            const int64_t by_all = keys_seen(head, at, at.query);
            at.keys = keys_seen(head, at, at.query + kPanel - 1);
            product<T, Along::depth, Start::zero>(
                {at.keys, k.data, k.step, turned + panel * kPanel * width, kPanel, width, scores, kPanel});
            meet_tile(head, at, mask_tile(head, at, of_mask), scores, highest + panel * kPanel, total + panel * kPanel,
                      scales);
            if (head.dropout.is_on) {
                draw_dropout(head, at, factors);
                for (int64_t i = 0; i < at.keys * kPanel; i += W::kCount)
                    W::store(scores + i, W::load(scores + i) * W::load(factors + i));
            }
            T* const own = sums + panel * kPanel * value_width;
            product<T, Along::rows, Start::scaled>(
                {value_width, v.data, v.step, scores, kPanel, by_all, own, kPanel, scales});
            if (by_all < at.keys)
                product<T, Along::rows, Start::sums, true>({value_width, v.data + by_all * v.step, v.step,
                                                            scores + by_all * kPanel, kPanel, at.keys - by_all, own,
                                                            kPanel, nullptr, key + by_all - at.query});
        }
    }
    for (int64_t panel = 0; panel * kPanel < count; ++panel) {
        T* const own = sums + panel * kPanel * value_width;
        const int64_t lines = std::min(kPanel, count - panel * kPanel);
        for (int r = 0; r < kTileRegisters; ++r) {
            const int64_t lane = panel * kPanel + r * W::kCount;
            const Register sum = W::load(total + lane), top = W::load(highest + lane);
            const Register factor = sum == Register{} ? sum : W::canonical(W::all(T{1}) / sum);
            for (int64_t e = 0; e < value_width; ++e) {
                T* const number = own + e * kPanel + r * W::kCount;
                W::store(number, W::canonical(W::load(number) * factor));
            }
            W::store(total + lane, factor);
            W::store(highest + lane, top == W::all(-std::numeric_limits<T>::infinity()) ? Register{} : top);
        }
        store_turned<Element>(own, lines, value_width, task.out, task.query + panel * kPanel);
    }
    std::copy(highest, highest + count, static_cast<T*>(task.highest) + task.query);
    std::copy(total, total + count, static_cast<T*>(task.reciprocal) + task.query);
}

void attention_forward(const AttentionForward& task) {
    with_element(task.head.dtype, [&](auto element) { attend<decltype(element), Wider<decltype(element)>>(task); });
}

}  // namespace WITHIN_ISA
}  // namespace within
