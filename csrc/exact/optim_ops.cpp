// The schemas of optimizers.
#include "core/torch.h"

namespace within {

TORCH_LIBRARY_FRAGMENT(within, m) {
    m.def(
        "exact_adam_(Tensor(a!)[] parameters, Tensor[] gradients, Tensor(b!)[] means, Tensor(c!)[] squares, "
        "Tensor(d!)[] largest, Tensor(e!)[] steps, float lr, float beta1, float beta2, float eps, float weight_decay, "
        "bool is_decoupled, bool maximize) -> ()");
    m.def(
        "exact_sgd_(Tensor(a!)[] parameters, Tensor[] gradients, Tensor(b!)[] momenta, float lr, float momentum, float "
        "dampening, float weight_decay, bool nesterov, bool maximize, bool is_first) -> ()");
    m.def("exact_total_norm(Tensor[] tensors, float norm_type) -> Tensor");
    m.def("exact_clip_norm_(Tensor(a!)[] tensors, Tensor norm, float max_norm) -> ()");
    m.def("exact_clip_value_(Tensor(a!)[] tensors, float limit) -> ()");
}

}  // namespace within
