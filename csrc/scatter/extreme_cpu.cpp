// Minima, maxima, counts, softmax and rows by group on the CPU.
#include "core/torch.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "core/dispatch.h"
#include "core/large_pages.h"
#include "scatter/checks.h"
#include "scatter/extremes.h"
#include "scatter/rows.h"
#include "scatter/sums.h"

namespace within {

using ExtremesKernel = void(const Extremes&);
using SoftmaxKernel = void(const Softmax&);
WITHIN_KERNEL(ExtremesKernel, scatter_extremes)
WITHIN_KERNEL(ExtremesKernel, scatter_store_extremes)
WITHIN_KERNEL(SoftmaxKernel, scatter_exponentials)
WITHIN_KERNEL(SoftmaxKernel, scatter_shares)

namespace {

constexpr int64_t kValuesOfShare = 1 << 14;

int64_t columns_of(const at::Tensor& values) { return c10::multiply_integers(values.sizes().slice(1)); }

at::Tensor scatter_extreme_cpu(const at::Tensor& values, const at::Tensor& index, int64_t dim_size, bool is_max) {
    check_scatter(values, index, dim_size);
    auto sizes = values.sizes().vec();
    sizes[0] = dim_size;
    at::Tensor result = at::empty(sizes, values.options());
    if (result.numel() == 0) {
        check_groups(index, dim_size);
        return result;
    }
    const at::Tensor rows = values.contiguous(), groups = index.contiguous();
    const int64_t count = rows.size(0), columns = columns_of(rows), cells = dim_size * columns;
    const int64_t most = std::max<int64_t>(1, std::min(count * columns / kValuesOfShare, 4 * count / dim_size));
    const int64_t shares = std::min<int64_t>(at::get_num_threads(), most);
    const auto key = values.scalar_type() == at::kDouble ? at::kLong : at::kInt;
    const int64_t lowest = key == at::kLong ? std::numeric_limits<int64_t>::min() : std::numeric_limits<int32_t>::min();
    at::Tensor keys = at::full({shares, cells}, lowest, at::TensorOptions().dtype(key));
    std::vector<int64_t> outside(shares, -1);
    Extremes task{};
    task.dtype = dtype_of(values.scalar_type());
    task.is_max = is_max;
    task.values = rows.const_data_ptr();
    task.index = groups.const_data_ptr<int64_t>();
    task.groups = dim_size;
    task.columns = columns;
    task.shares = shares;
    task.keys = keys.mutable_data_ptr();
    task.out = result.mutable_data_ptr();
    at::parallel_for(0, shares, 1, [&](int64_t first, int64_t last) {
        for (int64_t s = first; s < last; ++s) {
            Extremes mine = task;
            mine.begin = count * s / shares;
            mine.end = count * (s + 1) / shares;
            mine.keys = static_cast<char*>(task.keys) + s * cells * keys.element_size();
            mine.row_outside = &outside[s];
            scatter_extremes_kernel()(mine);
        }
    });
    for (const int64_t row : outside)
        if (row >= 0) refuse_group(row, task.index[row], dim_size);
    at::parallel_for(0, cells, kValuesOfShare, [&](int64_t begin, int64_t end) {
        Extremes mine = task;
        mine.begin = begin;
        mine.end = end;
        scatter_store_extremes_kernel()(mine);
    });
    return result;
}

at::Tensor scatter_count_cpu(const at::Tensor& index, int64_t dim_size) {
    check_index(index, dim_size);
    at::Tensor result = at::zeros({dim_size}, index.options());
    const at::Tensor groups = index.contiguous();
    const int64_t* const of = groups.const_data_ptr<int64_t>();
    int64_t* const counts = result.mutable_data_ptr<int64_t>();
    for (int64_t row = 0; row < groups.numel(); ++row) {
        if (of[row] < 0 || of[row] >= dim_size) refuse_group(row, of[row], dim_size);
        ++counts[of[row]];
    }
    return result;
}

struct Exponentials {
    at::Tensor tops;    // the largest value of each group
    at::Tensor powers;  // exp(value - top), as float32, or float64 of float64
    at::Tensor sums;    // of these, by group
};

// `powers` is where they are written.
Exponentials exponentials(const at::Tensor& rows, const at::Tensor& groups, int64_t dim_size, at::Tensor powers) {
    at::Tensor tops = scatter_extreme_cpu(rows, groups, dim_size, /*is_max=*/true);
    Softmax task{};
    task.dtype = dtype_of(rows.scalar_type());
    task.values = rows.const_data_ptr();
    task.index = groups.const_data_ptr<int64_t>();
    task.columns = columns_of(rows);
    task.tops = tops.const_data_ptr();
    task.exponentials = powers.mutable_data_ptr();
    const at::Tensor sums = sums_in_float64(powers, groups, dim_size, /*exponent=*/0, [&](int64_t begin, int64_t end) {
        Softmax mine = task;
        mine.begin = begin;
        mine.end = end;
        scatter_exponentials_kernel()(mine);
    });
    return {tops, powers, sums};
}

// Room for exponentials.
at::Tensor room_like(const at::Tensor& rows) {
    const auto wide = rows.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
    at::Tensor room = at::empty(rows.sizes(), rows.options().dtype(wide));
    prefer_large_pages(room.mutable_data_ptr(), room.nbytes());
    return room;
}

at::Tensor scatter_softmax_cpu(const at::Tensor& values, const at::Tensor& index, int64_t dim_size) {
    check_scatter(values, index, dim_size);
    const at::Tensor rows = values.contiguous(), groups = index.contiguous();
    if (rows.numel() == 0) {
        check_groups(index, dim_size);
        return at::empty(rows.sizes(), rows.options());
    }
    const auto [tops, powers, sums] = exponentials(rows, groups, dim_size, room_like(rows));
    // An exponential is read before its share is written: where both are as wide, they have one place.
    at::Tensor result = powers.scalar_type() == rows.scalar_type() ? powers : at::empty(rows.sizes(), rows.options());
    Softmax task{};
    task.dtype = dtype_of(rows.scalar_type());
    task.index = groups.const_data_ptr<int64_t>();
    task.columns = columns_of(rows);
    task.exponentials = powers.mutable_data_ptr();
    task.sums = sums.const_data_ptr<double>();
    task.out = result.mutable_data_ptr();
    const int64_t grain = std::max<int64_t>(1, kValuesOfShare / task.columns);
    at::parallel_for(0, rows.size(0), grain, [&](int64_t begin, int64_t end) {
        Softmax mine = task;
        mine.begin = begin;
        mine.end = end;
        scatter_shares_kernel()(mine);
    });
    return result;
}

at::Tensor scatter_logsumexp_cpu(const at::Tensor& values, const at::Tensor& index, int64_t dim_size) {
    check_scatter(values, index, dim_size);
    auto sizes = values.sizes().vec();
    sizes[0] = dim_size;
    at::Tensor result = at::empty(sizes, values.options());
    if (result.numel() == 0 || values.numel() == 0) {
        check_groups(index, dim_size);
        return result.fill_(-std::numeric_limits<double>::infinity());
    }
    const at::Tensor rows = values.contiguous();
    const auto [tops, powers, sums] = exponentials(rows, index.contiguous(), dim_size, room_like(rows));
    const at::Tensor counts = scatter_count_cpu(index, dim_size);
    const at::Tensor wide_tops = tops.to(at::kDouble);
    at::Tensor wide = at::empty(sizes, values.options().dtype(at::kDouble));
    const double *const top = wide_tops.const_data_ptr<double>(), *const sum = sums.const_data_ptr<double>();
    const int64_t* const count = counts.const_data_ptr<int64_t>();
    double* const out = wide.mutable_data_ptr<double>();
    const int64_t columns = columns_of(values);
    at::parallel_for(0, wide.numel(), kValuesOfShare / 8, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) out[i] = log_of_sum(top[i], sum[i], count[i / columns]);
    });
    return result.copy_(wide);
}

at::Tensor gather_cpu(const at::Tensor& table, const at::Tensor& index) {
    check_gather(table, index);
    const at::Tensor rows = index.contiguous();
    const int64_t* const of = rows.const_data_ptr<int64_t>();
    for (int64_t i = 0; i < rows.numel(); ++i)
        if (of[i] < 0 || of[i] >= table.size(0)) refuse_row(i, of[i], table.size(0));
    return table.index_select(0, rows);
}

}  // namespace

TORCH_LIBRARY_IMPL(within, CPU, m) {
    m.impl("scatter_extreme", &scatter_extreme_cpu);
    m.impl("scatter_count", &scatter_count_cpu);
    m.impl("scatter_softmax", &scatter_softmax_cpu);
    m.impl("scatter_logsumexp", &scatter_logsumexp_cpu);
    m.impl("gather", &gather_cpu);
}

}  // namespace within
