// What sources with kernels of metrics do to tensors on a GPU.
#pragma once

#include <ATen/ATen.h>

#include <optional>
#include <tuple>

namespace within {

inline void check_groups(const char* who, const at::Tensor& groups, int64_t num_groups, const char* name = "groups") {
    const at::Tensor is_outside = (groups < 0).logical_or_(groups >= num_groups);
    if (groups.numel() == 0 || !is_outside.any().item<bool>()) return;
    const int64_t row = is_outside.nonzero()[0].item<int64_t>();
    TORCH_CHECK_INDEX(false, who, ": ", name, "[", row, "] is ", groups[row].item<int64_t>(),
                      ", expected 0 to num_groups - 1 = ", num_groups - 1);
}

// Rows slice by slice, and where slices start: the groups, if any, then the whole.
struct Slices {
    at::Tensor order;
    at::Tensor start;
};

// Each slice in the order of rows that is given.
inline Slices slices_of(const at::Tensor& order, const std::optional<at::Tensor>& groups, int64_t num_groups) {
    const int64_t rows = order.size(0);
    const auto options = order.options();
    if (!groups) return {order, at::tensor({int64_t{0}, rows}, options)};
    const at::Tensor of_order = groups->index_select(0, order);
    const auto [sorted, places] = of_order.sort(/*stable=*/true, 0, /*descending=*/false);
    const at::Tensor ends = at::searchsorted(sorted, at::arange(num_groups, options), /*out_int32=*/false,
                                             /*right=*/true);
    return {at::cat({order.index_select(0, places), order}),
            at::cat({at::zeros({1}, options), ends, at::full({1}, 2 * rows, options)})};
}

// The order of keys, equal ones as they were.
inline at::Tensor order_of(const at::Tensor& keys) {
    return std::get<1>(keys.sort(/*stable=*/true, 0, /*descending=*/false));
}

}  // namespace within
