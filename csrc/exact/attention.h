// What the kernels of attention are given, and the arithmetic of one weight.
//
// docs/exact/attention.md has the order of operations. Scores are chains over the width of a head; a row of queries
// meets the keys in tiles of kKeyTile, each with one running maximum; every sum goes over keys, or queries, upwards.
#pragma once

#include <cstdint>

#include "core/dtype.h"
#include "core/philox.h"
#include "exact/functions64.h"
#include "exact/matmul.h"

namespace within {

constexpr int64_t kKeyTile = 64;     // keys that meet one maximum: part of the order of operations
constexpr int64_t kQueryBlock = 64;  // queries that a task has at a time: not part of it

enum class MaskKind { none, allowed, added };

// Weights that are dropped, by the words of Philox at (query, head, key / 4, offset).
struct Dropout {
    bool is_on;
    uint32_t threshold;  // words below it drop; all do where is_all
    bool is_all;
    double scale;  // of what is kept
    PhiloxKey key;
    uint32_t offset;
};

// One head of one batch. Steps are in elements, 0 where a mask is the same for all queries or keys.
struct AttentionHead {
    Dtype dtype;
    Matrix query;  // [queries, width]
    Matrix key;    // [keys, width]
    Matrix value;  // [keys, value_width]
    int64_t queries;
    int64_t keys;
    int64_t width;
    int64_t value_width;
    double scale;
    bool is_causal;
    MaskKind mask_kind;
    Dtype mask_dtype;  // of an added one
    Matrix mask;       // [queries, keys]
    Dropout dropout;
    uint32_t head;  // batch * heads + head
};

struct MutableMatrix {
    void* data;
    int64_t row_step;
    int64_t column_step;
};

// Queries [query, query_end); query is a multiple of kQueryBlock, query_end one or the last.
struct AttentionForward {
    AttentionHead head;
    MutableMatrix out;  // [queries, value_width]
    void* highest;      // [queries], float or double
    void* reciprocal;   // [queries]
    int64_t query;
    int64_t query_end;
    void* space;
};

// Where the gradient of an added mask is summed, float or double; steps of 0 where numbers are shared.
struct MaskGradient {
    void* data;  // null: not wanted
    int64_t row_step;
    int64_t column_step;
    bool is_row_sum;  // one number for all keys
};

// Queries as above with keys [key, key_end); key is a multiple of kKeyTile. Of several heads that share their keys the
// first clears the sums, the last writes them out.
struct AttentionBackward {
    AttentionHead head;
    Matrix gradient;  // [queries, value_width]
    Matrix out;       // [queries, value_width]
    const void* highest;
    const void* reciprocal;
    bool are_queries_wanted;
    bool are_keys_wanted;  // and values
    MutableMatrix query_gradient;
    MutableMatrix key_gradient;
    MutableMatrix value_gradient;
    MaskGradient mask_gradient;
    int64_t query;
    int64_t query_end;
    int64_t key;
    int64_t key_end;
    bool is_first;
    bool is_last;
    void* sums;  // of gradients of keys and values, attention_sums_size of each key
    void* space;
};

// Numbers of float or double that kernels want as space.
struct AttentionSpace {
    int64_t forward;
    int64_t backward;
    int64_t sums;  // of one key
};

inline namespace WITHIN_ISA {

// The weight of a score that lies x from the highest, x <= 0 or NaN.
template <typename L>
WITHIN_HOST_DEVICE typename L::Float weight_of(typename L::Float x) {
    if constexpr (sizeof(typename L::Float) == sizeof(double) && L::kCount == 1) {
        return Functions<L>::exp_bounded(x);
    } else {
        return Functions<L>::exp_bounded(L::most(L::all(-104.0f), x));
    }
}

WITHIN_HOST_DEVICE bool is_dropped(const Dropout& dropout, uint32_t word) {
    return dropout.is_all || word < dropout.threshold;
}

// What a weight is multiplied by.
WITHIN_HOST_DEVICE double kept(const Dropout& dropout, uint32_t query, uint32_t head, int64_t key) {
    const PhiloxBlock drawn = philox({{query, head, static_cast<uint32_t>(key / 4), dropout.offset}}, dropout.key);
    return is_dropped(dropout, drawn.words[key % 4]) ? 0.0 : dropout.scale;
}

}  // namespace WITHIN_ISA
}  // namespace within
