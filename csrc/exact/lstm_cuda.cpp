// LSTM layers on a GPU: products of whole sequences by the kernels of matrix products, then a launch a moment.
#include "core/torch.h"

#include "core/cuda.h"
#include "exact/lstm_checks.h"
#include "exact/lstm_launch.h"
#include "exact/matmul_launch.h"
#include "exact/sum_rows_checks.h"
#include "exact/sum_rows_launch.h"

namespace within {
namespace {

// One product of two matrices of any strides.
at::Tensor product(const at::Tensor& a, const at::Tensor& b, const at::Tensor& bias = {}) {
    at::Tensor result = at::empty({a.size(0), b.size(1)}, a.options().memory_format(at::MemoryFormat::Contiguous));
    if (result.numel() == 0) return result;
    auto run = [&](auto number) {
        using T = decltype(number);
        launch_matmul<T, T>({a.const_data_ptr(), 0, a.stride(0), a.stride(1)},
                            {b.const_data_ptr(), 0, b.stride(0), b.stride(1)}, data_of<T>(bias), 1, a.size(0),
                            a.size(1), b.size(1), out_of<T>(result), c10::cuda::getCurrentCUDAStream());
    };
    a.scalar_type() == at::kDouble ? run(double{}) : run(float{});
    return result;
}

LstmResult run_forward(const LstmLayer& layer, bool keeps) {
    const LstmShape& shape = layer.shape;
    const int64_t hidden = shape.hidden;
    const LstmResult result(layer, keeps);
    if (shape.batch == 0) return result;
    const at::Tensor lengths =
        shape.lengths == nullptr ? at::Tensor() : layer.lengths.to(layer.input.device(), /*non_blocking=*/false);
    const at::Tensor rows = layer.input.contiguous().flatten(0, 1);
    for (int64_t direction = 0; direction < layer.directions; ++direction) {
        const at::Tensor bias = layer.has_bias ? layer.weight(direction, 2) + layer.weight(direction, 3) : at::Tensor();
        const at::Tensor of_x = product(rows, layer.weight(direction, 0).t(), bias);
        const at::Tensor w_hh = layer.weight(direction, 1).t().contiguous();
        const at::Tensor out = result.output.narrow(2, direction * hidden, hidden);
        auto run = [&](auto number) {
            using T = decltype(number);
            LstmDevice<T> device{};
            device.shape = layer.shape_of(direction);
            device.shape.lengths = data_of<int64_t>(lengths);
            const int64_t gates = kLstmGates * hidden;
            device.of_x = data_of<T>(of_x);
            device.of_x_moment = layer.is_batch_first ? gates : shape.batch * gates;
            device.of_x_row = layer.is_batch_first ? shape.moments * gates : gates;
            device.w_hh = data_of<T>(w_hh);
            device.h0 = data_of<T>(layer.h0[direction]);
            device.c0 = data_of<T>(layer.c0[direction]);
            device.out = out_of<T>(out);
            device.out_moment = out.stride(layer.is_batch_first ? 1 : 0);
            device.out_row = out.stride(layer.is_batch_first ? 0 : 1);
            device.h = out_of<T>(result.h[direction]);
            device.c = out_of<T>(result.c[direction]);
            device.kept = keeps ? out_of<T>(result.kept[direction]) : nullptr;
            launch_lstm_forward(device, c10::cuda::getCurrentCUDAStream());
        };
        shape.is_double ? run(double{}) : run(float{});
        C10_CUDA_KERNEL_LAUNCH_CHECK();
    }
    return result;
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> exact_lstm_cuda(const at::Tensor& input, const at::Tensor& h0,
                                                               const at::Tensor& c0, at::TensorList weights,
                                                               const std::optional<at::Tensor>& lengths,
                                                               bool batch_first) {
    const c10::cuda::CUDAGuard guard(input.device());
    return run_forward(check_lstm(input, h0, c0, weights, lengths, batch_first), false).stored(input.scalar_type());
}

std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor, at::Tensor> exact_lstm_forward_cuda(
    const at::Tensor& input, const at::Tensor& h0, const at::Tensor& c0, at::TensorList weights,
    const std::optional<at::Tensor>& lengths, bool batch_first) {
    const c10::cuda::CUDAGuard guard(input.device());
    return run_forward(check_lstm(input, h0, c0, weights, lengths, batch_first), true)
        .stored_and_kept(input.scalar_type());
}

// [moments, batch, features], whichever of a tensor's dimensions comes first.
at::Tensor by_moment(const LstmLayer& layer, const at::Tensor& sequence) {
    return layer.is_batch_first ? sequence.transpose(0, 1) : sequence;
}

// The h before each moment and row, [moments, batch, hidden]; beyond a length it is of no matter.
at::Tensor h_before(const LstmLayer& layer, const at::Tensor& out, int64_t direction, const at::Tensor& lengths) {
    const int64_t moments = layer.shape.moments;
    const at::Tensor first = layer.h0[direction].unsqueeze(0);
    if (direction == 0) return at::cat({first, out.narrow(0, 0, moments - 1)});
    const at::Tensor after = at::cat({out.narrow(0, 1, moments - 1), first});
    if (!lengths.defined()) return after;
    const at::Tensor last = at::arange(1, moments + 1, lengths.options()).unsqueeze(1) == lengths;
    return at::where(last.unsqueeze(2), first, after);
}

std::vector<at::Tensor> exact_lstm_backward_cuda(const at::Tensor& grad_output, const at::Tensor& grad_h,
                                                 const at::Tensor& grad_c, const at::Tensor& input,
                                                 const at::Tensor& h0, const at::Tensor& c0, at::TensorList weights,
                                                 const std::optional<at::Tensor>& given_lengths, bool batch_first,
                                                 const at::Tensor& output, const at::Tensor& kept, bool wants_input) {
    const c10::cuda::CUDAGuard guard(input.device());
    const LstmLayer layer = check_lstm(input, h0, c0, weights, given_lengths, batch_first);
    const LstmGradients given = check_lstm_gradients(layer, grad_output, grad_h, grad_c, output, kept, input);
    const LstmShape& shape = layer.shape;
    const int64_t hidden = shape.hidden, gates = kLstmGates * hidden, step = layer.directions * gates;
    std::vector<at::Tensor> result = {wants_input ? layer.empty_sequence(shape.inputs).zero_() : layer.empty({0}),
                                      at::zeros_like(layer.h0), given.c.clone()};
    if (shape.batch == 0) {
        for (const at::Tensor& weight : layer.weights) result.push_back(at::zeros_like(weight));
        for (at::Tensor& gradient : result) gradient = lstm_stored(gradient, input.scalar_type());
        return result;
    }
    // Rows within their lengths, by moment and then by row.
    at::Tensor lengths, place, rows;
    if (shape.lengths != nullptr) {
        lengths = layer.lengths.to(input.device());
        const at::Tensor is_within = (at::arange(shape.moments, lengths.options()).unsqueeze(1) < lengths).flatten();
        place = (is_within.cumsum(0) - 1).to(at::kInt);
        rows = is_within.nonzero().squeeze(1);
    }
    auto rows_of = [&](const at::Tensor& by_time) {
        const at::Tensor flat = by_time.reshape({shape.moments * shape.batch, by_time.size(2)});
        return rows.defined() ? flat.index_select(0, rows) : flat;
    };
    const int64_t count = rows.defined() ? rows.size(0) : shape.moments * shape.batch;
    const at::Tensor of_gates = layer.empty({count, step}), states = kept.contiguous();
    for (int64_t direction = 0; direction < layer.directions; ++direction) {
        const at::Tensor grad_out = given.output.narrow(2, direction * hidden, hidden);
        auto run = [&](auto number) {
            using T = decltype(number);
            LstmDeviceGradients<T> device{};
            device.shape = layer.shape_of(direction);
            device.shape.lengths = data_of<int64_t>(lengths);
            device.kept = data_of<T>(states[direction]);
            device.c0 = data_of<T>(layer.c0[direction]);
            device.grad_out = data_of<T>(grad_out);
            device.out_moment = grad_out.stride(layer.is_batch_first ? 1 : 0);
            device.out_row = grad_out.stride(layer.is_batch_first ? 0 : 1);
            device.grad_h = data_of<T>(given.h[direction]);
            device.w_hh = data_of<T>(layer.weight(direction, 1));
            device.place = data_of<int32_t>(place);
            device.grad_gates = out_of<T>(of_gates) + direction * gates;
            device.grad_step = step;
            device.grad_h0 = out_of<T>(result[1][direction]);
            device.grad_c = out_of<T>(result[2][direction]);
            launch_lstm_backward(device, c10::cuda::getCurrentCUDAStream());
        };
        shape.is_double ? run(double{}) : run(float{});
        C10_CUDA_KERNEL_LAUNCH_CHECK();
    }
    if (wants_input) {
        std::vector<at::Tensor> of_inputs;
        for (int64_t direction = 0; direction < layer.directions; ++direction)
            of_inputs.push_back(layer.weight(direction, 0));
        const at::Tensor own = product(of_gates, at::cat(of_inputs));
        const at::Tensor all =
            rows.defined() ? layer.empty({shape.moments * shape.batch, shape.inputs}).zero_().index_copy_(0, rows, own)
                           : own;
        by_moment(layer, result[0]).copy_(all.view({shape.moments, shape.batch, shape.inputs}));
    }
    const at::Tensor x = rows_of(by_moment(layer, layer.input));
    for (int64_t direction = 0; direction < layer.directions; ++direction) {
        const at::Tensor own = of_gates.narrow(1, direction * gates, gates);
        const at::Tensor out = by_moment(layer, output.narrow(2, direction * hidden, hidden));
        result.push_back(product(own.t(), x));
        result.push_back(product(own.t(), rows_of(h_before(layer, out, direction, lengths))));
        if (!layer.has_bias) continue;
        const int64_t blocks = sum_blocks_of(count);
        const at::Tensor of_bias = layer.empty({gates}), sums = layer.empty({blocks, gates});
        auto run = [&](auto number) {
            using T = decltype(number);
            launch_sum_rows<T, T>(data_of<T>(own), step, count, gates, blocks, out_of<T>(sums), out_of<T>(of_bias),
                                  c10::cuda::getCurrentCUDAStream());
        };
        shape.is_double ? run(double{}) : run(float{});
        C10_CUDA_KERNEL_LAUNCH_CHECK();
        result.push_back(of_bias);
        result.push_back(of_bias.clone());
    }
    for (at::Tensor& gradient : result) gradient = lstm_stored(gradient, input.scalar_type());
    return result;
}

}  // namespace

TORCH_LIBRARY_IMPL(within, CUDA, m) {
    m.impl("exact_lstm", &exact_lstm_cuda);
    m.impl("exact_lstm_forward", &exact_lstm_forward_cuda);
    m.impl("exact_lstm_backward", &exact_lstm_backward_cuda);
}

}  // namespace within
