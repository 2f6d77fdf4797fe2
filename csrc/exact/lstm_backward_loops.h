// The CPU loops of an LSTM layer's gradients.
#pragma once

#include "exact/lstm_loops.h"

namespace within {
inline namespace WITHIN_ISA {

template <typename T>
struct LstmBackwardLoops {
    using W = Wide<T>;
    using L = CellLanes<T>;
    static constexpr int kWidth = W::kCount;

    const LstmBackward& task;
    const LstmShape& shape = task.shape;
    const int64_t hidden = shape.hidden, depth = kLstmGates * shape.hidden;
    const LstmRows<T> own{shape, task.row, task.row_end, task.scratch};

    T* gates(int64_t moment, int64_t row) const {
        const int64_t index = moment * shape.batch + row;
        return static_cast<T*>(task.grad_gates) + (task.place == nullptr ? index : task.place[index]) * task.grad_step;
    }
    const T* kept(int64_t moment, int64_t row) const {
        return static_cast<const T*>(task.kept) + (moment * shape.batch + row) * kLstmKept * hidden;
    }

    // Of hidden units from `unit` on, a register; `later` is the gradient of h from the moment after.
    void finish(int64_t moment, int64_t row, int64_t unit, const T* later) const {
        const int64_t units = std::min<int64_t>(kWidth, hidden - unit);
        const T* from = kept(moment, row) + unit;
        const T* c_before = lstm_starts(shape, moment, row)
                                ? static_cast<const T*>(task.c0) + row * hidden + unit
                                : kept(shape.is_reverse ? moment + 1 : moment - 1, row) + 4 * hidden + unit;
        const T* grad_out = at<T>(task.grad_out, moment, row) + unit;
        T* const out = gates(moment, row) + unit;
        T* to = out;
        int64_t step = hidden;
        alignas(64) T some[(kLstmKept + 3 + kLstmGates) * kWidth];
        if (units < kWidth) {
            std::fill(std::begin(some), std::end(some), T{0});
            for (int k = 0; k < kLstmKept; ++k)
                std::copy(from + k * hidden, from + k * hidden + units, some + k * kWidth);
            T* const more = some + kLstmKept * kWidth;
            std::copy(c_before, c_before + units, more);
            std::copy(grad_out, grad_out + units, more + kWidth);
            std::copy(later, later + units, more + 2 * kWidth);
            from = some, c_before = more, grad_out = more + kWidth, later = more + 2 * kWidth;
            to = more + 3 * kWidth;
            step = kWidth;
        }
        T* const cell = own.cell(row) + unit;
        for (int l = 0; l < kWidth; l += L::kCount) {
            const auto gradient = LstmCell<L>::backward(
                {L::load(from + l), L::load(from + step + l), L::load(from + 2 * step + l),
                 L::load(from + 3 * step + l), L::load(from + 4 * step + l), L::load(from + 5 * step + l)},
                L::load(c_before + l), L::load(grad_out + l) + L::load(later + l), L::load(cell + l));
            L::store(to + l, gradient.i);
            L::store(to + step + l, gradient.f);
            L::store(to + 2 * step + l, gradient.g);
            L::store(to + 3 * step + l, gradient.o);
            L::store(cell + l, gradient.c);
        }
        if (units == kWidth) return;
        for (int k = 0; k < kLstmGates; ++k) std::copy(to + k * kWidth, to + k * kWidth + units, out + k * hidden);
    }

    // Columns of a panel of w_hh, of a few rows: the gradient of h before `moment`, given on to done(row, column,
    // sums).
    template <int registers, int rows = kLstmRows<registers>, typename Done>
    void tile(const T* panel, int64_t moment, const int64_t* first, int64_t count, const Done& done) const {
        if constexpr (rows > 1) {
            if (count < rows) return tile<registers, rows - 1>(panel, moment, first, count, done);
        }
        RowsApart<T, rows> a;
        for (int i = 0; i < rows; ++i) a.row[i] = gates(moment, first[i]);
        typename W::Register sum[rows][registers] = {};
        go_on<T>(a, panel, depth, sum);
        alignas(64) T sums[rows][registers * kWidth];
#pragma GCC unroll 8
        for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 4
            for (int j = 0; j < registers; ++j) W::store(sums[i] + j * kWidth, sum[i][j]);
        }
        for (int i = 0; i < rows; ++i) done(first[i], sums[i]);
    }

    // Calls done(row, column, registers, sums) for each of the rows and each panel.
    template <typename Done>
    void h_before(int64_t moment, int64_t count, const int64_t* rows, const Done& done) const {
        for_each_panel<T>(hidden, [&](auto registers, int64_t column) {
            constexpr int kRows = kLstmRows<registers>;
            const T* const panel = static_cast<const T*>(task.panels) + column * depth;
            for (int64_t i = 0; i < count; i += kRows)
                tile<registers>(panel, moment, rows + i, count - i,
                                [&](int64_t row, const T* sums) { done(row, column, int{registers}, sums); });
        });
    }

    void run() const {
        own.begin(static_cast<const T*>(task.grad_c));
        int64_t* const others = own.some + (task.row_end - task.row);
        for (int64_t step = 0; step < shape.moments; ++step) {
            const int64_t moment = shape.is_reverse ? step : shape.moments - 1 - step;
            int64_t count = 0;
            for (int64_t row = task.row; row < task.row_end; ++row) {
                if (moment >= own.length(row)) continue;
                if (!lstm_ends(shape, moment, row)) {
                    others[count++] = row;
                    continue;
                }
                const T* const last = static_cast<const T*>(task.grad_h) + row * hidden;
                for (int64_t unit = 0; unit < hidden; unit += kWidth) finish(moment, row, unit, last + unit);
            }
            const int64_t after = shape.is_reverse ? moment - 1 : moment + 1;
            h_before(after, count, others, [&](int64_t row, int64_t column, int registers, const T* sums) {
                for (int j = 0; j < registers; ++j) finish(moment, row, column + j * kWidth, sums + j * kWidth);
            });
        }
        // Rows that a moment is the first of go on to h0 and c0.
        for (int64_t row = task.row; row < task.row_end;) {
            const int64_t moment = shape.is_reverse ? own.length(row) - 1 : 0;
            int64_t count = 0;
            for (; row < task.row_end && (!shape.is_reverse || own.length(row) - 1 == moment); ++row)
                own.some[count++] = row;
            h_before(moment, count, own.some, [&](int64_t of, int64_t column, int registers, const T* sums) {
                T* const to = static_cast<T*>(task.grad_h0) + of * hidden + column;
                for (int j = 0; j < registers; ++j)
                    store_some(to + j * kWidth, W::canonical(W::load(sums + j * kWidth)), hidden - column - j * kWidth);
            });
        }
        T* const grad_c0 = static_cast<T*>(task.grad_c0);
        own.end(grad_c0);
        for (int64_t i = task.row * hidden; i < task.row_end * hidden; ++i)
            if (grad_c0[i] != grad_c0[i]) grad_c0[i] = std::numeric_limits<T>::quiet_NaN();
    }
};

// Rows of gates' gradients times the weights of the inputs.
template <typename T>
struct LstmInputLoops {
    using W = Wide<T>;
    static constexpr int kWidth = W::kCount;

