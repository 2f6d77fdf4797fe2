// What the kernels of LSTM layers are given, and the arithmetic of a cell.
//
// The four gates i, f, g, o of a hidden unit have one chain each: +0, then fma(x[k], w_ih[gate, k], chain) for k
// upwards, then b_ih + b_hh is added (that sum is rounded first; without biases nothing is added), then the chain goes
// on with fma(h[k], w_hh[gate, k], chain) for k upwards. h and c are those of the moment before.
#pragma once

#include <cstdint>

#include "exact/functions64.h"

namespace within {

constexpr int kLstmGates = 4;
constexpr int kLstmKept = 6;  // i, f, g, o, c and tanh(c) of a moment
// Rows whose share of a weight's gradient is summed before the next are laid out.
constexpr int64_t kLstmBlock = 256;
// Numbers that the CPU's loops may read or write beyond an end.
constexpr int64_t kLstmSpare = 64;

// Numbers of each moment and row, side by side, by their steps in elements.
struct Sequence {
    void* data;
    int64_t moment_step;
    int64_t row_step;
};

// One direction of a layer.
struct LstmShape {
    bool is_double;
    bool is_reverse;
    int64_t moments;
    int64_t batch;
    int64_t inputs;
    int64_t hidden;
    const int64_t* lengths;  // [batch], or null where all rows have every moment
};

// Blocks [first, last) of hidden units, a register each: panels[block][k][gate][unit], of k through w_ih and then
// w_hh, and bias[block][gate][unit]; zeros beyond the last unit.
struct LstmPackGates {
    LstmShape shape;
    const void* w_ih;  // [4 hidden, inputs]
    const void* w_hh;  // [4 hidden, hidden]
    const void* b_ih;  // [4 hidden], or null with b_hh
    const void* b_hh;
    int64_t first;
    int64_t last;
    void* panels;
    void* bias;
};

// Columns of a matrix of rows that lie side by side, in panels of kLstmGates registers, the last one of fewer:
// panels[panel][k][column], of k from `from` on, `depth` in all.
struct LstmPackColumns {
    bool is_double;
    const void* rows;  // [count, columns]
    int64_t count;
    int64_t columns;
    int64_t from;
    int64_t depth;
    void* panels;
};

// Rows [row, row_end) of the batch through all moments.
struct LstmForward {
    LstmShape shape;
    int64_t row;
    int64_t row_end;
    Sequence x;
    const void* panels;
    const void* bias;  // or null
    const void* h0;    // [batch, hidden], as c0, h and c
    const void* c0;
    Sequence out;
    void* h;
    void* c;
    void* kept;     // [moments, batch, kLstmKept, hidden], or null
    void* scratch;  // of both passes: rows * (kLstmSpare + hidden) numbers of 8 bytes
};

struct LstmBackward {
    LstmShape shape;
    int64_t row;
    int64_t row_end;
    const void* kept;
    const void* c0;
    Sequence grad_out;
    const void* grad_h;  // [batch, hidden], as grad_c, grad_h0 and grad_c0
    const void* grad_c;
    const void* panels;    // of w_hh
    const int32_t* place;  // the row of grad_gates of each moment and row of the batch, or null where none is missing
    void* grad_gates;      // [rows, grad_step]
    int64_t grad_step;
    void* grad_h0;
    void* grad_c0;
    void* scratch;
};

// Rows [row, row_end) of grad_gates times w_ih of all directions: one chain over the gates of one, then of the other.
struct LstmInputGradient {
    LstmShape shape;
    int64_t row;
    int64_t row_end;
    const void* grad_gates;
    int64_t grad_step;       // the gates of all directions
    const int32_t* moments;  // moment * batch + row of the batch, of each row of grad_gates; or null
    const void* panels;
    Sequence grad_x;
};

// Gates [first, last) of w_ih, w_hh and the biases: sums over the rows of grad_gates, upwards.
struct LstmWeightGradient {
    LstmShape shape;
    int64_t first;
    int64_t last;
    int64_t rows;
    const void* grad_gates;  // of this direction
    int64_t grad_step;
    const int32_t* moments;
    Sequence x;
    Sequence out;
    const void* h0;
    void* grad_ih;
    void* grad_hh;
    void* grad_bias;  // [4 hidden], or null
    void* scratch;    // (gates + kLstmBlock + 1) * (inputs + hidden + kLstmSpare) + 8 * kLstmBlock numbers
};

inline namespace WITHIN_ISA {

// Whether what comes before a row's moment is h0 and c0.
WITHIN_HOST_DEVICE bool lstm_starts(const LstmShape& shape, int64_t moment, int64_t row) {
    if (!shape.is_reverse) return moment == 0;
    return moment + 1 == (shape.lengths == nullptr ? shape.moments : shape.lengths[row]);
}
// Whether what comes after is h and c at the end.
WITHIN_HOST_DEVICE bool lstm_ends(const LstmShape& shape, int64_t moment, int64_t row) {
    if (shape.is_reverse) return moment == 0;
    return moment + 1 == (shape.lengths == nullptr ? shape.moments : shape.lengths[row]);
}

template <typename L>
struct LstmCell {
    using Float = typename L::Float;
    using F = Functions<L>;

    struct State {
        Float i, f, g, o, c, height;  // the last is tanh(c)
    };
    struct Gradient {
        Float i, f, g, o, c;
    };

    // From what the chains gave, and the cell before; h is what comes out.
    WITHIN_HOST_DEVICE static State forward(Float of_i, Float of_f, Float of_g, Float of_o, Float c_before, Float* h) {
        const Float i = F::sigmoid(of_i), f = F::sigmoid(of_f), g = F::tanh(of_g), o = F::sigmoid(of_o);
        const Float c = F::canonical(L::fused(f, c_before, i * g)), height = F::tanh(c);
        *h = F::canonical(o * height);
        return {i, f, g, o, c, height};
    }

    // Gradients of what the chains gave and of the cell before, from those of h and of the cell.
    WITHIN_HOST_DEVICE static Gradient backward(const State& at, Float c_before, Float grad_h, Float grad_c) {
        const Float one = L::all(1);
        const Float of_c = L::fused(grad_h * at.o, L::fused(-at.height, at.height, one), grad_c);
        return {of_c * at.g * L::fused(-at.i, at.i, at.i), of_c * c_before * L::fused(-at.f, at.f, at.f),
                of_c * at.i * L::fused(-at.g, at.g, one), grad_h * at.height * L::fused(-at.o, at.o, at.o),
                of_c * at.f};
    }
};

}  // namespace WITHIN_ISA
}  // namespace within
