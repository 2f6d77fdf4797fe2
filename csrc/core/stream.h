// What launches are ordered by: CUDA's cudaStream_t, named without its headers.
#pragma once

struct CUstream_st;

namespace within {

using Stream = CUstream_st*;

}  // namespace within
