// The schemas of losses; reduction is 0 none, 1 mean, 2 sum, 3 mean by the weights.
#include "core/torch.h"

namespace within {

TORCH_LIBRARY_FRAGMENT(within, m) {
    m.def(
        "exact_pointwise_loss(Tensor input, Tensor target, Tensor? factor, Tensor? weight, str loss, float parameter, "
        "int reduction) -> Tensor");
    m.def(
        "exact_pointwise_loss_backward(Tensor gradient, Tensor input, Tensor target, Tensor? factor, Tensor? weight, "
        "str loss, float parameter, int reduction) -> Tensor");
    m.def(
        "exact_class_loss(Tensor input, Tensor target, Tensor? weight, bool is_log, int reduction, int ignore_index, "
        "float label_smoothing) -> (Tensor loss, Tensor rows, Tensor divisor)");
    m.def(
        "exact_class_loss_backward(Tensor gradient, Tensor input, Tensor target, Tensor? weight, Tensor rows, "
        "Tensor divisor, bool is_log, int reduction, int ignore_index, float label_smoothing) -> Tensor");
    m.def(
        "exact_pairwise_loss(Tensor input, Tensor target, Tensor? group, int reduction) -> (Tensor loss, Tensor "
        "pairs)");
    m.def(
        "exact_pairwise_loss_backward(Tensor gradient, Tensor input, Tensor target, Tensor? group, Tensor pairs, int "
        "reduction) -> Tensor");
}

}  // namespace within
