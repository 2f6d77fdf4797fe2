// The CPU loops of LSTM layers: weights are laid out once as the innermost loop reads them, and the sums of a few rows'
// gates stay in registers from the first input to the last hidden unit.
#pragma once

#include "core/standard.h"
//
#include "core/wide.h"
#include "exact/lstm.h"
#include "exact/sum.h"

namespace within {
inline namespace WITHIN_ISA {

// Rows of a tile whose sums fill the registers, beside `registers` of a row.
template <int registers>
#if defined(WITHIN_AVX512)
constexpr int kLstmRows = 6;
#elif defined(WITHIN_AVX2)
constexpr int kLstmRows = registers > 2 ? 3 : 6;
#else
constexpr int kLstmRows = 2;
#endif

// Numbers of a cell's lanes: a register of float, one double.
template <typename T>
using CellLanes = std::conditional_t<std::is_same_v<T, float>, Lanes, Scalar64>;

template <typename T, int rows>
struct RowsApart {
    const T* row[rows];
    T operator()(int i, int64_t k) const { return row[i][k]; }
};
// Rows side by side, `width` a step of k.
template <typename T, int width>
struct RowsTogether {
    const T* data;
    T operator()(int i, int64_t k) const { return data[k * width + i]; }
};

// sums += a b over `depth` values of k, upwards.
template <typename T, int rows, int registers, typename Rows>
inline __attribute__((always_inline)) void go_on(const Rows& a, const T* __restrict b, int64_t depth,
                                                 typename Wide<T>::Register (&sum)[rows][registers]) {
    using W = Wide<T>;
    for (int64_t k = 0; k < depth; ++k) {
        typename W::Register own[rows];
#pragma GCC unroll 8
        for (int i = 0; i < rows; ++i) own[i] = W::all(a(i, k));
#pragma GCC unroll 4
        for (int j = 0; j < registers; ++j) {
            const auto column = W::load(b + j * W::kCount);
#pragma GCC unroll 8
            for (int i = 0; i < rows; ++i) sum[i][j] = W::fused(own[i], column, sum[i][j]);
        }
        b += registers * W::kCount;
    }
}

template <typename T>
inline typename Wide<T>::Register load_some(const T* from, int64_t count) {
    using W = Wide<T>;
    if (count >= W::kCount) return W::load(from);
    T some[W::kCount] = {};
    for (int64_t i = 0; i < count; ++i) some[i] = from[i];
    return W::load(some);
}

template <typename T>
inline void store_some(T* to, typename Wide<T>::Register value, int64_t count) {
    using W = Wide<T>;
    if (count >= W::kCount) return W::store(to, value);
    T some[W::kCount];
    W::store(some, value);
    for (int64_t i = 0; i < count; ++i) to[i] = some[i];
}

template <typename T>
void pack_gates(const LstmPackGates& task) {
    constexpr int64_t kWidth = Wide<T>::kCount, kStep = kLstmGates * kWidth;
    const int64_t hidden = task.shape.hidden, inputs = task.shape.inputs;
    for (int64_t block = task.first; block < task.last; ++block) {
        T* const panel = static_cast<T*>(task.panels) + block * (inputs + hidden) * kStep;
        const int64_t units = std::min(kWidth, hidden - block * kWidth);
        auto turn = [&](const T* w, int64_t depth, T* to) {
            if (units < kWidth) std::fill(to, to + depth * kStep, T{0});
            // A few numbers of each line at a time, so that what is written stays in the cache.
            for (int64_t from = 0; from < depth; from += 16) {
                const int64_t end = std::min(from + 16, depth);
                for (int gate = 0; gate < kLstmGates; ++gate) {
                    for (int64_t unit = 0; unit < units; ++unit) {
                        const T* const line = w + (gate * hidden + block * kWidth + unit) * depth;
                        for (int64_t k = from; k < end; ++k) to[k * kStep + gate * kWidth + unit] = line[k];
                    }
                }
            }
        };
        turn(static_cast<const T*>(task.w_ih), inputs, panel);
        turn(static_cast<const T*>(task.w_hh), hidden, panel + inputs * kStep);
        if (task.bias == nullptr) continue;
        T* const bias = static_cast<T*>(task.bias) + block * kStep;
        std::fill(bias, bias + kStep, T{0});
        for (int gate = 0; gate < kLstmGates; ++gate) {
            for (int64_t unit = 0; unit < units; ++unit) {
                const int64_t at = gate * hidden + block * kWidth + unit;
                bias[gate * kWidth + unit] =
                    static_cast<const T*>(task.b_ih)[at] + static_cast<const T*>(task.b_hh)[at];
            }
        }
    }
}

// Calls work(registers, column) for each panel: how many of a row it has, as a type, and its first column.
template <typename T, typename Work>
inline void for_each_panel(int64_t columns, const Work& work) {
    constexpr int64_t kWidth = Wide<T>::kCount;
    for (int64_t column = 0; column < columns; column += kLstmGates * kWidth) {
        switch (std::min<int64_t>((columns - column + kWidth - 1) / kWidth, kLstmGates)) {
            case 1:
                work(std::integral_constant<int, 1>{}, column);
                break;
            case 2:
                work(std::integral_constant<int, 2>{}, column);
                break;
            case 3:
                work(std::integral_constant<int, 3>{}, column);
                break;
            default:
                work(std::integral_constant<int, 4>{}, column);
        }
    }
}

template <typename T>
void pack_columns(const LstmPackColumns& task) {
    const int64_t columns = task.columns;
    for_each_panel<T>(columns, [&](auto registers, int64_t column) {
        constexpr int64_t kStep = registers * Wide<T>::kCount;
        const int64_t width = std::min(kStep, columns - column);
        T* const panel = static_cast<T*>(task.panels) + column * task.depth;
        for (int64_t k = 0; k < task.count; ++k) {
            const T* const from = static_cast<const T*>(task.rows) + k * columns + column;
            T* const to = panel + (task.from + k) * kStep;
            std::copy(from, from + width, to);
            std::fill(to + width, to + kStep, T{0});
        }
    });
}

// Rows of the batch that go through all moments together.
template <typename T>
struct LstmRows {
    static constexpr int kWidth = Wide<T>::kCount;

    const LstmShape& shape;
    const int64_t row, row_end;
    const int64_t hidden = shape.hidden, padded = (hidden + kWidth - 1) / kWidth * kWidth;
    T* const cells;       // [rows, padded]
    int64_t* const some;  // 2 lists of rows

    LstmRows(const LstmShape& shape, int64_t row, int64_t row_end, void* scratch)
        : shape(shape),
          row(row),
          row_end(row_end),
          cells(static_cast<T*>(scratch)),
          some(static_cast<int64_t*>(scratch) + (row_end - row) * padded) {}

    T* cell(int64_t of) const { return cells + (of - row) * padded; }
    int64_t length(int64_t of) const { return shape.lengths == nullptr ? shape.moments : shape.lengths[of]; }
    void begin(const T* from) const {
        for (int64_t of = row; of < row_end; ++of) {
            std::copy(from + of * hidden, from + (of + 1) * hidden, cell(of));
            std::fill(cell(of) + hidden, cell(of) + padded, T{0});
        }
    }
    void end(T* to) const {
        for (int64_t of = row; of < row_end; ++of) std::copy(cell(of), cell(of) + hidden, to + of * hidden);
    }
};

template <typename T>
T* at(const Sequence& of, int64_t moment, int64_t row) {
    return static_cast<T*>(of.data) + moment * of.moment_step + row * of.row_step;
}

template <typename T>
const T* lstm_h_before(const LstmShape& shape, const Sequence& out, const void* h0, int64_t moment, int64_t row) {
    if (lstm_starts(shape, moment, row)) return static_cast<const T*>(h0) + row * shape.hidden;
    return at<T>(out, shape.is_reverse ? moment + 1 : moment - 1, row);
}

template <typename T>
struct LstmForwardLoops {
    using W = Wide<T>;
    using L = CellLanes<T>;
    static constexpr int kWidth = W::kCount;
    static constexpr int kTile = kLstmRows<kLstmGates>;

    const LstmForward& task;
    const LstmShape& shape = task.shape;
    const int64_t hidden = shape.hidden;
    const LstmRows<T> own{shape, task.row, task.row_end, task.scratch};

    // Of a block of hidden units, from what the chains gave.
    void finish(int64_t moment, int64_t block, const int64_t* rows, int count, const T (*z)[kLstmGates][kWidth]) const {
        const int64_t unit = block * kWidth, units = std::min<int64_t>(kWidth, hidden - unit);
        const bool is_whole = units == kWidth;
        alignas(64) T some_h[kWidth], some[kLstmKept * kWidth];
        for (int i = 0; i < count; ++i) {
            T* const cell = own.cell(rows[i]) + unit;
            T* const out = at<T>(task.out, moment, rows[i]) + unit;
            T* const to = task.kept == nullptr ? nullptr
                                               : static_cast<T*>(task.kept) +
                                                     (moment * shape.batch + rows[i]) * kLstmKept * hidden + unit;
            T* const h = is_whole ? out : some_h;
            T* const kept = is_whole && to != nullptr ? to : some;
            const int64_t step = is_whole && to != nullptr ? hidden : kWidth;
            for (int l = 0; l < kWidth; l += L::kCount) {
                typename L::Float own_h;
                const auto state =
                    LstmCell<L>::forward(L::load(z[i][0] + l), L::load(z[i][1] + l), L::load(z[i][2] + l),
                                         L::load(z[i][3] + l), L::load(cell + l), &own_h);
                L::store(h + l, own_h);
                L::store(cell + l, state.c);
                L::store(kept + l, state.i);
                L::store(kept + step + l, state.f);
                L::store(kept + 2 * step + l, state.g);
                L::store(kept + 3 * step + l, state.o);
                L::store(kept + 4 * step + l, state.c);
                L::store(kept + 5 * step + l, state.height);
            }
            if (is_whole) continue;
            std::copy(some_h, some_h + units, out);
            for (int k = 0; to != nullptr && k < kLstmKept; ++k)
                std::copy(some + k * kWidth, some + k * kWidth + units, to + k * hidden);
        }
    }

    template <int rows = kTile>
    void tile(int64_t moment, int64_t block, const int64_t* first, int64_t count) const {
        if constexpr (rows > 1) {
            if (count < rows) return tile<rows - 1>(moment, block, first, count);
        }
        RowsApart<T, rows> x, h;
        for (int i = 0; i < rows; ++i) {
            x.row[i] = at<T>(task.x, moment, first[i]);
            h.row[i] = lstm_h_before<T>(shape, task.out, task.h0, moment, first[i]);
        }
        constexpr int64_t kStep = kLstmGates * kWidth;
        const T* const panel = static_cast<const T*>(task.panels) + block * (shape.inputs + hidden) * kStep;
        typename W::Register sum[rows][kLstmGates] = {};
        go_on<T>(x, panel, shape.inputs, sum);
        if (task.bias != nullptr) {
            const T* const bias = static_cast<const T*>(task.bias) + block * kStep;
#pragma GCC unroll 8
            for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 4
                for (int j = 0; j < kLstmGates; ++j) sum[i][j] += W::load(bias + j * kWidth);
            }
        }
        go_on<T>(h, panel + shape.inputs * kStep, hidden, sum);
        alignas(64) T z[rows][kLstmGates][kWidth];
#pragma GCC unroll 8
        for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 4
            for (int j = 0; j < kLstmGates; ++j) W::store(z[i][j], sum[i][j]);
        }
        finish(moment, block, first, rows, z);
    }