    const LstmInputGradient& task;
    const int64_t inputs = task.shape.inputs;

    template <int registers, int rows = kLstmRows<registers>>
    void tile(const T* panel, int64_t first, int64_t count, int64_t column) const {
        if constexpr (rows > 1) {
            if (count < rows) return tile<registers, rows - 1>(panel, first, count, column);
        }
        RowsApart<T, rows> a;
        for (int i = 0; i < rows; ++i) a.row[i] = static_cast<const T*>(task.grad_gates) + (first + i) * task.grad_step;
        typename W::Register sum[rows][registers] = {};
        go_on<T>(a, panel, task.grad_step, sum);
        alignas(64) T sums[rows][registers * kWidth];
#pragma GCC unroll 8
        for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 4
            for (int j = 0; j < registers; ++j) W::store(sums[i] + j * kWidth, W::canonical(sum[i][j]));
        }
        const int64_t width = std::min<int64_t>(registers * kWidth, inputs - column);
        for (int i = 0; i < rows; ++i) {
            const int64_t index = task.moments == nullptr ? first + i : task.moments[first + i];
            T* const to = at<T>(task.grad_x, index / task.shape.batch, index % task.shape.batch) + column;
            std::copy(sums[i], sums[i] + width, to);
        }
    }

    void run() const {
        for_each_panel<T>(inputs, [&](auto registers, int64_t column) {
            const T* const panel = static_cast<const T*>(task.panels) + column * task.grad_step;
            for (int64_t row = task.row; row < task.row_end; row += kLstmRows<registers>)
                tile<registers>(panel, row, task.row_end - row, column);
        });
    }
};

