// The kernels of attention and the functions that launch them; compiled by nvcc, and by the tests' emulator.
#pragma once

#include "core/launch.h"
#include "core/nan.h"
#include "exact/attention_launch.h"

namespace within {
inline namespace WITHIN_ISA {

constexpr int kAttentionTile = 64;  // queries of a block, and keys that it has at once
constexpr int kAttentionSide = 16;  // threads along both
constexpr int kAttentionOwn = kAttentionTile / kAttentionSide;
constexpr int kAttentionThreads = kAttentionSide * kAttentionSide;
static_assert(kAttentionTile == kKeyTile);

WITHIN_HOST_DEVICE float negative_infinity(float) { return float_of_bits(0xff800000u); }
WITHIN_HOST_DEVICE double negative_infinity(double) { return double_of(0xfff0000000000000ull); }

template <typename T>
WITHIN_HOST_DEVICE T weight_at(T x) {
    return weight_of<std::conditional_t<std::is_same_v<T, double>, Scalar64, Scalar>>(x);
}

template <typename Element>
struct HeadRows {
    const Element* data;
    int64_t row_step;
    int64_t column_step;

    WITHIN_HOST_DEVICE Wider<Element> at(int64_t row, int64_t column) const {
        return load(data[row * row_step + column * column_step]);
    }
};

template <typename Element>
WITHIN_HOST_DEVICE HeadRows<Element> rows_of_head(const HeadBatch& of, int64_t batch, int64_t head) {
    return {static_cast<const Element*>(of.data) + batch * of.batch_step + head * of.head_step, of.row_step,
            of.column_step};
}

// One head of a call, as a thread reads it.
template <typename Element, typename T>
struct HeadView {
    const AttentionCall& call;
    int64_t batch;
    int64_t head;
    T scale;
    HeadRows<Element> query;
    HeadRows<Element> key;
    HeadRows<Element> value;

    WITHIN_HOST_DEVICE HeadView(const AttentionCall& of, int64_t b, int64_t h)
        : call(of),
          batch(b),
          head(h),
          scale(static_cast<T>(of.common.scale)),
          query(rows_of_head<Element>(of.query, b, h)),
          key(rows_of_head<Element>(of.key, b, h / of.shared)),
          value(rows_of_head<Element>(of.value, b, h / of.shared)) {}

    WITHIN_HOST_DEVICE bool is_seen(int64_t i, int64_t j) const { return !call.common.is_causal || j <= i; }

    // A score with its mask.
    WITHIN_HOST_DEVICE T masked(int64_t i, int64_t j, T score) const {
        const AttentionHead& common = call.common;
        const int64_t at = batch * call.mask.batch_step + head * call.mask.head_step + i * call.mask.row_step +
                           j * call.mask.column_step;
        if (!is_seen(i, j)) return negative_infinity(T{});
        if (common.mask_kind == MaskKind::none) return score;
        if (common.mask_kind == MaskKind::allowed)
            return static_cast<const uint8_t*>(call.mask.data)[at] != 0 ? score : negative_infinity(T{});
        switch (common.mask_dtype) {
            case Dtype::float64:
                return score + static_cast<T>(static_cast<const double*>(call.mask.data)[at]);
            case Dtype::float32:
                return score + static_cast<const float*>(call.mask.data)[at];
            case Dtype::float16:
                return score + load(static_cast<const Float16*>(call.mask.data)[at]);
            default:
                return score + load(static_cast<const BFloat16*>(call.mask.data)[at]);
        }
    }

    WITHIN_HOST_DEVICE T factor(int64_t i, int64_t j) const {
        const uint32_t number = static_cast<uint32_t>(batch * call.heads + head);
        return static_cast<T>(kept(call.common.dropout, static_cast<uint32_t>(i), number, j));
    }

    WITHIN_HOST_DEVICE int64_t row(int64_t i) const { return (batch * call.heads + head) * call.common.queries + i; }
};

// The memory that threads of a block share.
template <typename T>
struct AttentionShared {
    static constexpr int kDepth = 64 / sizeof(T);  // of k at once

    T of_a[kDepth][kAttentionTile + 1];
    T of_b[kDepth][kAttentionTile + 1];
    T weights[kAttentionTile][kAttentionTile + 1];  // [query][key]
    T rows[3][kAttentionTile];
};

// sums[r][c] = chain over k of a(down + 16 r, k) b(across + 16 c, k).
template <typename T, typename A, typename B>
__device__ __forceinline__ void chain_tile(int64_t depth, const A& a, const B& b, AttentionShared<T>& shared,
                                           T (&sums)[kAttentionOwn][kAttentionOwn]) {
    constexpr int kDepth = AttentionShared<T>::kDepth;
    const int across = threadIdx.x % kAttentionSide, down = threadIdx.x / kAttentionSide;
#pragma unroll
    for (int r = 0; r < kAttentionOwn; ++r)
#pragma unroll
        for (int c = 0; c < kAttentionOwn; ++c) sums[r][c] = 0;
    for (int64_t k = 0; k < depth; k += kDepth) {
        const int count = static_cast<int>(depth - k < kDepth ? depth - k : kDepth);
        for (int i = threadIdx.x; i < kDepth * kAttentionTile; i += kAttentionThreads) {
            const int at = i % kDepth, line = i / kDepth;
            shared.of_a[at][line] = at < count ? a(line, k + at) : T{0};
            shared.of_b[at][line] = at < count ? b(line, k + at) : T{0};
        }
        __syncthreads();
        for (int at = 0; at < count; ++at) {
            T own_a[kAttentionOwn], own_b[kAttentionOwn];
#pragma unroll
            for (int r = 0; r < kAttentionOwn; ++r) own_a[r] = shared.of_a[at][down + r * kAttentionSide];
#pragma unroll
            for (int c = 0; c < kAttentionOwn; ++c) own_b[c] = shared.of_b[at][across + c * kAttentionSide];
#pragma unroll
            for (int r = 0; r < kAttentionOwn; ++r)
#pragma unroll
                for (int c = 0; c < kAttentionOwn; ++c) sums[r][c] = fma(own_a[r], own_b[c], sums[r][c]);
        }
        __syncthreads();
    }
}

// sums[r][c] = fma(a(down + 16 r, k), b(k, across + 16 c), sums[r][c]) for k upwards, where seen(row, k).
template <typename T, typename A, typename B, typename Seen>
__device__ __forceinline__ void accumulate_tile(int depth, const A& a, const B& b, const Seen& seen,
                                                AttentionShared<T>& shared, T (&sums)[kAttentionOwn][kAttentionOwn]) {
    constexpr int kDepth = AttentionShared<T>::kDepth;
    const int across = threadIdx.x % kAttentionSide, down = threadIdx.x / kAttentionSide;
    for (int k = 0; k < depth; k += kDepth) {
        const int count = depth - k < kDepth ? depth - k : kDepth;
        for (int i = threadIdx.x; i < kDepth * kAttentionTile; i += kAttentionThreads) {
            const int at = i / kAttentionTile, column = i % kAttentionTile;
            shared.of_b[at][column] = at < count ? b(k + at, column) : T{0};
        }
        __syncthreads();
        for (int at = 0; at < count; ++at) {
#pragma unroll
            for (int r = 0; r < kAttentionOwn; ++r) {
                const int row = down + r * kAttentionSide;
                const T number = a(row, k + at);
                if (!seen(row, k + at)) continue;
#pragma unroll
                for (int c = 0; c < kAttentionOwn; ++c)
                    sums[r][c] = fma(number, shared.of_b[at][across + c * kAttentionSide], sums[r][c]);
            }
        }
        __syncthreads();
    }
}

template <typename Element, typename T>
__device__ __forceinline__ void score_tile(const HeadView<Element, T>& view, int64_t query, int64_t key,
                                           AttentionShared<T>& shared, T (&sums)[kAttentionOwn][kAttentionOwn]) {
    const AttentionHead& common = view.call.common;
    chain_tile<T>(
        common.width,
        [&](int line, int64_t k) {
            return query + line < common.queries ? view.query.at(query + line, k) * view.scale : T{0};
        },
        [&](int line, int64_t k) { return key + line < common.keys ? view.key.at(key + line, k) : T{0}; }, shared,
        sums);
}

// A block has 64 queries of one head and 64 numbers of their values.
template <typename Element, typename T>
__global__ void attention_kernel(AttentionCall call, HeadBatch out, T* highest, T* reciprocal) {
    __shared__ AttentionShared<T> shared;
    const AttentionHead& common = call.common;
    const int64_t tiles = (common.queries + kAttentionTile - 1) / kAttentionTile;
    const int64_t chunks = common.value_width > 0 ? (common.value_width + kAttentionTile - 1) / kAttentionTile : 1;
    const int thread = threadIdx.x, across = thread % kAttentionSide, down = thread / kAttentionSide;
    T *const zero = shared.rows[0], *const factor = shared.rows[1], *const share = shared.rows[2];
    for (int64_t block = blockIdx.x; block < call.batch * call.heads * tiles * chunks; block += gridDim.x) {
        const int64_t which = block / (tiles * chunks), column = block % chunks * kAttentionTile;
        const HeadView<Element, T> view(call, which / call.heads, which % call.heads);
        const int64_t query = block / chunks % tiles * kAttentionTile;
        T top = negative_infinity(T{}), total = 0, sums[kAttentionOwn][kAttentionOwn] = {};
        for (int64_t key = 0; key < common.keys && (!common.is_causal || key <= query); key += kAttentionTile) {
            const int keys = static_cast<int>(common.keys - key < kAttentionTile ? common.keys - key : kAttentionTile);
            T scores[kAttentionOwn][kAttentionOwn];
            score_tile(view, query, key, shared, scores);
#pragma unroll
            for (int r = 0; r < kAttentionOwn; ++r) {
#pragma unroll
                for (int c = 0; c < kAttentionOwn; ++c) {
                    const int i = down + r * kAttentionSide, j = across + c * kAttentionSide;
                    const bool is_there = query + i < common.queries && j < keys;
                    scores[r][c] = is_there ? view.masked(query + i, key + j, scores[r][c]) : negative_infinity(T{});
                    shared.weights[i][j] = scores[r][c];
                }
            }
            __syncthreads();
            if (thread < kAttentionTile) {
                const T before = top;
                for (int j = 0; j < keys; ++j) top = shared.weights[thread][j] > top ? shared.weights[thread][j] : top;
                zero[thread] = top == negative_infinity(T{}) ? T{0} : top;
                factor[thread] = weight_at(before - zero[thread]);
            }
            __syncthreads();
#pragma unroll
            for (int r = 0; r < kAttentionOwn; ++r) {
                const int i = down + r * kAttentionSide;
#pragma unroll
                for (int c = 0; c < kAttentionOwn; ++c) {
                    scores[r][c] = weight_at(scores[r][c] - zero[i]);
                    shared.weights[i][across + c * kAttentionSide] = scores[r][c];
                    sums[r][c] *= factor[i];
                }
            }
            __syncthreads();
            if (thread < kAttentionTile) {
                T part = 0;
                for (int j = 0; j < keys; ++j) part += shared.weights[thread][j];
                total = fma(total, factor[thread], part);
            }
            if (common.dropout.is_on) {
                __syncthreads();
#pragma unroll
                for (int r = 0; r < kAttentionOwn; ++r) {
#pragma unroll
                    for (int c = 0; c < kAttentionOwn; ++c) {
                        const int i = down + r * kAttentionSide, j = across + c * kAttentionSide;
                        shared.weights[i][j] = scores[r][c] * view.factor(query + i, key + j);
                    }
                }
                __syncthreads();
            }
            accumulate_tile<T>(
                keys, [&](int row, int k) { return shared.weights[row][k]; },
                [&](int k, int c) {
                    return column + c < common.value_width ? view.value.at(key + k, column + c) : T{0};
                },
                [&](int row, int k) { return view.is_seen(query + row, key + k); }, shared, sums);
        }
        if (thread < kAttentionTile) {
            share[thread] = total == 0 ? T{0} : canonical(T{1} / total);
            if (column == 0 && query + thread < common.queries) {
                highest[view.row(query + thread)] = top == negative_infinity(T{}) ? T{0} : top;
                reciprocal[view.row(query + thread)] = share[thread];
            }
        }
        __syncthreads();
        Element* const to = const_cast<Element*>(rows_of_head<Element>(out, view.batch, view.head).data);
#pragma unroll
        for (int r = 0; r < kAttentionOwn; ++r) {
#pragma unroll
            for (int c = 0; c < kAttentionOwn; ++c) {
                const int row = down + r * kAttentionSide;
                const int64_t i = query + row, e = column + across + c * kAttentionSide;
                if (i >= common.queries || e >= common.value_width) continue;
                store(canonical(sums[r][c] * share[row]), to + i * out.row_step + e * out.column_step);
            }
        }
        __syncthreads();
    }
}

}  // namespace WITHIN_ISA

template <typename Element, typename T>
void launch_attention(const AttentionCall& call, const HeadBatch& out, T* highest, T* reciprocal, Stream stream) {
    const int64_t tiles = (call.common.queries + kAttentionTile - 1) / kAttentionTile;
    const int64_t chunks = (call.common.value_width + kAttentionTile - 1) / kAttentionTile;
    const int64_t blocks = call.batch * call.heads * tiles * (chunks > 0 ? chunks : 1);
    if (blocks == 0) return;
    WITHIN_LAUNCH((attention_kernel<Element, T>), blocks_of(blocks, 1), kAttentionThreads, 0, stream, call, out,
                  highest, reciprocal);
}

}  // namespace within