    void run() const {
        const int64_t blocks = own.padded / kWidth;
        own.begin(static_cast<const T*>(task.c0));
        for (int64_t step = 0; step < shape.moments; ++step) {
            const int64_t moment = shape.is_reverse ? shape.moments - 1 - step : step;
            int64_t count = 0;
            for (int64_t row = task.row; row < task.row_end; ++row)
                if (moment < own.length(row)) own.some[count++] = row;
            for (int64_t block = 0; block < blocks; ++block)
                for (int64_t i = 0; i < count; i += kTile) tile(moment, block, own.some + i, count - i);
        }
        own.end(static_cast<T*>(task.c));
        for (int64_t row = task.row; row < task.row_end; ++row) {
            const T* const h = at<T>(task.out, shape.is_reverse ? 0 : own.length(row) - 1, row);
            std::copy(h, h + hidden, static_cast<T*>(task.h) + row * hidden);
        }
    }
};

int64_t lstm_width(bool is_double) { return is_double ? Wide<double>::kCount : Wide<float>::kCount; }

void lstm_pack_gates(const LstmPackGates& task) {
    task.shape.is_double ? pack_gates<double>(task) : pack_gates<float>(task);
}

void lstm_forward(const LstmForward& task) {
    task.shape.is_double ? LstmForwardLoops<double>{task}.run() : LstmForwardLoops<float>{task}.run();
}

}  // namespace WITHIN_ISA
}  // namespace within
