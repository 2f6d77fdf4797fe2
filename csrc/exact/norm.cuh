// The kernels of layer, RMS and group normalisation and the functions that launch them; compiled by nvcc, and by the
// tests' emulator. Gradients of weights are launch_pair's, of exact/reduce.cuh.
#pragma once

#include "exact/norm_launch.h"
#include "exact/reduce.cuh"

namespace within {
inline namespace WITHIN_ISA {

WITHIN_HOST_DEVICE int64_t weight_at(const WeightOf& of, int64_t row, int64_t i) {
    return row % of.groups * of.channels + (of.length == 1 ? i : i / of.length);
}

template <typename Element>
__global__ void norm_kernel(const Element* x, int64_t rows, int64_t n, bool is_centred, const Wider<Element>* weight,
                            const Wider<Element>* bias, WeightOf of, Wider<Element> eps, Element* out,
                            Wider<Element>* mean, Wider<Element>* scale) {
    using T = Wider<Element>;
    using L = LaneOf<T>;
    const Warp team;
    T* const none = nullptr;
    const int64_t step = static_cast<int64_t>(gridDim.x) * kTeamColumns;
    for (int64_t row = static_cast<int64_t>(blockIdx.x) * kTeamColumns + team.team; row < rows; row += step) {
        const Element* const own = x + row * n;
        const T count = static_cast<T>(n);
        T middle = 0;
        if (is_centred) {
            const T sum = sum_of_team<T>(team, n, none, [&](int64_t i, T chain) { return chain + load(own[i]); });
            middle = Functions<L>::canonical(sum / count);
        }
        const T squares = sum_of_team<T>(
            team, n, none, [&](int64_t i, T chain) { return Moments<L>::add_square(load(own[i]) - middle, chain); });
        const T factor = normalising_scale<T>(squares / count, eps);
        if (team.lane == 0) {
            if (is_centred) mean[row] = middle;
            scale[row] = factor;
        }
        for (int64_t i = team.lane; i < n; i += kSumLanes) {
            T value = Moments<L>::normalised(load(own[i]), middle, factor);
            const int64_t at = weight_at(of, row, i);
            if (weight != nullptr && bias != nullptr) {
                value = L::fused(value, weight[at], bias[at]);
            } else if (weight != nullptr) {
                value = value * weight[at];
            } else if (bias != nullptr) {
                value = value + bias[at];
            }
            store(Functions<L>::canonical(value), out + row * n + i);
        }
    }
}

template <typename Element>
__global__ void norm_backward_kernel(const Element* gradient, const Element* x, int64_t rows, int64_t n,
                                     bool is_centred, const Wider<Element>* weight, WeightOf of,
                                     const Wider<Element>* mean, const Wider<Element>* scale, Element* out) {
    using T = Wider<Element>;
    using L = LaneOf<T>;
    const Warp team;
    T* const none = nullptr;
    const int64_t step = static_cast<int64_t>(gridDim.x) * kTeamColumns;
    for (int64_t row = static_cast<int64_t>(blockIdx.x) * kTeamColumns + team.team; row < rows; row += step) {
        const T middle = is_centred ? mean[row] : T{0}, factor = scale[row], count = static_cast<T>(n);
        auto weighted = [&](int64_t i) {
            const T g = load(gradient[row * n + i]);
            return weight == nullptr ? g : g * weight[weight_at(of, row, i)];
        };
        auto normalised = [&](int64_t i) { return Moments<L>::normalised(load(x[row * n + i]), middle, factor); };
        T of_gradient = 0;
        if (is_centred) {
            of_gradient =
                sum_of_team<T>(team, n, none, [&](int64_t i, T chain) { return chain + weighted(i); }) / count;
        }
        const T of_product =
            sum_of_team<T>(team, n, none,
                           [&](int64_t i, T chain) { return L::fused(weighted(i), normalised(i), chain); }) /
            count;
        for (int64_t i = team.lane; i < n; i += kSumLanes) {
            const T value = Moments<L>::slope(weighted(i), normalised(i), of_gradient, of_product, factor);
            store(Functions<L>::canonical(value), out + row * n + i);
        }
    }
}

}  // namespace WITHIN_ISA

template <typename Element>
void launch_norm(const Element* x, int64_t rows, int64_t n, bool is_centred, const Wider<Element>* weight,
                 const Wider<Element>* bias, WeightOf of, double eps, Element* out, Wider<Element>* mean,
                 Wider<Element>* scale, Stream stream) {
    WITHIN_LAUNCH((norm_kernel<Element>), blocks_of(rows, kTeamColumns), kTeamThreads, 0, stream, x, rows, n,
                  is_centred, weight, bias, of, static_cast<Wider<Element>>(eps), out, mean, scale);
}

template <typename Element>
void launch_norm_backward(const Element* gradient, const Element* x, int64_t rows, int64_t n, bool is_centred,
                          const Wider<Element>* weight, WeightOf of, const Wider<Element>* mean,
                          const Wider<Element>* scale, Element* out, Stream stream) {
    WITHIN_LAUNCH((norm_backward_kernel<Element>), blocks_of(rows, kTeamColumns), kTeamThreads, 0, stream, gradient, x,
                  rows, n, is_centred, weight, of, mean, scale, out);
}

}  // namespace within
