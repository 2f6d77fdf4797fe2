// The kernels of LSTM layers and the functions that launch them, one launch a moment; compiled by nvcc, and by the
// tests' emulator.
#pragma once

#include "core/launch.h"
#include "exact/lstm_launch.h"

namespace within {
inline namespace WITHIN_ISA {

constexpr int kLstmThreads = 128;

// One number of T's width at a time.
template <typename T>
using LstmLane = std::conditional_t<std::is_same_v<T, float>, Scalar, Scalar64>;

// A thread has a hidden unit of a row: its four chains go on over the hidden units before.
template <typename T>
__global__ void lstm_forward_kernel(LstmDevice<T> layer, int64_t moment) {
    using L = LstmLane<T>;
    const LstmShape& shape = layer.shape;
    const int64_t hidden = shape.hidden, step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < shape.batch * hidden; i += step) {
        const int64_t row = i / hidden, unit = i % hidden;
        if (shape.lengths != nullptr && moment >= shape.lengths[row]) continue;
        const int64_t before = shape.is_reverse ? moment + 1 : moment - 1;
        const bool starts = lstm_starts(shape, moment, row);
        const T* const h =
            starts ? layer.h0 + row * hidden : layer.out + before * layer.out_moment + row * layer.out_row;
        const T* const x = layer.of_x + moment * layer.of_x_moment + row * layer.of_x_row + unit;
        T z[kLstmGates];
        for (int gate = 0; gate < kLstmGates; ++gate) z[gate] = x[gate * hidden];
        for (int64_t k = 0; k < hidden; ++k) {
            const T* const w = layer.w_hh + k * kLstmGates * hidden + unit;
            for (int gate = 0; gate < kLstmGates; ++gate) z[gate] = L::fused(h[k], w[gate * hidden], z[gate]);
        }
        const T c_before = starts ? layer.c0[i] : layer.c[i];
        T own;
        const auto state = LstmCell<L>::forward(z[0], z[1], z[2], z[3], c_before, &own);
        layer.out[moment * layer.out_moment + row * layer.out_row + unit] = own;
        layer.c[i] = state.c;
        if (lstm_ends(shape, moment, row)) layer.h[i] = own;
        if (layer.kept == nullptr) continue;
        T* const kept = layer.kept + (moment * shape.batch + row) * kLstmKept * hidden + unit;
        kept[0] = state.i;
        kept[hidden] = state.f;
        kept[2 * hidden] = state.g;
        kept[3 * hidden] = state.o;
        kept[4 * hidden] = state.c;
        kept[5 * hidden] = state.height;
    }
}

template <typename T>
__device__ __forceinline__ T* lstm_gates_at(const LstmDeviceGradients<T>& layer, int64_t moment, int64_t row) {
    const int64_t index = moment * layer.shape.batch + row;
    return layer.grad_gates + (layer.place == nullptr ? index : layer.place[index]) * layer.grad_step;
}

// The chain over a row's gates of a moment: the gradient of a hidden unit before it.
template <typename T>
__device__ __forceinline__ T lstm_before(const LstmDeviceGradients<T>& layer, int64_t moment, int64_t row,
                                         int64_t unit) {
    const int64_t hidden = layer.shape.hidden;
    const T* const gates = lstm_gates_at(layer, moment, row);
    T sum = 0;
    for (int64_t k = 0; k < kLstmGates * hidden; ++k)
        sum = LstmLane<T>::fused(gates[k], layer.w_hh[k * hidden + unit], sum);
    return sum;
}

template <typename T>
__global__ void lstm_backward_kernel(LstmDeviceGradients<T> layer, int64_t moment) {
    using L = LstmLane<T>;
    const LstmShape& shape = layer.shape;
    const int64_t hidden = shape.hidden, step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < shape.batch * hidden; i += step) {
        const int64_t row = i / hidden, unit = i % hidden;
        if (shape.lengths != nullptr && moment >= shape.lengths[row]) continue;
        const T later = lstm_ends(shape, moment, row)
                            ? layer.grad_h[i]
                            : lstm_before(layer, shape.is_reverse ? moment - 1 : moment + 1, row, unit);
        const T* const kept = layer.kept + (moment * shape.batch + row) * kLstmKept * hidden + unit;
        const int64_t back = shape.is_reverse ? shape.batch : -shape.batch;
        const T c_before = lstm_starts(shape, moment, row) ? layer.c0[i] : kept[(back * kLstmKept + 4) * hidden];
        const T grad_h = layer.grad_out[moment * layer.out_moment + row * layer.out_row + unit] + later;
        const auto gradient = LstmCell<L>::backward(
            {kept[0], kept[hidden], kept[2 * hidden], kept[3 * hidden], kept[4 * hidden], kept[5 * hidden]}, c_before,
            grad_h, layer.grad_c[i]);
        T* const gates = lstm_gates_at(layer, moment, row) + unit;
        gates[0] = gradient.i;
        gates[hidden] = gradient.f;
        gates[2 * hidden] = gradient.g;
        gates[3 * hidden] = gradient.o;
        layer.grad_c[i] = gradient.c;
    }
}

// Gradients of h0 and c0.
template <typename T>
__global__ void lstm_start_kernel(LstmDeviceGradients<T> layer) {
    using F = Functions<LstmLane<T>>;
    const LstmShape& shape = layer.shape;
    const int64_t hidden = shape.hidden, step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < shape.batch * hidden; i += step) {
        const int64_t row = i / hidden;
        const int64_t length = shape.lengths == nullptr ? shape.moments : shape.lengths[row];
        layer.grad_h0[i] = F::canonical(lstm_before(layer, shape.is_reverse ? length - 1 : 0, row, i % hidden));
        layer.grad_c[i] = F::canonical(layer.grad_c[i]);
    }
}

}  // namespace WITHIN_ISA

template <typename T>
void launch_lstm_forward(const LstmDevice<T>& layer, Stream stream) {
    const int blocks = blocks_of(layer.shape.batch * layer.shape.hidden, kLstmThreads);
    for (int64_t step = 0; step < layer.shape.moments; ++step) {
        const int64_t moment = layer.shape.is_reverse ? layer.shape.moments - 1 - step : step;
        WITHIN_LAUNCH((lstm_forward_kernel<T>), blocks, kLstmThreads, 0, stream, layer, moment);
    }
}

template <typename T>
void launch_lstm_backward(const LstmDeviceGradients<T>& layer, Stream stream) {
    const int blocks = blocks_of(layer.shape.batch * layer.shape.hidden, kLstmThreads);
    for (int64_t step = 0; step < layer.shape.moments; ++step) {
        const int64_t moment = layer.shape.is_reverse ? step : layer.shape.moments - 1 - step;
        WITHIN_LAUNCH((lstm_backward_kernel<T>), blocks, kLstmThreads, 0, stream, layer, moment);
    }
    WITHIN_LAUNCH((lstm_start_kernel<T>), blocks, kLstmThreads, 0, stream, layer);
}

}  // namespace within
