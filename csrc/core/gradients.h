// Whether an operator's gradient is wanted at all: where it is not, a graph's node is not made, which takes longer than
// a small operator.
#pragma once

#include <ATen/ATen.h>

#include <optional>

namespace within {

inline bool wants_gradient(const at::Tensor& tensor) {
    return tensor.defined() && ((at::GradMode::is_enabled() && tensor.requires_grad()) || tensor._fw_grad(0).defined());
}
inline bool wants_gradient(const std::optional<at::Tensor>& tensor) { return tensor && wants_gradient(*tensor); }

template <typename... Tensors>
bool wants_gradient(const Tensors&... tensors) {
    return (wants_gradient(tensors) || ...);
}

}  // namespace within