// Gates' gradients, turned, times x and the h before, side by side: a tile of gates and columns stays in registers
// while the rows of a block go by.
template <typename T>
struct LstmWeightLoops {
    using W = Wide<T>;
    static constexpr int kWidth = W::kCount;
    static constexpr int kTile = kLstmRows<kLstmGates>;
    static constexpr int64_t kStrip = 64;  // gates whose rows are added up together

    const LstmWeightGradient& task;
    const LstmShape& shape = task.shape;
    const int64_t inputs = shape.inputs, hidden = shape.hidden, columns = inputs + hidden;
    const int64_t padded = (columns + kWidth - 1) / kWidth * kWidth, gates = task.last - task.first;
    T* const sums = static_cast<T*>(task.scratch);  // [gates, padded]
    T* const packed = sums + gates * padded;        // [panels][kLstmBlock][columns of a panel]
    T* const line = packed + padded * kLstmBlock;   // [padded]
    T* const turned = line + padded;                // [kLstmBlock][kTile]

    void pack(int64_t from, int64_t count) const {
        for (int64_t k = 0; k < count; ++k) {
            const int64_t index = task.moments == nullptr ? from + k : task.moments[from + k];
            const int64_t moment = index / shape.batch, row = index % shape.batch;
            const T* const x = at<T>(task.x, moment, row);
            const T* const h = lstm_h_before<T>(shape, task.out, task.h0, moment, row);
            std::copy(x, x + inputs, line);
            std::copy(h, h + hidden, line + inputs);
            for_each_panel<T>(columns, [&](auto registers, int64_t column) {
                T* const to = packed + column * kLstmBlock + k * registers * kWidth;
                for (int j = 0; j < registers; ++j) W::store(to + j * kWidth, W::load(line + column + j * kWidth));
            });
        }
    }

    // kTile gates of each row; what a store has too many the next writes over.
    void turn(const T* grad, int64_t count) const {
        for (int64_t k = 0; k < count; ++k) {
#pragma GCC unroll 4
            for (int i = 0; i < kTile; i += kWidth)
                W::store(turned + k * kTile + i, W::load(grad + k * task.grad_step + i));
        }
    }

