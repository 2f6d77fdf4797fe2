// What sources that run kernels on a GPU take of torch beside core/torch.h.
//
// Of a family, <stem>_cuda.cpp has the tensors: torch's headers take g++ a moment, precompiled, and nvcc a minute.
// <stem>_launch.h has what it launches kernels with, in plain C++; <stem>.cuh defines that, and <stem>_kernels.cu makes
// it of every type that is asked for.
#pragma once

#include <ATen/ATen.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

namespace within {

// Of a tensor that is none, no memory.
template <typename T>
const T* data_of(const at::Tensor& tensor) {
    return tensor.defined() ? static_cast<const T*>(tensor.const_data_ptr()) : nullptr;
}
template <typename T>
T* out_of(const at::Tensor& tensor) {
    return static_cast<T*>(tensor.mutable_data_ptr());
}

}  // namespace within
