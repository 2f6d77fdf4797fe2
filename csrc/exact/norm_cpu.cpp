// Layer, RMS and group normalisation on the CPU.
#include "core/torch.h"

#include <cstring>

#include "core/kept_memory.h"
#include "exact/batch_norm.h"
#include "exact/norm_checks.h"
#include "exact/shared_kernels.h"
#include "exact/sum.h"

namespace within {

using RunNorm = void(const NormTask&);
using RunNormBackward = void(const NormBackward&);
using AddChains = void(const ChainsTask&);
WITHIN_KERNEL(RunNorm, norm_forward)
WITHIN_KERNEL(RunNormBackward, norm_backward)
WITHIN_KERNEL(AddChains, norm_add_chains)

namespace {

constexpr int64_t kNormNumbersOfThread = 1 << 13;
constexpr int64_t kShortRow = 128;  // numbers
using Three = std::tuple<at::Tensor, at::Tensor, at::Tensor>;

const void* at_byte(const at::Tensor& of, int64_t byte) {
    return of.defined() ? static_cast<const char*>(of.const_data_ptr()) + byte : nullptr;
}

int64_t rows_of_thread(int64_t n) { return std::max<int64_t>(1, kNormNumbersOfThread / n); }

Three exact_norm_cpu(const at::Tensor& x, int64_t dims, const std::optional<at::Tensor>& weight,
                     const std::optional<at::Tensor>& bias, double eps, bool is_centred) {
    const auto [rows, n] = check_norm(x, dims, weight, bias);
    const auto summed = wider_of(x.scalar_type());
    const at::Tensor given = x.contiguous(), of_weight = wide(weight, summed), of_bias = wide(bias, summed);
    const auto shape = x.sizes().slice(0, x.dim() - dims);
    at::Tensor out = at::empty(given.sizes(), given.options());
    at::Tensor mean =
        is_centred ? at::empty(shape, x.options().dtype(summed)) : at::empty({0}, x.options().dtype(summed));
    at::Tensor scale = at::empty(shape, x.options().dtype(summed));
    if (n == 0) return {out, mean.fill_(NAN), scale.fill_(NAN)};
    if (rows == 0) return {out, mean, scale};
    const NormTask task{dtype_of(x.scalar_type()),
                        is_centred,
                        given.const_data_ptr(),
                        data_or_null(of_weight),
                        data_or_null(of_bias),
                        n,
                        0,
                        0,
                        1,
                        eps,
                        out.mutable_data_ptr(),
                        mean.mutable_data_ptr(),
                        scale.mutable_data_ptr()};
    at::parallel_for(0, rows, rows_of_thread(n), [&](int64_t begin, int64_t end) {
        NormTask own = task;
        own.first = begin;
        own.count = end - begin;
        norm_forward_kernel()(own);
    });
    return {out, mean, scale};
}

// Gradients of rows in units of one chain each, 32 of every 1024 rows; of short rows all chains of these are in the
// first cache, and rows are taken one after the other.
void share_chains(const NormBackward& task, int64_t rows, at::Tensor* of_weight, at::Tensor* of_bias) {
    const bool is_double = task.dtype == Dtype::float64;
    const int64_t size = is_double ? 8 : 4, n = task.n;
    const int64_t pitch = (n + kChainPadding - 1) / kChainPadding * kChainPadding;
    const int64_t units = (rows + kSumBlock - 1) / kSumBlock * kSumLanes;
    const KeptMemory memory(2 * units * pitch * size);
    char *const weights = memory.as<char>(), *const biases = weights + units * pitch * size;
    auto add_chains = [&] {
        at::parallel_for(0, n, std::max<int64_t>(64, kNormNumbersOfThread / units), [&](int64_t begin, int64_t end) {
            norm_add_chains_kernel()({is_double, weights, rows, pitch, begin, end, of_weight->mutable_data_ptr()});
            norm_add_chains_kernel()({is_double, biases, rows, pitch, begin, end, of_bias->mutable_data_ptr()});
        });
    };
    const int64_t blocks = units / kSumLanes;
    if (n <= kShortRow && blocks >= at::get_num_threads()) {
        at::parallel_for(0, blocks, 1, [&](int64_t begin, int64_t end) {
            for (int64_t block = begin; block < end; ++block) {
                const int64_t chains = kSumLanes * pitch * size;
                NormBackward own = task;
                own.first = block * kSumBlock;
                own.count = std::min(kSumBlock, rows - own.first);
                own.weight_chain = weights + block * chains;
                own.bias_chain = biases + block * chains;
                own.pitch = pitch;
                std::memset(own.weight_chain, 0, chains);
                std::memset(own.bias_chain, 0, chains);
                norm_backward_kernel()(own);
            }
        });
        return add_chains();
    }
    const int64_t of_unit = n * std::min<int64_t>(rows, kSumBlock) / kSumLanes + 1;
    at::parallel_for(0, units, std::max<int64_t>(1, kNormNumbersOfThread / of_unit), [&](int64_t begin, int64_t end) {
        for (int64_t unit = begin; unit < end; ++unit) {
            NormBackward own = task;
            const int64_t block = unit / kSumLanes * kSumBlock, last = std::min(rows, block + kSumBlock);
            own.first = block + unit % kSumLanes;
            own.step = kSumLanes;
            own.count = own.first < last ? (last - own.first + kSumLanes - 1) / kSumLanes : 0;
            own.weight_chain = weights + unit * pitch * size;
            own.bias_chain = biases + unit * pitch * size;
            std::memset(own.weight_chain, 0, pitch * size);
            std::memset(own.bias_chain, 0, pitch * size);
            norm_backward_kernel()(own);
        }
    });
    add_chains();
}

Three exact_norm_backward_cpu(const at::Tensor& gradient, const at::Tensor& x, int64_t dims,
                              const std::optional<at::Tensor>& weight, const at::Tensor& mean, const at::Tensor& scale,
                              bool is_centred, bool of_x, bool of_weights) {
    const auto [rows, n] = check_norm_backward(gradient, x, dims, weight, mean, scale, is_centred);
    const auto summed = wider_of(x.scalar_type());
    const auto options = x.options().dtype(summed);
    const at::Tensor given = x.contiguous(), g = gradient.contiguous(), of_weight = wide(weight, summed);
    const at::Tensor means = mean.contiguous(), scales = scale.contiguous();
    at::Tensor out = of_x ? at::empty(given.sizes(), given.options()) : at::empty({0}, given.options());
    const auto shape = x.sizes().slice(x.dim() - dims);
    at::Tensor to_weight = of_weights ? at::zeros(shape, options) : at::empty({0}, options);
    at::Tensor to_bias = of_weights ? at::zeros(shape, options) : at::empty({0}, options);
    if (rows == 0 || n == 0) return {out, to_weight, to_bias};
    const NormBackward task{dtype_of(x.scalar_type()),
                            is_centred,
                            g.const_data_ptr(),
                            given.const_data_ptr(),
                            data_or_null(of_weight),
                            is_centred ? means.const_data_ptr() : nullptr,
                            scales.const_data_ptr(),
                            n,
                            0,
                            0,
                            1,
                            of_x ? out.mutable_data_ptr() : nullptr,
                            nullptr,
                            nullptr,
                            0};
    if (of_weights) {
        share_chains(task, rows, &to_weight, &to_bias);
    } else if (of_x) {
        at::parallel_for(0, rows, rows_of_thread(n), [&](int64_t begin, int64_t end) {
            NormBackward own = task;
            own.first = begin;
            own.count = end - begin;
            norm_backward_kernel()(own);
        });
    }
    return {out, to_weight, to_bias};
}

Three exact_group_norm_cpu(const at::Tensor& x, int64_t groups, const std::optional<at::Tensor>& weight,
                           const std::optional<at::Tensor>& bias, double eps) {
    const GroupShape shape = check_group_norm(x, groups, weight, bias);
    const auto summed = wider_of(x.scalar_type());
    const at::Tensor given = x.contiguous(), of_weight = of_each_number(weight, shape, summed);
    const at::Tensor of_bias = of_each_number(bias, shape, summed);
    at::Tensor out = at::empty(given.sizes(), given.options());
    at::Tensor mean = at::empty({shape.samples, groups}, x.options().dtype(summed)), scale = at::empty_like(mean);
    const int64_t n = shape.n();
    if (n == 0) return {out, mean.fill_(NAN), scale.fill_(NAN)};
    const int64_t bytes = n * (summed == at::kDouble ? 8 : 4);
    at::parallel_for(0, shape.rows(), rows_of_thread(n), [&](int64_t begin, int64_t end) {
        for (int64_t row = begin; row < end; ++row) {
            const int64_t group = row % groups;
            norm_forward_kernel()({dtype_of(x.scalar_type()), true, given.const_data_ptr(),
                                   at_byte(of_weight, group * bytes), at_byte(of_bias, group * bytes), n, row, 1, 1,
                                   eps, out.mutable_data_ptr(), mean.mutable_data_ptr(), scale.mutable_data_ptr()});
        }
    });
    return {out, mean, scale};
}

Three exact_group_norm_backward_cpu(const at::Tensor& gradient, const at::Tensor& x, int64_t groups,
                                    const std::optional<at::Tensor>& weight, const at::Tensor& mean,
                                    const at::Tensor& scale, bool of_x, bool of_weights) {
    const GroupShape shape = check_group_norm_backward(gradient, x, groups, weight, mean, scale);
    const auto summed = wider_of(x.scalar_type());
    const auto options = x.options().dtype(summed);
    const at::Tensor given = x.contiguous(), g = gradient.contiguous();
    const at::Tensor of_weight = of_each_number(weight, shape, summed);
    const at::Tensor means = mean.contiguous(), scales = scale.contiguous();
    at::Tensor out = of_x ? at::empty(given.sizes(), given.options()) : at::empty({0}, given.options());
    at::Tensor to_weight = at::zeros({of_weights ? shape.channels : 0}, options), to_bias = at::zeros_like(to_weight);
    if (given.numel() == 0) return {out, to_weight, to_bias};
    const Dtype dtype = dtype_of(x.scalar_type());
    const int64_t n = shape.n(), bytes = n * (summed == at::kDouble ? 8 : 4);
    if (of_x) {
        at::parallel_for(0, shape.rows(), rows_of_thread(n), [&](int64_t begin, int64_t end) {
            for (int64_t row = begin; row < end; ++row)
                norm_backward_kernel()({dtype, true, g.const_data_ptr(), given.const_data_ptr(),
                                        at_byte(of_weight, row % groups * bytes), means.const_data_ptr(),
                                        scales.const_data_ptr(), n, row, 1, 1, out.mutable_data_ptr(), nullptr, nullptr,
                                        0});
        });
    }
    if (of_weights) {
        const int64_t grain = rows_of_thread(shape.samples * shape.length);
        at::parallel_for(0, shape.channels, grain, [&](int64_t begin, int64_t end) {
            pair_rows_kernel()({dtype, given.const_data_ptr(), g.const_data_ptr(), shape.of_channels(), begin, end,
                                means.const_data_ptr(), scales.const_data_ptr(), groups, shape.channels / groups,
                                to_weight.mutable_data_ptr(), to_bias.mutable_data_ptr()});
        });
    }
    return {out, to_weight, to_bias};
}

}  // namespace

TORCH_LIBRARY_IMPL(within, CPU, m) {
    m.impl("exact_norm", &exact_norm_cpu);
    m.impl("exact_norm_backward", &exact_norm_backward_cpu);
    m.impl("exact_group_norm", &exact_group_norm_cpu);
    m.impl("exact_group_norm_backward", &exact_group_norm_backward_cpu);
}

}  // namespace within
