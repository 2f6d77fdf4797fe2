// Formats of tensors, as kernels know them.
#pragma once

#include <ATen/ATen.h>

#include "core/dtype.h"

namespace within {

inline bool has_dtype(at::ScalarType type) {
    return type == at::kDouble || type == at::kFloat || type == at::kHalf || type == at::kBFloat16;
}

// Of a type that has one.
inline Dtype dtype_of(at::ScalarType type) {
    switch (type) {
        case at::kDouble:
            return Dtype::float64;
        case at::kFloat:
            return Dtype::float32;
        case at::kHalf:
            return Dtype::float16;
        default:
            return Dtype::bfloat16;
    }
}

// What numbers of a type are added up in.
inline at::ScalarType wider_of(at::ScalarType type) { return type == at::kDouble ? at::kDouble : at::kFloat; }

}  // namespace within
