// What the tensors of an LSTM layer must be.
#pragma once

#include <ATen/ATen.h>

#include <optional>
#include <tuple>
#include <vector>

#include "core/tensors.h"
#include "exact/lstm.h"

namespace within {

// A layer of one direction or two, in the format that it is computed in.
struct LstmLayer {
    at::Tensor input;  // numbers of a moment and row side by side
    at::Tensor h0, c0;
    std::vector<at::Tensor> weights;
    at::Tensor lengths;  // int64 of the CPU, or undefined
    bool is_batch_first;
    bool has_bias;
    int64_t directions;
    LstmShape shape;

    const at::Tensor& weight(int64_t direction, int which) const {
        return weights[direction * (has_bias ? 4 : 2) + which];
    }
    at::Tensor empty(at::IntArrayRef sizes) const { return at::empty(sizes, input.options()); }
    // [batch, moments, features] or [moments, batch, features].
    at::Tensor empty_sequence(int64_t features) const {
        return is_batch_first ? empty({shape.batch, shape.moments, features})
                              : empty({shape.moments, shape.batch, features});
    }
    LstmShape shape_of(int64_t direction) const {
        LstmShape of = shape;
        of.is_reverse = direction == 1;
        return of;
    }
    Sequence sequence(const at::Tensor& tensor, int64_t offset = 0) const {
        return {static_cast<char*>(const_cast<void*>(tensor.const_data_ptr())) + offset * tensor.element_size(),
                tensor.stride(is_batch_first ? 1 : 0), tensor.stride(is_batch_first ? 0 : 1)};
    }
};

// Of which the last dimension lies side by side.
inline at::Tensor lstm_in_order(const at::Tensor& tensor) {
    return tensor.stride(-1) == 1 ? tensor : tensor.contiguous();
}

inline LstmLayer check_lstm(const at::Tensor& input, const at::Tensor& h0, const at::Tensor& c0, at::TensorList weights,
                            const std::optional<at::Tensor>& lengths, bool is_batch_first) {
    const auto dtype = input.scalar_type();
    TORCH_CHECK_VALUE(has_dtype(dtype), "exact_lstm: input is ", dtype,
                      ", expected float32, float64, float16 or bfloat16");
    TORCH_CHECK_VALUE(input.dim() == 3, "exact_lstm: input has shape ", input.sizes(), ", expected ",
                      is_batch_first ? "[batch, moments, inputs]" : "[moments, batch, inputs]");
    LstmLayer layer;
    layer.is_batch_first = is_batch_first;
    const int64_t moments = input.size(is_batch_first ? 1 : 0), batch = input.size(is_batch_first ? 0 : 1);
    const int64_t inputs = input.size(2);
    TORCH_CHECK_VALUE(moments > 0, "exact_lstm: input has shape ", input.sizes(), ", expected one moment or more");
    TORCH_CHECK_VALUE(h0.dim() == 3 && (h0.size(0) == 1 || h0.size(0) == 2) && h0.size(1) == batch && h0.size(2) > 0,
                      "exact_lstm: h0 has shape ", h0.sizes(), ", expected [1 or 2 directions, ", batch, ", hidden]");
    TORCH_CHECK_VALUE(c0.sizes() == h0.sizes(), "exact_lstm: c0 has shape ", c0.sizes(), ", expected ", h0.sizes(),
                      " as h0");
    const int64_t directions = h0.size(0), hidden = h0.size(2), count = weights.size();
    TORCH_CHECK_VALUE(count == 2 * directions || count == 4 * directions, "exact_lstm: weights are ", count,
                      " tensors, expected ", 2 * directions, " without biases or ", 4 * directions, " with them");
    layer.directions = directions;
    layer.has_bias = count == 4 * directions;
    auto want_like_input = [&](const at::Tensor& other, const auto&... name) {
        TORCH_CHECK_VALUE(other.scalar_type() == dtype, "exact_lstm: ", name..., " is ", other.scalar_type(),
                          ", expected ", dtype, " as input");
        TORCH_CHECK_VALUE(other.device() == input.device(), "exact_lstm: ", name..., " is on ", other.device(),
                          ", expected ", input.device(), " where input is");
    };
    want_like_input(h0, "h0");
    want_like_input(c0, "c0");
    for (int64_t i = 0; i < count; ++i) {
        const int64_t which = i % (layer.has_bias ? 4 : 2);
        const std::vector<int64_t> wanted = which == 0   ? std::vector<int64_t>{4 * hidden, inputs}
                                            : which == 1 ? std::vector<int64_t>{4 * hidden, hidden}
                                                         : std::vector<int64_t>{4 * hidden};
        TORCH_CHECK_VALUE(weights[i].sizes() == wanted, "exact_lstm: weights[", i, "] has shape ", weights[i].sizes(),
                          ", expected ", at::IntArrayRef(wanted));
        want_like_input(weights[i], "weights[", i, "]");
    }
    if (lengths) {
        TORCH_CHECK_VALUE(lengths->scalar_type() == at::kLong, "exact_lstm: lengths is ", lengths->scalar_type(),
                          ", expected int64");
        TORCH_CHECK_VALUE(lengths->dim() == 1 && lengths->size(0) == batch, "exact_lstm: lengths has shape ",
                          lengths->sizes(), ", expected [", batch, "]");
        layer.lengths = lengths->cpu().contiguous();
        const int64_t* const of = layer.lengths.const_data_ptr<int64_t>();
        for (int64_t row = 0; row < batch; ++row)
            TORCH_CHECK_VALUE(of[row] >= 1 && of[row] <= moments, "exact_lstm: lengths[", row, "] is ", of[row],
                              ", expected 1 to ", moments);
    }
    const auto wide = wider_of(dtype);
    layer.input = lstm_in_order(input.to(wide));
    layer.h0 = h0.to(wide).contiguous();
    layer.c0 = c0.to(wide).contiguous();
    for (const at::Tensor& weight : weights) layer.weights.push_back(weight.to(wide).contiguous());
    layer.shape = {wide == at::kDouble,
                   false,
                   moments,
                   batch,
                   inputs,
                   hidden,
                   lengths ? layer.lengths.const_data_ptr<int64_t>() : nullptr};
    return layer;
}

// In the format that is stored; a NaN is the one.
inline at::Tensor lstm_stored(const at::Tensor& wide, at::ScalarType dtype) {
    if (wide.scalar_type() == dtype) return wide;
    return wide.to(dtype).masked_fill_(wide.isnan(), std::numeric_limits<double>::quiet_NaN());
}

// What a layer gives: what it writes, zero beyond a row's end; `kept` for its backward pass, or without numbers.
struct LstmResult {
    at::Tensor output, h, c, kept;

