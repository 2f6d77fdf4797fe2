// The kernels of softmax and the functions that launch them; compiled by nvcc, and by the tests' emulator.
#pragma once

#include "exact/softmax_launch.h"
#include "exact/team.cuh"

namespace within {
inline namespace WITHIN_ISA {

// Row `at` of [outer, n, inner]: where it begins; its numbers are `inner` apart.
WITHIN_HOST_DEVICE int64_t row_begin(int64_t at, int64_t n, int64_t inner) {
    return at / inner * n * inner + at % inner;
}

template <typename Team, typename Element>
__global__ void softmax_kernel(const Element* x, int64_t rows, int64_t n, int64_t inner, bool is_log, Element* out) {
    using T = Wider<Element>;
    using L = LaneOf<T>;
    using S = Softmax<L>;
    __shared__ T shared[kTeamThreads];
    const Team team;
    const int64_t step = static_cast<int64_t>(gridDim.x) * kTeamColumns;
    for (int64_t first = static_cast<int64_t>(blockIdx.x) * kTeamColumns; first < rows; first += step) {
        // Teams beyond the last row do the last one's work, and write nothing.
        const bool is_row = first + team.team < rows;
        const int64_t begin = row_begin(is_row ? first + team.team : rows - 1, n, inner);
        const Element* const own = x + begin;
        T most = load(own[0]);
        for (int64_t i = team.lane; i < n; i += kSumLanes) most = L::most(most, load(own[i * inner]));
        most = team.most(most, shared, [](T a, T b) { return L::most(a, b); });
        const T sum = sum_of_team<T>(team, n, shared,
                                     [&](int64_t i, T chain) { return chain + S::power(load(own[i * inner]) - most); });
        if (!is_row) continue;
        const T log_sum = is_log ? Functions<L>::log(sum) : T{0}, share = T{1} / sum;
        for (int64_t i = team.lane; i < n; i += kSumLanes) {
            const T value = load(own[i * inner]);
            store(is_log ? S::logarithm(value, most, log_sum) : Functions<L>::canonical(S::power(value - most) * share),
                  out + begin + i * inner);
        }
    }
}

template <typename Team, typename Element>
__global__ void softmax_backward_kernel(const Element* y, const Element* gradient, int64_t rows, int64_t n,
                                        int64_t inner, bool is_log, Element* out) {
    using T = Wider<Element>;
    using L = LaneOf<T>;
    using S = Softmax<L>;
    __shared__ T shared[kTeamThreads];
    const Team team;
    const int64_t step = static_cast<int64_t>(gridDim.x) * kTeamColumns;
    for (int64_t first = static_cast<int64_t>(blockIdx.x) * kTeamColumns; first < rows; first += step) {
        const bool is_row = first + team.team < rows;
        const int64_t begin = row_begin(is_row ? first + team.team : rows - 1, n, inner);
        const T sum = sum_of_team<T>(team, n, shared, [&](int64_t i, T chain) {
            const T g = load(gradient[begin + i * inner]);
            return is_log ? chain + g : L::fused(load(y[begin + i * inner]), g, chain);
        });
        if (!is_row) continue;
        for (int64_t i = team.lane; i < n; i += kSumLanes) {
            const T result = load(y[begin + i * inner]), g = load(gradient[begin + i * inner]);
            store(is_log ? S::slope_of_log(result, g, sum) : S::slope(result, g, sum), out + begin + i * inner);
        }
    }
}

}  // namespace WITHIN_ISA

template <typename Element>
void launch_softmax(const Element* x, int64_t rows, int64_t n, int64_t inner, bool is_log, Element* out,
                    Stream stream) {
    if (inner == 1) {
        WITHIN_LAUNCH((softmax_kernel<Warp, Element>), blocks_of(rows, kTeamColumns), kTeamThreads, 0, stream, x, rows,
                      n, inner, is_log, out);
    } else {
        WITHIN_LAUNCH((softmax_kernel<Column, Element>), blocks_of(rows, kTeamColumns), kTeamThreads, 0, stream, x,
                      rows, n, inner, is_log, out);
    }
}

template <typename Element>
void launch_softmax_backward(const Element* y, const Element* gradient, int64_t rows, int64_t n, int64_t inner,
                             bool is_log, Element* out, Stream stream) {
    if (inner == 1) {
        WITHIN_LAUNCH((softmax_backward_kernel<Warp, Element>), blocks_of(rows, kTeamColumns), kTeamThreads, 0, stream,
                      y, gradient, rows, n, inner, is_log, out);
    } else {
        WITHIN_LAUNCH((softmax_backward_kernel<Column, Element>), blocks_of(rows, kTeamColumns), kTeamThreads, 0,
                      stream, y, gradient, rows, n, inner, is_log, out);
    }
}

}  // namespace within
