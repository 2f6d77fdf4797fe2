// Attention on a GPU.
#include "core/torch.h"

#include "core/cuda.h"
#include "exact/attention_checks.h"
#include "exact/attention_launch.h"

namespace within {
namespace {

HeadBatch batch_of(const at::Tensor& of) {
    return {of.const_data_ptr(), of.stride(0), of.stride(1), of.stride(2), of.stride(3)};
}

HeadBatch shared_batch_of(const at::Tensor& of) {
    return {of.const_data_ptr(), shared_step(of, 0), shared_step(of, 1), shared_step(of, 2), shared_step(of, 3)};
}

AttentionCall call_of(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                      const std::optional<at::Tensor>& mask, const AttentionOptions& options) {
    AttentionCall call{};
    call.common = attention_of(query, key, value, mask, options);
    call.query = batch_of(query);
    call.key = batch_of(key);
    call.value = batch_of(value);
    if (mask) call.mask = shared_batch_of(*mask);
    call.batch = query.size(0);
    call.heads = query.size(1);
    call.shared = heads_of_a_key(query, key);
    return call;
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> exact_attention_cuda(const at::Tensor& query, const at::Tensor& key,
                                                                    const at::Tensor& value,
                                                                    const std::optional<at::Tensor>& mask,
                                                                    bool is_causal, std::optional<double> scale,
                                                                    double dropout_p, int64_t seed, int64_t offset) {
    const AttentionOptions options{is_causal, scale, dropout_p, seed, offset};
    check_attention(query, key, value, mask, options);
    const c10::cuda::CUDAGuard guard(query.device());
    const AttentionResult result(query, value);
    const AttentionCall call = call_of(query, key, value, mask, options);
    with_element(call.common.dtype, [&](auto element) {
        using Element = decltype(element);
        using T = Wider<Element>;
        launch_attention<Element, T>(call, batch_of(result.out), out_of<T>(result.highest),
                                     out_of<T>(result.reciprocal), c10::cuda::getCurrentCUDAStream());
    });
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    return {result.out, result.highest, result.reciprocal};
}

std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor> exact_attention_backward_cuda(
    const at::Tensor& gradient, const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
    const std::optional<at::Tensor>& mask, const at::Tensor& out, const at::Tensor& highest,
    const at::Tensor& reciprocal, bool is_causal, std::optional<double> scale, double dropout_p, int64_t seed,
    int64_t offset, bool is_mask_wanted) {
    const AttentionOptions options{is_causal, scale, dropout_p, seed, offset};
    check_attention(query, key, value, mask, options);
    check_attention_backward(gradient, query, value, mask, out, highest, reciprocal, is_mask_wanted);
    const c10::cuda::CUDAGuard guard(query.device());
    const at::Tensor of_query = at::empty_like(query), of_key = at::empty_like(key), of_value = at::empty_like(value);
    const at::Tensor tops = highest.contiguous(), shares = reciprocal.contiguous(), delta = at::empty_like(tops);
    const AttentionCall call = call_of(query, key, value, mask, options);
    const AttentionSaved saved{batch_of(gradient), batch_of(out), tops.const_data_ptr(), shares.const_data_ptr(),
                               nullptr};
    AttentionGradients gradients{batch_of(of_query), batch_of(of_key), batch_of(of_value), nullptr, {}};
    at::Tensor of_mask;
    if (is_mask_wanted) {
        of_mask = at::empty(mask->sizes(), highest.options());
        gradients.mask = of_mask.mutable_data_ptr();
        for (int i = 0; i < 4; ++i) gradients.mask_sizes[i] = mask->size(i);
    }
    with_element(call.common.dtype, [&](auto element) {
        using Element = decltype(element);
        using T = Wider<Element>;
        launch_attention_backward<Element, T>(call, saved, gradients, out_of<T>(delta),
                                              c10::cuda::getCurrentCUDAStream());
    });
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    return {of_query, of_key, of_value, finish_mask_gradient(of_mask, mask, query)};
}

}  // namespace

TORCH_LIBRARY_IMPL(within, CUDA, m) {
    m.impl("exact_attention", &exact_attention_cuda);
    m.impl("exact_attention_backward", &exact_attention_backward_cuda);
}

}  // namespace within
