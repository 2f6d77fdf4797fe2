// The schemas of LSTM layers.
//
// exact_lstm is the layer; exact_lstm_forward gives too what its gradients are made of: gates and cells of each moment
// (kLstmKept) and, of 16-bit formats, the output before it was rounded. exact_lstm_backward gives the gradients of
// input, h0, c0 and the weights, in that order; that of input has no numbers where it is not wanted.
#include "core/torch.h"

namespace within {

TORCH_LIBRARY_FRAGMENT(within, m) {
    m.def(
        "exact_lstm(Tensor input, Tensor h0, Tensor c0, Tensor[] weights, Tensor? lengths, bool batch_first) -> "
        "(Tensor, Tensor, Tensor)");
    m.def(
        "exact_lstm_forward(Tensor input, Tensor h0, Tensor c0, Tensor[] weights, Tensor? lengths, bool batch_first) "
        "-> (Tensor, Tensor, Tensor, Tensor, Tensor)");
    m.def(
        "exact_lstm_backward(Tensor grad_output, Tensor grad_h, Tensor grad_c, Tensor input, Tensor h0, Tensor c0, "
        "Tensor[] weights, Tensor? lengths, bool batch_first, Tensor output, Tensor kept, bool wants_input) -> "
        "Tensor[]");
}

}  // namespace within
