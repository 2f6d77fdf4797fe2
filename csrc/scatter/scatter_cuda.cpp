// The scatter family on a GPU.
#include "core/torch.h"

#include <limits>

#include "core/cuda.h"
#include "scatter/checks.h"
#include "scatter/scatter_launch.h"

namespace within {
namespace {

int64_t columns_of(const at::Tensor& values) { return c10::multiply_integers(values.sizes().slice(1)); }

at::Tensor empty_groups(const at::Tensor& values, int64_t groups, at::ScalarType type) {
    auto sizes = values.sizes().vec();
    sizes[0] = groups;
    return at::empty(sizes, values.options().dtype(type));
}

void check_outside(int64_t row, const at::Tensor& index, int64_t groups) {
    if (row >= 0) refuse_group(row, index[row].item<int64_t>(), groups);
}

template <typename T, Work work, typename Out>
at::Tensor reduce_typed(const at::Tensor& values, const at::Tensor& index, int64_t groups, bool is_std, int64_t ddof) {
    constexpr bool kIsDouble = std::is_same_v<T, double>;
    const Dtype dtype = dtype_of(values.scalar_type());
    const auto stream = c10::cuda::getCurrentCUDAStream();
    const at::Tensor rows_of = values.contiguous(), groups_of = index.contiguous();
    DeviceSums sums{};
    sums.rows = values.size(0);
    sums.columns = columns_of(values);
    sums.groups = groups;
    sums.term_bits = term_bits_for(sums.rows);
    TORCH_CHECK_VALUE(sums.rows < int64_t{1} << 30, "scatter: values has ", sums.rows,
                      " rows, expected fewer than 2^30 on a GPU");
    const int64_t cells = groups * sums.columns;
    const auto options = index.options();
    at::Tensor exponents = at::empty({sums.columns}, options.dtype(at::kInt));
    at::Tensor words = at::zeros({cells * counted_words_of(dtype, work)}, options);
    at::Tensor misfits = at::empty({values.numel() * (work == Work::moments ? 2 : 1)}, options);
    at::Tensor found = at::zeros({2}, options);
    found[1].fill_(-1);
    sums.exponents = out_of<int>(exponents);
    sums.words = out_of<unsigned long long>(words);
    sums.misfits = out_of<unsigned long long>(misfits);
    sums.found = out_of<unsigned long long>(found);
    launch_add_rows<T, work>(sums, data_of<T>(rows_of), data_of<int64_t>(groups_of), dtype, stream);
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    const at::Tensor on_host = found.cpu();
    check_outside(on_host[1].item<int64_t>(), groups_of, groups);
    const int64_t count = on_host[0].item<int64_t>();
    at::Tensor slots, cells_of, limbs[2], specials[2], distinct;
    if (count > 0) {
        cells_of = at::empty({count}, options);
        launch_misfit_cells(sums, data_of<int64_t>(groups_of), count, out_of<int64_t>(cells_of), stream);
        distinct = std::get<0>(at::_unique2(cells_of, /*sorted=*/true)).contiguous();
        sums.slot_count = distinct.numel();
        slots = at::full({cells}, -1, options.dtype(at::kInt));
        sums.slots = out_of<int>(slots);
        for (int which = 0; which < (work == Work::moments ? 2 : 1); ++which) {
            limbs[which] = at::zeros({(reach_of(kIsDouble, which == 1).count + 1) * sums.slot_count}, options);
            specials[which] = at::zeros({sums.slot_count}, options.dtype(at::kInt));
            sums.limbs[which] = out_of<unsigned long long>(limbs[which]);
            sums.specials[which] = out_of<int>(specials[which]);
        }
        launch_add_misfits(sums, data_of<T>(rows_of), data_of<int64_t>(cells_of), count, data_of<int64_t>(distinct),
                           stream);
        C10_CUDA_KERNEL_LAUNCH_CHECK();
    }
    const auto written = std::is_same_v<Out, double> ? at::kDouble : values.scalar_type();
    const Format format = written == at::kDouble  ? kFloat64
                          : written == at::kFloat ? kFloat32
                          : written == at::kHalf  ? kFloat16
                                                  : kBFloat16;
    at::Tensor result = empty_groups(values, groups, written);
    launch_finish<T, work>(sums, static_cast<double>(ddof), is_std, format, out_of<Out>(result), stream);
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    return result;
}

template <Work work>
at::Tensor reduce(const at::Tensor& values, const at::Tensor& index, int64_t groups, bool is_std, int64_t ddof) {
    check_scatter(values, index, groups);
    const c10::cuda::CUDAGuard guard(values.device());
    if (values.numel() == 0 || groups == 0) {
        check_groups(index, groups);
        return empty_groups(values, groups, values.scalar_type())
            .fill_(work == Work::sum ? 0.0 : std::numeric_limits<double>::quiet_NaN());
    }
    switch (values.scalar_type()) {
        case at::kDouble:
            if constexpr (work == Work::moments) {
                TORCH_CHECK_VALUE(false, "scatter: values is float64, expected float32 or narrower");
            } else {
                return reduce_typed<double, work, double>(values, index, groups, is_std, ddof);
            }
        case at::kFloat:
            return reduce_typed<float, work, float>(values, index, groups, is_std, ddof);
        case at::kHalf:
            return reduce_typed<Float16, work, Float16>(values, index, groups, is_std, ddof);
        default:
            return reduce_typed<BFloat16, work, BFloat16>(values, index, groups, is_std, ddof);
    }
}

at::Tensor scatter_sum_cuda(const at::Tensor& values, const at::Tensor& index, int64_t dim_size) {
    return reduce<Work::sum>(values, index, dim_size, false, 0);
}

at::Tensor scatter_mean_cuda(const at::Tensor& values, const at::Tensor& index, int64_t dim_size) {
    return reduce<Work::mean>(values, index, dim_size, false, 0);
}

at::Tensor scatter_moments_cuda(const at::Tensor& values, const at::Tensor& index, int64_t dim_size, int64_t ddof,
                                bool is_std) {
    return reduce<Work::moments>(values, index, dim_size, is_std, ddof);
}

at::Tensor scatter_extreme_cuda(const at::Tensor& values, const at::Tensor& index, int64_t dim_size, bool is_max) {
    check_scatter(values, index, dim_size);
    const c10::cuda::CUDAGuard guard(values.device());
    at::Tensor result = empty_groups(values, dim_size, values.scalar_type());
    if (result.numel() == 0 || values.numel() == 0) {
        check_groups(index, dim_size);
        return result.fill_(std::numeric_limits<double>::quiet_NaN());
    }
    const at::Tensor rows = values.contiguous(), groups = index.contiguous();
    at::Tensor outside = at::full({1}, -1, index.options());
    with_element(dtype_of(values.scalar_type()), [&](auto element) {
        using T = decltype(element);
        using Key = KeyOf<T>;
        at::Tensor keys = at::full({result.numel()}, std::numeric_limits<Key>::min(),
                                   index.options().dtype(sizeof(Key) == 8 ? at::kLong : at::kInt));
        launch_extremes<T>(data_of<T>(rows), data_of<int64_t>(groups), rows.size(0), columns_of(rows), dim_size, is_max,
                           out_of<Key>(keys), out_of<unsigned long long>(outside), out_of<T>(result),
                           c10::cuda::getCurrentCUDAStream());
        C10_CUDA_KERNEL_LAUNCH_CHECK();
    });
    check_outside(outside.item<int64_t>(), groups, dim_size);
    return result;
}

at::Tensor scatter_count_cuda(const at::Tensor& index, int64_t dim_size) {
    check_index(index, dim_size);
    const c10::cuda::CUDAGuard guard(index.device());
    at::Tensor result = at::zeros({dim_size}, index.options());
    if (index.numel() == 0) return result;
    const at::Tensor groups = index.contiguous();
    at::Tensor outside = at::full({1}, -1, index.options());
    launch_count(data_of<int64_t>(groups), groups.numel(), dim_size, out_of<unsigned long long>(result),
                 out_of<unsigned long long>(outside), c10::cuda::getCurrentCUDAStream());
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    check_outside(outside.item<int64_t>(), groups, dim_size);
    return result;
}

struct Exponentials {
    at::Tensor tops;
    at::Tensor powers;
    at::Tensor sums;
};

template <typename T>
Exponentials exponentials(const at::Tensor& rows, const at::Tensor& groups, int64_t dim_size) {
    Exponentials result;
    result.tops = scatter_extreme_cuda(rows, groups, dim_size, /*is_max=*/true);
    result.powers = at::empty(rows.sizes(), rows.options().dtype(wider_of(rows.scalar_type())));
    launch_exponentials<T>(data_of<T>(rows), data_of<int64_t>(groups), rows.numel(), columns_of(rows),
                           data_of<T>(result.tops), out_of<Wider<T>>(result.powers), c10::cuda::getCurrentCUDAStream());
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    result.sums = reduce_typed<Wider<T>, Work::sum, double>(result.powers, groups, dim_size, false, 0);
    return result;
}

at::Tensor scatter_softmax_cuda(const at::Tensor& values, const at::Tensor& index, int64_t dim_size) {
    check_scatter(values, index, dim_size);
    const c10::cuda::CUDAGuard guard(values.device());
    const at::Tensor rows = values.contiguous(), groups = index.contiguous();
    at::Tensor result = at::empty(rows.sizes(), rows.options());
    if (result.numel() == 0) {
        check_groups(index, dim_size);
        return result;
    }
    with_element(dtype_of(values.scalar_type()), [&](auto element) {
        using T = decltype(element);
        const Exponentials parts = exponentials<T>(rows, groups, dim_size);
        launch_shares<T>(data_of<Wider<T>>(parts.powers), data_of<int64_t>(groups), rows.numel(), columns_of(rows),
                         data_of<double>(parts.sums), out_of<T>(result), c10::cuda::getCurrentCUDAStream());
        C10_CUDA_KERNEL_LAUNCH_CHECK();
    });
    return result;
}

at::Tensor scatter_logsumexp_cuda(const at::Tensor& values, const at::Tensor& index, int64_t dim_size) {
    check_scatter(values, index, dim_size);
    const c10::cuda::CUDAGuard guard(values.device());
    at::Tensor result = empty_groups(values, dim_size, values.scalar_type());
    if (result.numel() == 0 || values.numel() == 0) {
        check_groups(index, dim_size);
        return result.fill_(-std::numeric_limits<double>::infinity());
    }
    const at::Tensor rows = values.contiguous(), groups = index.contiguous();
    const at::Tensor counts = scatter_count_cuda(groups, dim_size);
    with_element(dtype_of(values.scalar_type()), [&](auto element) {
        using T = decltype(element);
        const Exponentials parts = exponentials<T>(rows, groups, dim_size);
        launch_log_of_sums<T>(data_of<T>(parts.tops), data_of<double>(parts.sums), data_of<int64_t>(counts),
                              result.numel(), columns_of(rows), out_of<T>(result), c10::cuda::getCurrentCUDAStream());
        C10_CUDA_KERNEL_LAUNCH_CHECK();
    });
    return result;
}

at::Tensor gather_cuda(const at::Tensor& table, const at::Tensor& index) {
    check_gather(table, index);
    if (index.numel() > 0) {
        const at::Tensor is_outside = (index < 0).logical_or_(index >= table.size(0));
        if (is_outside.any().item<bool>()) {
            const int64_t at = is_outside.nonzero()[0].item<int64_t>();
            refuse_row(at, index[at].item<int64_t>(), table.size(0));
        }
    }
    return table.index_select(0, index);
}

}  // namespace

TORCH_LIBRARY_IMPL(within, CUDA, m) {
    m.impl("scatter_sum", &scatter_sum_cuda);
    m.impl("scatter_mean", &scatter_mean_cuda);
    m.impl("scatter_moments", &scatter_moments_cuda);
    m.impl("scatter_extreme", &scatter_extreme_cuda);
    m.impl("scatter_count", &scatter_count_cuda);
    m.impl("scatter_softmax", &scatter_softmax_cuda);
    m.impl("scatter_logsumexp", &scatter_logsumexp_cuda);
    m.impl("gather", &gather_cuda);
}

}  // namespace within
