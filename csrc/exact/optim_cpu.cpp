// Steps of optimizers on the CPU: threads share the numbers of all parameters together.
#include "core/torch.h"

#include <algorithm>
#include <vector>

#include "core/dispatch.h"
#include "core/kept_memory.h"
#include "exact/optim_checks.h"
#include "exact/threads.h"

namespace within {

using AdamKernel = void(const StepTask&, const AdamRates&);
using SgdKernel = void(const StepTask&, const SgdRates&);
using NormKernel = void(const NormSumTask&);
using ClipKernel = void(const ClipTask&);
WITHIN_KERNEL(AdamKernel, adam_step)
WITHIN_KERNEL(SgdKernel, sgd_step)
WITHIN_KERNEL(NormKernel, norm_sums)
WITHIN_KERNEL(ClipKernel, clip_numbers)

namespace {

constexpr int64_t kOptimNumbersOfThread = 1 << 14;

// Calls work(i, begin, end) from several threads for parts of [0, counts[i]) of each i.
template <typename Work>
void share_out(const std::vector<int64_t>& counts, int64_t of_thread, const Work& work) {
    std::vector<int64_t> ends(counts.size());
    int64_t total = 0;
    for (size_t i = 0; i < counts.size(); ++i) ends[i] = total += counts[i];
    at::parallel_for(0, total, of_thread, [&](int64_t begin, int64_t end) {
        size_t i = std::upper_bound(ends.begin(), ends.end(), begin) - ends.begin();
        for (; begin < end; ++i) {
            const int64_t start = ends[i] - counts[i], last = std::min(end, ends[i]);
            if (begin < last) work(i, begin - start, last - start);
            begin = last;
        }
    });
}

std::vector<int64_t> sizes_of(at::TensorList tensors) {
    std::vector<int64_t> sizes;
    sizes.reserve(tensors.size());
    for (const at::Tensor& tensor : tensors) sizes.push_back(tensor.numel());
    return sizes;
}

void exact_adam_cpu(at::TensorList parameters, at::TensorList gradients, at::TensorList means, at::TensorList squares,
                    at::TensorList largest, at::TensorList steps, double lr, double beta1, double beta2, double eps,
                    double weight_decay, bool is_decoupled, bool maximize) {
    check_adam(parameters, gradients, means, squares, largest, steps);
    const at::AutoDispatchBelowADInplaceOrView below;
    const bool has_largest = !largest.empty();
    const AdamTensors tensors(parameters, gradients, means, squares, largest, steps);
    std::vector<StepTask> tasks;
    std::vector<AdamRates> rates;
    tasks.reserve(parameters.size());
    rates.reserve(parameters.size());
    for (size_t i = 0; i < parameters.size(); ++i) {
        tasks.push_back({dtype_of(parameters[i].scalar_type()), tensors.parameters[i].mutable_data_ptr(),
                         tensors.gradients[i].const_data_ptr(), tensors.means[i].mutable_data_ptr(),
                         tensors.squares[i].mutable_data_ptr(),
                         has_largest ? tensors.largest[i].mutable_data_ptr() : nullptr, 0, 0});
        rates.push_back(i > 0 && tensors.steps[i] == tensors.steps[i - 1]
                            ? rates.back()
                            : adam_rates(tensors.steps[i], lr, beta1, beta2, eps, weight_decay, is_decoupled, maximize,
                                         has_largest));
    }
    share_out(sizes_of(parameters), kOptimNumbersOfThread, [&](size_t i, int64_t begin, int64_t end) {
        StepTask part = tasks[i];
        part.begin = begin;
        part.end = end;
        adam_step_kernel()(part, rates[i]);
    });
    tensors.write_back(parameters, means, squares, largest);
    for (const at::TensorList& written : {parameters, means, squares, largest, steps}) mark_written(written);
}

void exact_sgd_cpu(at::TensorList parameters, at::TensorList gradients, at::TensorList momenta, double lr,
                   double momentum, double dampening, double weight_decay, bool nesterov, bool maximize,
                   bool is_first) {
    check_sgd(parameters, gradients, momenta, momentum);
    const at::AutoDispatchBelowADInplaceOrView below;
    const AlikeTensors own(parameters), own_gradients(gradients, &own), own_momenta(momenta, &own);
    const SgdRates rates = sgd_rates(lr, momentum, dampening, weight_decay, nesterov, maximize, is_first);
    share_out(sizes_of(parameters), kOptimNumbersOfThread, [&](size_t i, int64_t begin, int64_t end) {
        sgd_step_kernel()(
            {dtype_of(parameters[i].scalar_type()), own[i].mutable_data_ptr(), own_gradients[i].const_data_ptr(),
             momenta.empty() ? nullptr : own_momenta[i].mutable_data_ptr(), nullptr, nullptr, begin, end},
            rates);
    });
    own.write_back(parameters);
    own_momenta.write_back(momenta);
    mark_written(parameters);
    mark_written(momenta);
}

at::Tensor exact_total_norm_cpu(at::TensorList tensors, double norm_type) {
    const Norm norm = norm_named(norm_type);
    check_numbers("exact_total_norm", "tensors", tensors);
    std::vector<at::Tensor> own;
    std::vector<int64_t> blocks, starts;
    int64_t total = 0;
    for (const at::Tensor& tensor : tensors) {
        own.push_back(tensor.contiguous());
        starts.push_back(total);
        blocks.push_back(ceiling(tensor.numel(), kSumBlock));
        total += blocks.back();
    }
    const KeptMemory memory(total * sizeof(double));
    double* const sums = memory.as<double>();
    share_out(blocks, kOptimNumbersOfThread / kSumBlock, [&](size_t i, int64_t begin, int64_t end) {
        norm_sums_kernel()({norm, dtype_of(own[i].scalar_type()), own[i].const_data_ptr(), own[i].numel(), begin, end,
                            sums + starts[i]});
    });
    std::vector<double> of_tensors;
    uint64_t most = 0;
    for (size_t i = 0; i < own.size(); ++i) {
        BlockSums<double> of_blocks;
        for (int64_t block = 0; block < blocks[i]; ++block) {
            of_blocks.add(sums[starts[i] + block]);
            most = std::max(most, size_bits(sums[starts[i] + block]));
        }
        of_tensors.push_back(of_blocks.total());
    }
    const auto at = [&](int64_t i) { return of_tensors[i]; };
    const double sum = sum_of<Scalar64>(static_cast<int64_t>(of_tensors.size()), at, at);
    at::Tensor result =
        at::empty({}, own.empty() ? at::TensorOptions(at::kFloat) : own[0].options().dtype(norm_dtype(tensors)));
    const double value = norm == Norm::largest ? size_from(most) : norm == Norm::squares ? std::sqrt(sum) : sum;
    if (result.scalar_type() == at::kDouble) {
        write<Scalar64>(value, result.mutable_data_ptr<double>());
    } else {
        write<Scalar>(static_cast<float>(value), result.mutable_data_ptr<float>());
    }
    return result;
}

void clip_all(at::TensorList tensors, bool is_scaled, double factor) {
    const at::AutoDispatchBelowADInplaceOrView below;
    const AlikeTensors own(tensors);
    share_out(sizes_of(tensors), kOptimNumbersOfThread, [&](size_t i, int64_t begin, int64_t end) {
        clip_numbers_kernel()(
            {dtype_of(own[i].scalar_type()), own[i].mutable_data_ptr(), begin, end, is_scaled, factor});
    });
    own.write_back(tensors);
}

void exact_clip_norm_cpu(at::TensorList tensors, const at::Tensor& norm, double max_norm) {
    check_clip("exact_clip_norm_", tensors, "max_norm", max_norm);
    check_total_norm(norm, tensors);
    const double factor = norm.scalar_type() == at::kDouble ? clip_factor(norm.item<double>(), max_norm)
                                                            : clip_factor(norm.item<float>(), max_norm);
    if (factor != 1) clip_all(tensors, true, factor);
    mark_written(tensors);
}

void exact_clip_value_cpu(at::TensorList tensors, double limit) {
    check_clip("exact_clip_value_", tensors, "limit", limit);
    clip_all(tensors, false, limit);
    mark_written(tensors);
}

}  // namespace

TORCH_LIBRARY_IMPL(within, CPU, m) {
    m.impl("exact_adam_", &exact_adam_cpu);
    m.impl("exact_sgd_", &exact_sgd_cpu);
    m.impl("exact_total_norm", &exact_total_norm_cpu);
    m.impl("exact_clip_norm_", &exact_clip_norm_cpu);
    m.impl("exact_clip_value_", &exact_clip_value_cpu);
}

}  // namespace within
