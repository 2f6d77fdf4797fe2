// Every operator of pooling, for a device: what it checks is written once.
#pragma once

#include <torch/library.h>

#include <tuple>

#include "exact/pooling_checks.h"

namespace within {

// Device has static forward(x, pool, kind, out, places) and backward(gradient, places, pool, kind, out), of contiguous
// tensors of which none is empty.
template <typename Device>
struct PoolOperators {
    using Ints = at::IntArrayRef;

    static at::Tensor room(const at::Tensor& x, const Pool& pool, at::ScalarType type) {
        return at::empty({x.size(0), x.size(1), pool.y.out, pool.x.out},
                         x.options().dtype(type).memory_format(at::MemoryFormat::Contiguous));
    }

    static std::tuple<at::Tensor, at::Tensor> largest(const at::Tensor& x, const Pool& pool) {
        at::Tensor out = room(x, pool, x.scalar_type()), places = room(x, pool, at::kLong);
        if (out.numel() > 0) Device::forward(x.contiguous(), pool, PoolKind::largest, out, &places);
        return {out, places};
    }
    static at::Tensor average(const at::Tensor& x, const Pool& pool) {
        at::Tensor out = room(x, pool, x.scalar_type());
        if (out.numel() > 0) Device::forward(x.contiguous(), pool, PoolKind::average, out, nullptr);
        return out;
    }
    static at::Tensor spread(const at::Tensor& gradient, const at::Tensor* places, Ints shape, const Pool& pool) {
        at::Tensor out = at::empty(shape, gradient.options().memory_format(at::MemoryFormat::Contiguous));
        if (out.numel() == 0) return out;
        const at::Tensor given = gradient.contiguous();
        const at::Tensor given_places = places == nullptr ? at::Tensor() : places->contiguous();
        Device::backward(given, places == nullptr ? nullptr : &given_places, pool,
                         places == nullptr ? PoolKind::average : PoolKind::largest, out);
        return out;
    }

    static std::tuple<at::Tensor, at::Tensor> max_pool(const at::Tensor& x, Ints kernel, Ints stride, Ints padding,
                                                       Ints dilation, bool ceil_mode) {
        constexpr const char* kOp = "exact_max_pool";
        check_images(kOp, "x", x);
        return largest(x, pool_of(kOp, x.sizes(), {kernel, stride, padding, dilation, ceil_mode}));
    }
    static at::Tensor max_pool_backward(const at::Tensor& gradient, const at::Tensor& places, Ints shape, Ints kernel,
                                        Ints stride, Ints padding, Ints dilation, bool ceil_mode) {
        constexpr const char* kOp = "exact_max_pool_backward";
        const Pool pool = pool_of(kOp, shape, {kernel, stride, padding, dilation, ceil_mode});
        check_pool_gradient(kOp, gradient, places, shape, pool);
        return spread(gradient, &places, shape, pool);
    }
    static at::Tensor average_pool(const at::Tensor& x, Ints kernel, Ints stride, Ints padding, bool ceil_mode,
                                   bool counts_padding, std::optional<int64_t> divisor) {
        constexpr const char* kOp = "exact_average_pool";
        check_images(kOp, "x", x);
        return average(x, average_pool_of(kOp, x.sizes(), kernel, stride, padding, ceil_mode, counts_padding, divisor));
    }
    static at::Tensor average_pool_backward(const at::Tensor& gradient, Ints shape, Ints kernel, Ints stride,
                                            Ints padding, bool ceil_mode, bool counts_padding,
                                            std::optional<int64_t> divisor) {
        constexpr const char* kOp = "exact_average_pool_backward";
        const Pool pool = average_pool_of(kOp, shape, kernel, stride, padding, ceil_mode, counts_padding, divisor);
        check_pool_gradient(kOp, gradient, std::nullopt, shape, pool);
        return spread(gradient, nullptr, shape, pool);
    }
    static std::tuple<at::Tensor, at::Tensor> adaptive_max_pool(const at::Tensor& x, Ints output) {
        constexpr const char* kOp = "exact_adaptive_max_pool";
        check_images(kOp, "x", x);
        return largest(x, adaptive_pool_of(kOp, x.sizes(), output));
    }
    static at::Tensor adaptive_max_pool_backward(const at::Tensor& gradient, const at::Tensor& places, Ints shape) {
        constexpr const char* kOp = "exact_adaptive_max_pool_backward";
        check_images(kOp, "gradient", gradient);
        const Pool pool = adaptive_pool_of(kOp, shape, gradient.sizes().slice(2));
        check_pool_gradient(kOp, gradient, places, shape, pool);
        return spread(gradient, &places, shape, pool);
    }
    static at::Tensor adaptive_average_pool(const at::Tensor& x, Ints output) {
        constexpr const char* kOp = "exact_adaptive_average_pool";
        check_images(kOp, "x", x);
        return average(x, adaptive_pool_of(kOp, x.sizes(), output));
    }
    static at::Tensor adaptive_average_pool_backward(const at::Tensor& gradient, Ints shape) {
        constexpr const char* kOp = "exact_adaptive_average_pool_backward";
        check_images(kOp, "gradient", gradient);
        const Pool pool = adaptive_pool_of(kOp, shape, gradient.sizes().slice(2));
        check_pool_gradient(kOp, gradient, std::nullopt, shape, pool);
        return spread(gradient, nullptr, shape, pool);
    }

    static void register_all(torch::Library& m) {
        m.impl("exact_max_pool", &max_pool);
        m.impl("exact_max_pool_backward", &max_pool_backward);
        m.impl("exact_average_pool", &average_pool);
        m.impl("exact_average_pool_backward", &average_pool_backward);
        m.impl("exact_adaptive_max_pool", &adaptive_max_pool);
        m.impl("exact_adaptive_max_pool_backward", &adaptive_max_pool_backward);
        m.impl("exact_adaptive_average_pool", &adaptive_average_pool);
        m.impl("exact_adaptive_average_pool_backward", &adaptive_average_pool_backward);
    }
};

}  // namespace within
