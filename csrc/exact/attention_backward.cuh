// The kernels of attention's gradients and the function that launches them; compiled by nvcc, and by the emulator.
#pragma once

#include "exact/attention.cuh"

namespace within {
inline namespace WITHIN_ISA {

template <typename Element, typename T>
WITHIN_HOST_DEVICE HeadRows<Element> saved_rows(const HeadBatch& of, const HeadView<Element, T>& view) {
    return rows_of_head<Element>(of, view.batch, view.head);
}

// The sum over a row of gradient and output.
template <typename Element, typename T>
__global__ void attention_delta_kernel(AttentionCall call, AttentionSaved saved, T* delta) {
    const int64_t rows = call.batch * call.heads * call.common.queries;
    const T* const reciprocal = static_cast<const T*>(saved.reciprocal);
    for (int64_t at = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; at < rows;
         at += static_cast<int64_t>(gridDim.x) * blockDim.x) {
        const int64_t which = at / call.common.queries, i = at % call.common.queries;
        const auto gradient = rows_of_head<Element>(saved.gradient, which / call.heads, which % call.heads);
        const auto out = rows_of_head<Element>(saved.out, which / call.heads, which % call.heads);
        T sum = 0;
        for (int64_t e = 0; e < call.common.value_width; ++e)
            sum = fma(gradient.at(i, e) * reciprocal[at], out.at(i, e), sum);
        delta[at] = sum;
    }
}

// Weights and slopes, the gradients of the scores, of 64 queries and 64 keys.
template <typename Element, typename T>
__device__ __forceinline__ void slope_tile(const HeadView<Element, T>& view, const AttentionSaved& saved, int64_t query,
                                           int64_t key, AttentionShared<T>& shared,
                                           T (&weights)[kAttentionOwn][kAttentionOwn],
                                           T (&slopes)[kAttentionOwn][kAttentionOwn]) {
    const AttentionHead& common = view.call.common;
    const auto gradient = saved_rows<Element>(saved.gradient, view);
    const T* const highest = static_cast<const T*>(saved.highest);
    const T* const reciprocal = static_cast<const T*>(saved.reciprocal);
    const T* const delta = static_cast<const T*>(saved.delta);
    score_tile(view, query, key, shared, weights);
    chain_tile<T>(
        common.value_width,
        [&](int line, int64_t k) {
            return query + line < common.queries ? gradient.at(query + line, k) * reciprocal[view.row(query + line)]
                                                 : T{0};
        },
        [&](int line, int64_t k) { return key + line < common.keys ? view.value.at(key + line, k) : T{0}; }, shared,
        slopes);
#pragma unroll
    for (int r = 0; r < kAttentionOwn; ++r) {
        const int64_t i = query + threadIdx.x / kAttentionSide + r * kAttentionSide;
#pragma unroll
        for (int c = 0; c < kAttentionOwn; ++c) {
            const int64_t j = key + threadIdx.x % kAttentionSide + c * kAttentionSide;
            if (i >= common.queries || j >= common.keys) continue;
            const int64_t row = view.row(i);
            const T weight = weight_at(view.masked(i, j, weights[r][c]) - highest[row]);
            const bool is_on = common.dropout.is_on;
            const T factor = is_on ? view.factor(i, j) : T{1};
            slopes[r][c] = weight * ((is_on ? slopes[r][c] * factor : slopes[r][c]) - delta[row]);
            weights[r][c] = is_on ? weight * factor : weight;
        }
    }
}

template <typename T>
__device__ __forceinline__ void show(const T (&own)[kAttentionOwn][kAttentionOwn], AttentionShared<T>& shared) {
    __syncthreads();
#pragma unroll
    for (int r = 0; r < kAttentionOwn; ++r)
#pragma unroll
        for (int c = 0; c < kAttentionOwn; ++c)
            shared.weights[threadIdx.x / kAttentionSide + r * kAttentionSide]
                          [threadIdx.x % kAttentionSide + c * kAttentionSide] = own[r][c];
    __syncthreads();
}

template <typename Element, typename T>
__device__ __forceinline__ void store_tile(const T (&own)[kAttentionOwn][kAttentionOwn], const HeadBatch& of,
                                           int64_t batch, int64_t head, int64_t row, int64_t rows, int64_t column,
                                           int64_t columns) {
    Element* const to = const_cast<Element*>(rows_of_head<Element>(of, batch, head).data);
#pragma unroll
    for (int r = 0; r < kAttentionOwn; ++r) {
#pragma unroll
        for (int c = 0; c < kAttentionOwn; ++c) {
            const int64_t i = row + threadIdx.x / kAttentionSide + r * kAttentionSide;
            const int64_t e = column + threadIdx.x % kAttentionSide + c * kAttentionSide;
            if (i >= rows || e >= columns) continue;
            store(canonical(own[r][c]), to + i * of.row_step + e * of.column_step);
        }
    }
}

WITHIN_HOST_DEVICE int64_t attention_tiles(int64_t count) { return (count + kAttentionTile - 1) / kAttentionTile; }

// A block has 64 keys of a head and 64 numbers of the gradients of both keys and values.
template <typename Element, typename T>
__global__ void attention_keys_kernel(AttentionCall call, AttentionSaved saved, AttentionGradients gradients) {
    __shared__ AttentionShared<T> shared;
    const AttentionHead& common = call.common;
    const int64_t widest = common.width > common.value_width ? common.width : common.value_width;
    const int64_t tiles = attention_tiles(common.keys), chunks = attention_tiles(widest);
    const int64_t groups = call.heads / call.shared;
    const T* const reciprocal = static_cast<const T*>(saved.reciprocal);
    for (int64_t block = blockIdx.x; block < call.batch * groups * tiles * chunks; block += gridDim.x) {
        const int64_t which = block / (tiles * chunks), column = block % chunks * kAttentionTile;
        const int64_t batch = which / groups, group = which % groups, key = block / chunks % tiles * kAttentionTile;
        T of_key[kAttentionOwn][kAttentionOwn] = {}, of_value[kAttentionOwn][kAttentionOwn] = {};
        for (int64_t head = group * call.shared; head < (group + 1) * call.shared; ++head) {
            const HeadView<Element, T> view(call, batch, head);
            const auto gradient = saved_rows<Element>(saved.gradient, view);
            for (int64_t query = common.is_causal ? key : 0; query < common.queries; query += kAttentionTile) {
                const int64_t left = common.queries - query;
                const int count = static_cast<int>(left < kAttentionTile ? left : kAttentionTile);
                T weights[kAttentionOwn][kAttentionOwn], slopes[kAttentionOwn][kAttentionOwn];
                slope_tile(view, saved, query, key, shared, weights, slopes);
                const auto seen = [&](int j, int i) { return view.is_seen(query + i, key + j); };
                const auto shown = [&](int j, int i) { return shared.weights[i][j]; };
                show(weights, shared);
                accumulate_tile<T>(
                    count, shown,
                    [&](int i, int c) {
                        return column + c < common.value_width
                                   ? gradient.at(query + i, column + c) * reciprocal[view.row(query + i)]
                                   : T{0};
                    },
                    seen, shared, of_value);
                show(slopes, shared);
                accumulate_tile<T>(
                    count, shown,
                    [&](int i, int c) {
                        return column + c < common.width ? view.query.at(query + i, column + c) * view.scale : T{0};
                    },
                    seen, shared, of_key);
            }
        }
        store_tile<Element>(of_key, gradients.key, batch, group, key, common.keys, column, common.width);
        store_tile<Element>(of_value, gradients.value, batch, group, key, common.keys, column, common.value_width);
    }
}

// A block has 64 queries of a head and 64 numbers of their gradients.
template <typename Element, typename T>
__global__ void attention_queries_kernel(AttentionCall call, AttentionSaved saved, AttentionGradients gradients) {
    __shared__ AttentionShared<T> shared;
    const AttentionHead& common = call.common;
    const int64_t tiles = attention_tiles(common.queries), chunks = attention_tiles(common.width);
    for (int64_t block = blockIdx.x; block < call.batch * call.heads * tiles * chunks; block += gridDim.x) {
        const int64_t which = block / (tiles * chunks), column = block % chunks * kAttentionTile;
        const int64_t query = block / chunks % tiles * kAttentionTile;
        const HeadView<Element, T> view(call, which / call.heads, which % call.heads);
        T sums[kAttentionOwn][kAttentionOwn] = {};
        for (int64_t key = 0; key < common.keys && (!common.is_causal || key <= query); key += kAttentionTile) {
            const int keys = static_cast<int>(common.keys - key < kAttentionTile ? common.keys - key : kAttentionTile);
            T weights[kAttentionOwn][kAttentionOwn], slopes[kAttentionOwn][kAttentionOwn];
            slope_tile(view, saved, query, key, shared, weights, slopes);
            show(slopes, shared);
            accumulate_tile<T>(
                keys, [&](int i, int j) { return shared.weights[i][j]; },
                [&](int j, int c) { return column + c < common.width ? view.key.at(key + j, column + c) : T{0}; },
                [&](int i, int j) { return view.is_seen(query + i, key + j); }, shared, sums);
        }
#pragma unroll
        for (int r = 0; r < kAttentionOwn; ++r)
#pragma unroll
            for (int c = 0; c < kAttentionOwn; ++c) sums[r][c] *= view.scale;
        store_tile<Element>(sums, gradients.query, view.batch, view.head, query, common.queries, column, common.width);
    }
}

// The gradient of one score, alone.
template <typename Element, typename T>
__device__ T slope_of(const HeadView<Element, T>& view, const AttentionSaved& saved, int64_t i, int64_t j) {
    const AttentionHead& common = view.call.common;
    const auto gradient = saved_rows<Element>(saved.gradient, view);
    const int64_t row = view.row(i);
    const T reciprocal = static_cast<const T*>(saved.reciprocal)[row];
    T score = 0, slope = 0;
    for (int64_t e = 0; e < common.width; ++e) score = fma(view.query.at(i, e) * view.scale, view.key.at(j, e), score);
    for (int64_t e = 0; e < common.value_width; ++e)
        slope = fma(gradient.at(i, e) * reciprocal, view.value.at(j, e), slope);
    if (common.dropout.is_on) slope *= view.factor(i, j);
    const T weight = weight_at(view.masked(i, j, score) - static_cast<const T*>(saved.highest)[row]);
    return weight * (slope - static_cast<const T*>(saved.delta)[row]);
}

// A thread has a number of the mask, and all scores that it was added to.
template <typename Element, typename T>
__global__ void attention_mask_kernel(AttentionCall call, AttentionSaved saved, AttentionGradients gradients) {
    const AttentionHead& common = call.common;
    const int64_t* const sizes = gradients.mask_sizes;
    const int64_t whole[4] = {call.batch, call.heads, common.queries, common.keys};
    const int64_t numbers = sizes[0] * sizes[1] * sizes[2] * sizes[3];
    for (int64_t at = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; at < numbers;
         at += static_cast<int64_t>(gridDim.x) * blockDim.x) {
        int64_t from[4], to[4], rest = at;
        for (int d = 3; d >= 0; --d) {
            from[d] = sizes[d] == 1 ? 0 : rest % sizes[d];
            to[d] = sizes[d] == 1 ? whole[d] : from[d] + 1;
            rest /= sizes[d];
        }
        T total = 0;
        for (int64_t b = from[0]; b < to[0]; ++b) {
            for (int64_t h = from[1]; h < to[1]; ++h) {
                const HeadView<Element, T> view(call, b, h);
                for (int64_t i = from[2]; i < to[2]; ++i) {
                    T row = 0;
                    for (int64_t j = from[3]; j < to[3]; ++j)
                        if (view.is_seen(i, j)) row += slope_of(view, saved, i, j);
                    total += row;
                }
            }
        }
        static_cast<T*>(gradients.mask)[at] = total;
    }
}

}  // namespace WITHIN_ISA

template <typename Element, typename T>
void launch_attention_backward(const AttentionCall& call, AttentionSaved saved, const AttentionGradients& gradients,
                               T* delta, Stream stream) {
    const AttentionHead& common = call.common;
    const int64_t widest = common.width > common.value_width ? common.width : common.value_width;
    const int64_t rows = call.batch * call.heads * common.queries;
    const int64_t key_blocks =
        call.batch * (call.heads / call.shared) * attention_tiles(common.keys) * attention_tiles(widest);
    const int64_t query_blocks =
        call.batch * call.heads * attention_tiles(common.queries) * attention_tiles(common.width);
    const int64_t* const sizes = gradients.mask_sizes;
    const int64_t numbers = gradients.mask == nullptr ? 0 : sizes[0] * sizes[1] * sizes[2] * sizes[3];
    saved.delta = delta;
    if (rows > 0)
        WITHIN_LAUNCH((attention_delta_kernel<Element, T>), blocks_of(rows, kAttentionThreads), kAttentionThreads, 0,
                      stream, call, saved, delta);
    if (key_blocks > 0)
        WITHIN_LAUNCH((attention_keys_kernel<Element, T>), blocks_of(key_blocks, 1), kAttentionThreads, 0, stream, call,
                      saved, gradients);
    if (query_blocks > 0)
        WITHIN_LAUNCH((attention_queries_kernel<Element, T>), blocks_of(query_blocks, 1), kAttentionThreads, 0, stream,
                      call, saved, gradients);
    if (numbers > 0)
        WITHIN_LAUNCH((attention_mask_kernel<Element, T>), blocks_of(numbers, kAttentionThreads), kAttentionThreads, 0,
                      stream, call, saved, gradients);
}

}  // namespace within
