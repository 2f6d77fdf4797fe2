// LSTM layers on the CPU: rows of the batch are shared among threads, and go through all moments without meeting.
#include "core/torch.h"

#include <algorithm>

#include "core/dispatch.h"
#include "core/kept_memory.h"
#include "exact/lstm_checks.h"
#include "exact/threads.h"

namespace within {

using LstmWidth = int64_t(bool);
using PackLstmGates = void(const LstmPackGates&);
using PackLstmColumns = void(const LstmPackColumns&);
using RunLstmForward = void(const LstmForward&);
using RunLstmBackward = void(const LstmBackward&);
using RunLstmInputGradient = void(const LstmInputGradient&);
using RunLstmWeightGradient = void(const LstmWeightGradient&);
WITHIN_KERNEL(LstmWidth, lstm_width)
WITHIN_KERNEL(PackLstmGates, lstm_pack_gates)
WITHIN_KERNEL(PackLstmColumns, lstm_pack_columns)
WITHIN_KERNEL(RunLstmForward, lstm_forward)
WITHIN_KERNEL(RunLstmBackward, lstm_backward)
WITHIN_KERNEL(RunLstmInputGradient, lstm_input_gradient)
WITHIN_KERNEL(RunLstmWeightGradient, lstm_weight_gradient)

namespace {

// Calls work(part, begin, end) for shares of `count` items of each of `parts`.
template <typename Work>
void share_parts(int64_t parts, int64_t count, int64_t threads, int64_t multiple, const Work& work) {
    const int64_t shares = std::max<int64_t>(1, ceiling(threads, parts));
    const int64_t size = std::max<int64_t>(1, ceiling(ceiling(count, shares), multiple) * multiple);
    const int64_t tasks = ceiling(count, size);
    at::parallel_for(0, parts * tasks, threads > 1 ? 1 : parts * tasks, [&](int64_t from, int64_t to) {
        for (int64_t task = from; task < to; ++task) {
            const int64_t begin = task % tasks * size;
            work(task / tasks, begin, std::min(count, begin + size));
        }
    });
}

template <typename T>
T* offset(const at::Tensor& tensor, int64_t numbers) {
    return reinterpret_cast<T*>(static_cast<char*>(const_cast<void*>(tensor.const_data_ptr())) +
                                numbers * tensor.element_size());
}

LstmResult run_forward(const LstmLayer& layer, bool keeps) {
    const LstmShape& shape = layer.shape;
    const int64_t hidden = shape.hidden, batch = shape.batch, directions = layer.directions;
    const int64_t size = shape.is_double ? 8 : 4;
    const LstmResult result(layer, keeps);
    if (batch == 0) return result;

    const int64_t width = lstm_width_kernel()(shape.is_double), blocks = ceiling(hidden, width);
    const int64_t step = kLstmGates * width * size, panel_bytes = (shape.inputs + hidden) * step;
    const KeptMemory panels(directions * blocks * panel_bytes);
    const KeptMemory biases(layer.has_bias ? directions * blocks * step : 0);
    const int64_t threads =
        threads_for(directions * shape.moments * batch * kLstmGates * hidden * (shape.inputs + hidden));
    share_parts(directions, blocks, threads, 1, [&](int64_t direction, int64_t first, int64_t last) {
        LstmPackGates task{};
        task.shape = shape;
        task.w_ih = layer.weight(direction, 0).const_data_ptr();
        task.w_hh = layer.weight(direction, 1).const_data_ptr();
        if (layer.has_bias) {
            task.b_ih = layer.weight(direction, 2).const_data_ptr();
            task.b_hh = layer.weight(direction, 3).const_data_ptr();
            task.bias = biases.as<char>() + direction * blocks * step;
        }
        task.first = first;
        task.last = last;
        task.panels = panels.as<char>() + direction * blocks * panel_bytes;
        lstm_pack_gates_kernel()(task);
    });
    share_parts(directions, batch, threads, 1, [&](int64_t direction, int64_t row, int64_t row_end) {
        const KeptMemory scratch((row_end - row) * (hidden + kLstmSpare) * 8);
        const int64_t state = direction * batch * hidden;
        LstmForward task{};
        task.shape = layer.shape_of(direction);
        task.row = row;
        task.row_end = row_end;
        task.x = layer.sequence(layer.input);
        task.panels = panels.as<char>() + direction * blocks * panel_bytes;
        task.bias = layer.has_bias ? biases.as<char>() + direction * blocks * step : nullptr;
        task.h0 = offset<void>(layer.h0, state);
        task.c0 = offset<void>(layer.c0, state);
        task.out = layer.sequence(result.output, direction * hidden);
        task.h = offset<void>(result.h, state);
        task.c = offset<void>(result.c, state);
        task.kept = keeps ? offset<void>(result.kept, shape.moments * state * kLstmKept) : nullptr;
        task.scratch = scratch.as<void>();
        lstm_forward_kernel()(task);
    });
    return result;
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> exact_lstm_cpu(const at::Tensor& input, const at::Tensor& h0,
                                                              const at::Tensor& c0, at::TensorList weights,
                                                              const std::optional<at::Tensor>& lengths,
                                                              bool batch_first) {
    return run_forward(check_lstm(input, h0, c0, weights, lengths, batch_first), false).stored(input.scalar_type());
}

std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor, at::Tensor> exact_lstm_forward_cpu(
    const at::Tensor& input, const at::Tensor& h0, const at::Tensor& c0, at::TensorList weights,
    const std::optional<at::Tensor>& lengths, bool batch_first) {
    return run_forward(check_lstm(input, h0, c0, weights, lengths, batch_first), true)
        .stored_and_kept(input.scalar_type());
}

// Where gates' gradients of each moment and row of the batch lie, side by side without gaps; nothing where no row ends
// before another.
struct Places {
    std::vector<int32_t> place;    // of moment * batch + row
    std::vector<int32_t> moments;  // the other way round
    int64_t rows;
};

Places places_of(const LstmShape& shape) {
    Places places{{}, {}, shape.moments * shape.batch};
    if (shape.lengths == nullptr) return places;
    places.place.resize(places.rows);
    for (int64_t moment = 0; moment < shape.moments; ++moment) {
        for (int64_t row = 0; row < shape.batch; ++row) {
            const int64_t index = moment * shape.batch + row;
            places.place[index] = static_cast<int32_t>(places.moments.size());
            if (moment < shape.lengths[row]) places.moments.push_back(static_cast<int32_t>(index));
        }
    }
    places.rows = places.moments.size();
    return places;
}

void pack_columns(const LstmShape& shape, const at::Tensor& weight, int64_t from, int64_t depth, void* panels) {
    lstm_pack_columns_kernel()(
        {shape.is_double, weight.const_data_ptr(), weight.size(0), weight.size(1), from, depth, panels});
}

std::vector<at::Tensor> exact_lstm_backward_cpu(const at::Tensor& grad_output, const at::Tensor& grad_h,
                                                const at::Tensor& grad_c, const at::Tensor& input, const at::Tensor& h0,
                                                const at::Tensor& c0, at::TensorList weights,
                                                const std::optional<at::Tensor>& lengths, bool batch_first,
                                                const at::Tensor& output, const at::Tensor& kept, bool wants_input) {
    const LstmLayer layer = check_lstm(input, h0, c0, weights, lengths, batch_first);
    const LstmGradients given = check_lstm_gradients(layer, grad_output, grad_h, grad_c, output, kept, input);
    const at::Tensor out = lstm_in_order(output), states = kept.contiguous();
    const LstmShape& shape = layer.shape;
    const int64_t hidden = shape.hidden, batch = shape.batch, directions = layer.directions;
    const int64_t inputs = shape.inputs, gates = kLstmGates * hidden, size = shape.is_double ? 8 : 4;
    std::vector<at::Tensor> result = {wants_input ? layer.empty_sequence(inputs) : layer.empty({0}),
                                      at::empty_like(layer.h0), at::empty_like(layer.h0)};
    for (const at::Tensor& weight : layer.weights) result.push_back(at::empty_like(weight));
    if (batch == 0)
        for (at::Tensor& gradient : result) gradient.zero_();
    if (batch == 0 || (wants_input && shape.lengths != nullptr)) result[0].zero_();
    if (batch > 0) {
        const Places places = places_of(shape);
        const int32_t* const place = shape.lengths == nullptr ? nullptr : places.place.data();
        const int32_t* const moments = shape.lengths == nullptr ? nullptr : places.moments.data();
        const int64_t grad_step = directions * gates;
        const KeptMemory grad_gates((places.rows * grad_step + kLstmSpare) * size);
        auto gates_of = [&](int64_t direction) { return grad_gates.as<char>() + direction * gates * size; };
        const int64_t products = directions * places.rows * gates * hidden;

        const int64_t hidden_bytes = gates * (hidden + kLstmSpare) * size;
        const KeptMemory of_hidden(directions * hidden_bytes);
        for (int64_t direction = 0; direction < directions; ++direction)
            pack_columns(shape, layer.weight(direction, 1), 0, gates, of_hidden.as<char>() + direction * hidden_bytes);
        share_parts(directions, batch, threads_for(products), 1, [&](int64_t direction, int64_t row, int64_t row_end) {
            const KeptMemory scratch((row_end - row) * (hidden + kLstmSpare) * 8);
            const int64_t state = direction * batch * hidden;
            LstmBackward task{};
            task.shape = layer.shape_of(direction);
            task.row = row;
            task.row_end = row_end;
            task.kept = offset<void>(states, shape.moments * state * kLstmKept);
            task.c0 = offset<void>(layer.c0, state);
            task.grad_out = layer.sequence(given.output, direction * hidden);
            task.grad_h = offset<void>(given.h, state);
            task.grad_c = offset<void>(given.c, state);
            task.panels = of_hidden.as<char>() + direction * hidden_bytes;
            task.place = place;
            task.grad_gates = gates_of(direction);
            task.grad_step = grad_step;
            task.grad_h0 = offset<void>(result[1], state);
            task.grad_c0 = offset<void>(result[2], state);
            task.scratch = scratch.as<void>();
            lstm_backward_kernel()(task);
        });

        if (wants_input && inputs > 0) {
            const KeptMemory of_inputs(grad_step * (inputs + kLstmSpare) * size);
            for (int64_t direction = 0; direction < directions; ++direction)
                pack_columns(shape, layer.weight(direction, 0), direction * gates, grad_step, of_inputs.as<void>());
            share_parts(1, places.rows, threads_for(places.rows * grad_step * inputs), 12,
                        [&](int64_t, int64_t row, int64_t row_end) {
                            lstm_input_gradient_kernel()({shape, row, row_end, grad_gates.as<void>(), grad_step,
                                                          moments, of_inputs.as<void>(), layer.sequence(result[0])});
                        });
        }

        const int of_direction = layer.has_bias ? 4 : 2;
        share_parts(directions, gates, threads_for(products), 12, [&](int64_t direction, int64_t first, int64_t last) {
            const KeptMemory scratch(
                ((last - first + kLstmBlock + 1) * (inputs + hidden + kLstmSpare) + 8 * kLstmBlock) * size);
            const at::Tensor* const to = result.data() + 3 + direction * of_direction;
            LstmWeightGradient task{};
            task.shape = layer.shape_of(direction);
            task.first = first;
            task.last = last;
            task.rows = places.rows;
            task.grad_gates = gates_of(direction);
            task.grad_step = grad_step;
            task.moments = moments;
            task.x = layer.sequence(layer.input);
            task.out = layer.sequence(out, direction * hidden);
            task.h0 = offset<void>(layer.h0, direction * batch * hidden);
            task.grad_ih = to[0].mutable_data_ptr();
            task.grad_hh = to[1].mutable_data_ptr();
            task.grad_bias = layer.has_bias ? to[2].mutable_data_ptr() : nullptr;
            task.scratch = scratch.as<void>();
            lstm_weight_gradient_kernel()(task);
        });
        for (int64_t direction = 0; layer.has_bias && direction < directions; ++direction)
            result[3 + direction * 4 + 3].copy_(result[3 + direction * 4 + 2]);
    }
    for (at::Tensor& gradient : result) gradient = lstm_stored(gradient, input.scalar_type());
    return result;
}

}  // namespace

TORCH_LIBRARY_IMPL(within, CPU, m) {
    m.impl("exact_lstm", &exact_lstm_cpu);
    m.impl("exact_lstm_forward", &exact_lstm_forward_cpu);
    m.impl("exact_lstm_backward", &exact_lstm_backward_cpu);
}

}  // namespace within