    template <int registers, int rows = kTile>
    void tile(int64_t gate, int64_t column, int64_t depth, bool is_first) const {
        if constexpr (rows > 1) {
            if (gates - gate < rows) return tile<registers, rows - 1>(gate, column, depth, is_first);
        }
        T* const to = sums + gate * padded + column;
        typename W::Register sum[rows][registers];
#pragma GCC unroll 8
        for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 4
            for (int j = 0; j < registers; ++j)
                sum[i][j] = is_first ? typename W::Register{} : W::load(to + i * padded + j * kWidth);
        }
        go_on<T>(RowsTogether<T, kTile>{turned}, packed + column * kLstmBlock, depth, sum);
#pragma GCC unroll 8
        for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 4
            for (int j = 0; j < registers; ++j) W::store(to + i * padded + j * kWidth, sum[i][j]);
        }
    }

    void run() const {
        std::fill(line, line + padded, T{0});
        const T* const grad = static_cast<const T*>(task.grad_gates) + task.first;
        for (int64_t from = 0; from < task.rows; from += kLstmBlock) {
            const int64_t depth = std::min(kLstmBlock, task.rows - from);
            pack(from, depth);
            for (int64_t gate = 0; gate < gates; gate += kTile) {
                turn(grad + from * task.grad_step + gate, depth);
                for_each_panel<T>(
                    columns, [&](auto registers, int64_t column) { tile<registers>(gate, column, depth, from == 0); });
            }
        }
        auto put = [&](const T* from, int64_t count, void* to) {
            for (int64_t i = 0; i < count; i += kWidth)
                store_some(static_cast<T*>(to) + i, W::canonical(load_some(from + i, count - i)), count - i);
        };
        for (int64_t gate = 0; gate < gates; ++gate) {
            put(sums + gate * padded, inputs, static_cast<T*>(task.grad_ih) + (task.first + gate) * inputs);
            put(sums + gate * padded + inputs, hidden, static_cast<T*>(task.grad_hh) + (task.first + gate) * hidden);
        }
        if (task.grad_bias == nullptr) return;
        for (int64_t gate = 0; gate < gates; gate += kStrip) add_rows(gate, std::min(kStrip, gates - gate));
    }

    // Of `count` gates, in the order of exact/sum.h.
    void add_rows(int64_t gate, int64_t count) const {
        const T* const grad = static_cast<const T*>(task.grad_gates) + task.first + gate;
        alignas(64) T lanes[kSumLanes * kStrip];
        BlockSums<T> blocks[kStrip];
        for (int64_t first = 0; first < task.rows; first += kSumBlock) {
            const int64_t end = std::min(task.rows, first + kSumBlock);
            std::fill(lanes, lanes + kSumLanes * kStrip, T{0});
            // Beyond the last gate are others', of no matter.
            for (int64_t row = first; row < end; ++row) {
                T* const lane = lanes + (row - first) % kSumLanes * kStrip;
                const T* const from = grad + row * task.grad_step;
                for (int64_t i = 0; i < count; i += kWidth) W::store(lane + i, W::load(lane + i) + W::load(from + i));
            }
            for (int64_t half = kSumLanes / 2 * kStrip; half >= kStrip; half /= 2)
                for (int64_t i = 0; i < half; ++i) lanes[i] += lanes[i + half];
            for (int64_t i = 0; i < count; ++i) blocks[i].add(lanes[i]);
        }
        for (int64_t i = 0; i < count; ++i) {
            const T total = blocks[i].total();
            static_cast<T*>(task.grad_bias)[task.first + gate + i] =
                total == total ? total : std::numeric_limits<T>::quiet_NaN();
        }
    }
};

void lstm_pack_columns(const LstmPackColumns& task) {
    task.is_double ? pack_columns<double>(task) : pack_columns<float>(task);
}

void lstm_backward(const LstmBackward& task) {
    task.shape.is_double ? LstmBackwardLoops<double>{task}.run() : LstmBackwardLoops<float>{task}.run();
}

void lstm_input_gradient(const LstmInputGradient& task) {
    task.shape.is_double ? LstmInputLoops<double>{task}.run() : LstmInputLoops<float>{task}.run();
}

void lstm_weight_gradient(const LstmWeightGradient& task) {
    task.shape.is_double ? LstmWeightLoops<double>{task}.run() : LstmWeightLoops<float>{task}.run();
}

}  // namespace WITHIN_ISA
}  // namespace within
