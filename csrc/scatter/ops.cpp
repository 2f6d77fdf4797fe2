// The schemas of the scatter family.
#include "core/torch.h"

namespace within {

TORCH_LIBRARY_FRAGMENT(within, m) {
    m.def("scatter_sum(Tensor values, Tensor index, int dim_size) -> Tensor");
    m.def("scatter_mean(Tensor values, Tensor index, int dim_size) -> Tensor");
    m.def("scatter_moments(Tensor values, Tensor index, int dim_size, int ddof, bool is_std) -> Tensor");
    m.def("scatter_extreme(Tensor values, Tensor index, int dim_size, bool is_max) -> Tensor");
    m.def("scatter_count(Tensor index, int dim_size) -> Tensor");
    m.def("scatter_softmax(Tensor values, Tensor index, int dim_size) -> Tensor");
    m.def("scatter_logsumexp(Tensor values, Tensor index, int dim_size) -> Tensor");
    m.def("gather(Tensor table, Tensor index) -> Tensor");
}

}  // namespace within
