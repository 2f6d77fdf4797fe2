// Exact scatter sums on the CPU: rows are ordered by group, then each (group, column) is one sum of its own.
#include <ATen/ATen.h>
#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>
#include <torch/library.h>

#include <vector>

#include "scatter/scatter.h"
#include "scatter/types.h"

namespace within {
namespace {

// Where the rows of each group start in `rows`, and the rows ordered by group (a counting sort).
struct Groups {
    std::vector<int64_t> start;
    std::vector<int64_t> rows;
};

Groups order_by_group(const int64_t* index, int64_t count, int64_t groups) {
    Groups ordered{std::vector<int64_t>(groups + 1, 0), std::vector<int64_t>(count)};
    for (int64_t i = 0; i < count; ++i) {
        TORCH_CHECK_INDEX(index[i] >= 0 && index[i] < groups, "scatter: index[", i, "] is ", index[i],
                          ", expected 0 to dim_size - 1 = ", groups - 1);
        ++ordered.start[index[i] + 1];
    }
    for (int64_t g = 0; g < groups; ++g) ordered.start[g + 1] += ordered.start[g];
    std::vector<int64_t> next(ordered.start.begin(), ordered.start.end() - 1);
    for (int64_t i = 0; i < count; ++i) ordered.rows[next[index[i]]++] = i;
    return ordered;
}

}  // namespace

at::Tensor scatter_sum_cpu(const at::Tensor& values, const at::Tensor& index, int64_t dim_size) {
    check_scatter(values, index, dim_size);
    auto sizes = values.sizes().vec();
    sizes[0] = dim_size;
    at::Tensor result = at::zeros(sizes, values.options());
    const int64_t columns = values.numel() == 0 ? 0 : values.numel() / values.size(0);
    if (columns == 0) return result;
    const at::Tensor rows_of = values.contiguous();
    const at::Tensor index_of = index.contiguous();
    const Groups groups = order_by_group(index_of.const_data_ptr<int64_t>(), index.numel(), dim_size);
    const int64_t sums = dim_size * columns;
    AT_DISPATCH_FLOATING_TYPES_AND2(at::kHalf, at::kBFloat16, values.scalar_type(), "scatter_sum", [&] {
        const scalar_t* data = rows_of.const_data_ptr<scalar_t>();
        scalar_t* out = result.mutable_data_ptr<scalar_t>();
        at::parallel_for(0, sums, 64, [&](int64_t begin, int64_t end) {
            ExactSum sum;
            for (int64_t at = begin; at < end; ++at) {
                const int64_t group = at / columns, column = at % columns;
                if (groups.start[group] == groups.start[group + 1]) continue;
                sum.clear();
                for (int64_t i = groups.start[group]; i < groups.start[group + 1]; ++i)
                    sum.add(static_cast<double>(data[groups.rows[i] * columns + column]));
                out[at] = static_cast<scalar_t>(sum.finish(FormatOf<scalar_t>::value));
            }
        });
    });
    return result;
}

TORCH_LIBRARY_IMPL(within, CPU, m) { m.impl("scatter_sum", &scatter_sum_cpu); }

}  // namespace within
