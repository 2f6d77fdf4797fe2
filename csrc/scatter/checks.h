// What the tensors of a scatter must be.
#pragma once

#include <ATen/ATen.h>

#include "core/tensors.h"
#include "scatter/rows.h"

namespace within {

[[noreturn]] inline void refuse_group(int64_t row, int64_t group, int64_t groups) {
    TORCH_CHECK_INDEX(false, "scatter: index[", row, "] is ", group, ", expected 0 to dim_size - 1 = ", groups - 1);
    std::abort();
}

inline void check_groups(const at::Tensor& index, int64_t groups) {
    const at::Tensor on_cpu = index.to(at::kCPU).contiguous();
    const int64_t* of = on_cpu.const_data_ptr<int64_t>();
    for (int64_t i = 0; i < on_cpu.numel(); ++i)
        if (of[i] < 0 || of[i] >= groups) refuse_group(i, of[i], groups);
}

inline void check_index(const at::Tensor& index, int64_t dim_size) {
    TORCH_CHECK_VALUE(index.scalar_type() == at::kLong, "scatter: index is ", index.scalar_type(), ", expected int64");
    TORCH_CHECK_VALUE(index.dim() == 1, "scatter: index has shape ", index.sizes(), ", expected [N]");
    TORCH_CHECK_VALUE(dim_size >= 0, "scatter: dim_size is ", dim_size, ", expected 0 or more");
}

inline void check_scatter(const at::Tensor& values, const at::Tensor& index, int64_t dim_size) {
    const auto type = values.scalar_type();
    TORCH_CHECK_VALUE(has_dtype(type), "scatter: values is ", type, ", expected float64, float32, float16 or bfloat16");
    TORCH_CHECK_VALUE(values.dim() >= 1, "scatter: values has no dimension, expected [N, ...]");
    check_index(index, dim_size);
    TORCH_CHECK_VALUE(index.size(0) == values.size(0), "scatter: index has shape ", index.sizes(), ", expected [",
                      values.size(0), "] as values has ", values.size(0), " rows");
    TORCH_CHECK_VALUE(index.device() == values.device(), "scatter: index is on ", index.device(), ", expected ",
                      values.device(), " where values is");
}

[[noreturn]] inline void refuse_row(int64_t at, int64_t row, int64_t rows) {
    TORCH_CHECK_INDEX(false, "gather: index[", at, "] is ", row, ", expected 0 to ", rows - 1, ", the rows of table");
    std::abort();
}

inline void check_gather(const at::Tensor& table, const at::Tensor& index) {
    TORCH_CHECK_VALUE(table.dim() >= 1, "gather: table has no dimension, expected [N, ...]");
    TORCH_CHECK_VALUE(has_dtype(table.scalar_type()), "gather: table is ", table.scalar_type(),
                      ", expected float64, float32, float16 or bfloat16");
    TORCH_CHECK_VALUE(index.scalar_type() == at::kLong, "gather: index is ", index.scalar_type(), ", expected int64");
    TORCH_CHECK_VALUE(index.dim() == 1, "gather: index has shape ", index.sizes(), ", expected [M]");
    TORCH_CHECK_VALUE(index.device() == table.device(), "gather: index is on ", index.device(), ", expected ",
                      table.device(), " where table is");
}

}  // namespace within
