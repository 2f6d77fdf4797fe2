// Resamples of a bootstrap on the CPU, each by one thread.
#include "core/torch.h"

#include <algorithm>
#include <vector>

#include "core/dispatch.h"
#include "metrics/resample.h"
#include "metrics/resample_checks.h"

namespace within {

using CountDraws = void(const ResampleCounts&);
using WeighRows = void(const ResampleRows&);
WITHIN_KERNEL(CountDraws, resample_counts)
WITHIN_KERNEL(WeighRows, resample_rows)

namespace {

at::Tensor resample_weights_cpu(const at::Tensor& units, const std::optional<at::Tensor>& weights, int64_t size,
                                int64_t key, int64_t first, int64_t count) {
    check_resample(units, weights, size, first, count);
    const at::Tensor of = units.contiguous();
    const int64_t rows = of.size(0);
    const int64_t* const unit = of.const_data_ptr<int64_t>();
    for (int64_t i = 0; i < rows; ++i)
        if (unit[i] < 0 || unit[i] >= size) refuse_unit(i, unit[i], size);
    const at::Tensor own = weights.has_value() ? weights->contiguous() : at::Tensor();
    at::Tensor result = at::empty({count, rows}, units.options().dtype(at::kDouble));
    const double* const weight = own.defined() ? own.const_data_ptr<double>() : nullptr;
    double* const out = result.mutable_data_ptr<double>();
    at::parallel_for(0, count, 1, [&](int64_t begin, int64_t end) {
        std::vector<int32_t> counts(size);
        for (int64_t r = begin; r < end; ++r) {
            std::fill(counts.begin(), counts.end(), 0);
            resample_counts_kernel()({static_cast<uint64_t>(key), first + r, size, counts.data()});
            resample_rows_kernel()({unit, weight, counts.data(), rows, out + r * rows});
        }
    });
    return result;
}

}  // namespace

TORCH_LIBRARY_IMPL(within, CPU, m) { m.impl("resample_weights", &resample_weights_cpu); }

}  // namespace within