    LstmResult(const LstmLayer& layer, bool keeps)
        : output(layer.empty_sequence(layer.directions * layer.shape.hidden)),
          h(at::empty_like(layer.h0)),
          c(at::empty_like(layer.h0)),
          kept(layer.empty(
              {layer.directions, layer.shape.moments, layer.shape.batch, kLstmKept, keeps ? layer.shape.hidden : 0})) {
        if (layer.shape.lengths == nullptr) return;
        output.zero_();
        kept.zero_();
    }

    std::tuple<at::Tensor, at::Tensor, at::Tensor> stored(at::ScalarType dtype) const {
        return {lstm_stored(output, dtype), lstm_stored(h, dtype), lstm_stored(c, dtype)};
    }
    // With what the backward pass reads: `kept`, and the output where what is stored is narrower.
    std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor, at::Tensor> stored_and_kept(at::ScalarType dtype) const {
        const at::Tensor wide = output.scalar_type() == dtype ? at::empty({0}, output.options()) : output;
        return {lstm_stored(output, dtype), lstm_stored(h, dtype), lstm_stored(c, dtype), kept, wide};
    }
};

// Tensors of the backward pass beside those of the forward one.
struct LstmGradients {
    at::Tensor output, h, c;
};

inline LstmGradients check_lstm_gradients(const LstmLayer& layer, const at::Tensor& grad_output,
                                          const at::Tensor& grad_h, const at::Tensor& grad_c, const at::Tensor& output,
                                          const at::Tensor& kept, const at::Tensor& input) {
    const LstmShape& shape = layer.shape;
    const int64_t features = layer.directions * shape.hidden;
    const std::vector<int64_t> sequence = layer.is_batch_first
                                              ? std::vector<int64_t>{shape.batch, shape.moments, features}
                                              : std::vector<int64_t>{shape.moments, shape.batch, features};
    const std::vector<int64_t> of_kept = {layer.directions, shape.moments, shape.batch, kLstmKept, shape.hidden};
    auto want = [&](const char* name, const at::Tensor& tensor, at::IntArrayRef sizes, at::ScalarType dtype) {
        TORCH_CHECK_VALUE(tensor.sizes() == sizes, "exact_lstm_backward: ", name, " has shape ", tensor.sizes(),
                          ", expected ", sizes);
        TORCH_CHECK_VALUE(tensor.scalar_type() == dtype && tensor.device() == input.device(),
                          "exact_lstm_backward: ", name, " is ", tensor.scalar_type(), " on ", tensor.device(),
                          ", expected ", dtype, " on ", input.device());
    };
    const auto stored = input.scalar_type(), wide = wider_of(stored);
    want("grad_output", grad_output, sequence, stored);
    want("grad_h", grad_h, layer.h0.sizes(), stored);
    want("grad_c", grad_c, layer.h0.sizes(), stored);
    want("output", output, sequence, wide);
    want("kept", kept, of_kept, wide);
    return {lstm_in_order(grad_output.to(wide)), grad_h.to(wide).contiguous(), grad_c.to(wide).contiguous()};
}

}  // namespace within
