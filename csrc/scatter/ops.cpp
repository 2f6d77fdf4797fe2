// The schemas of the scatter family.
#include <torch/library.h>

#include <string>

namespace within {

std::string build_digest() { return WITHIN_BUILD_DIGEST; }

TORCH_LIBRARY(within, m) {
    m.def("scatter_sum(Tensor values, Tensor index, int dim_size) -> Tensor");
    m.def("build_digest() -> str", &build_digest);
}

}  // namespace within
