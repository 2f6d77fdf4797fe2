// Nodes of the graph of gradients whose members are what they need: to make and run one takes some microseconds less
// than torch::autograd::Function, with its map of names and lists of variables, which small operators feel.
#pragma once

#include <torch/csrc/autograd/functions/basic_ops.h>
#include <torch/csrc/autograd/functions/utils.h>
#include <torch/csrc/autograd/saved_variable.h>

#include "core/gradients.h"

namespace within {

// A node that gives the gradients of inputs, of which one is wanted; its result's history is to be set to it.
template <typename Made, typename... Tensors>
c10::intrusive_ptr<Made> node_of(const char* name, const Tensors&... inputs) {
    TORCH_CHECK_NOT_IMPLEMENTED(!(inputs._fw_grad(0).defined() || ...), name,
                                ": forward-mode derivatives are not given");
    auto node = c10::make_intrusive<Made>();
    node->set_next_edges(torch::autograd::collect_next_edges(inputs...));
    return node;
}

// The result of a gradient's operator, which has no gradient itself: one is refused once it is asked for.
template <typename... Tensors>
at::Tensor once_differentiable(const char* name, at::Tensor result, const Tensors&... inputs) {
    if (!wants_gradient(inputs...)) return result;
    torch::autograd::set_history(result, c10::make_intrusive<torch::autograd::NotImplemented>(
                                             name, torch::autograd::collect_next_edges(inputs...)));
    return result;
}

}  // namespace within
