// What the tensors of matrix products must be, and the products they make; messages name the arguments of the Python
// functions, whose schemas these are.
#pragma once

#include <ATen/ATen.h>

#include <optional>
#include <string_view>
#include <tuple>

#include "core/tensors.h"
#include "exact/elementwise.h"
#include "exact/matmul.h"

namespace within {

using OptionalTensor = std::optional<at::Tensor>;

inline void check_beside(const char* function, const char* name, const at::Tensor& other, const char* first_name,
                         const at::Tensor& first) {
    TORCH_CHECK_VALUE(other.scalar_type() == first.scalar_type(), function, ": ", name, " is ", other.scalar_type(),
                      ", expected ", first.scalar_type(), " as ", first_name);
    TORCH_CHECK_VALUE(other.device() == first.device(), function, ": ", name, " is on ", other.device(), ", expected ",
                      first.device(), " where ", first_name, " is");
}

inline void check_dtype(const char* function, const char* name, const at::Tensor& of) {
    TORCH_CHECK_VALUE(has_dtype(of.scalar_type()), function, ": ", name, " is ", of.scalar_type(),
                      ", expected float32, float64, float16 or bfloat16");
}

inline void check_bias(const char* function, const OptionalTensor& bias, int64_t columns, const char* first_name,
                       const at::Tensor& first) {
    if (!bias) return;
    TORCH_CHECK_VALUE(bias->dim() == 1 && bias->size(0) == columns, function, ": bias has shape ", bias->sizes(),
                      ", expected [", columns, "]");
    check_beside(function, "bias", *bias, first_name, first);
}

inline void check_bmm(const at::Tensor& a, const at::Tensor& b, const OptionalTensor& bias) {
    constexpr const char* kName = "exact.bmm";
    check_dtype(kName, "a", a);
    TORCH_CHECK_VALUE(a.dim() == 3, kName, ": a has shape ", a.sizes(), ", expected [batch, rows, depth]");
    TORCH_CHECK_VALUE(b.dim() == 3 && b.size(0) == a.size(0) && b.size(1) == a.size(2), kName, ": b has shape ",
                      b.sizes(), ", expected [", a.size(0), ", ", a.size(2), ", columns] beside a of ", a.sizes());
    check_beside(kName, "b", b, "a", a);
    check_bias(kName, bias, b.size(2), "a", a);
}

inline void check_mm(const at::Tensor& a, const at::Tensor& b, const OptionalTensor& bias) {
    constexpr const char* kName = "exact.mm";
    check_dtype(kName, "a", a);
    TORCH_CHECK_VALUE(a.dim() == 2, kName, ": a has shape ", a.sizes(), ", expected [rows, depth]");
    TORCH_CHECK_VALUE(b.dim() == 2 && b.size(0) == a.size(1), kName, ": b has shape ", b.sizes(), ", expected [",
                      a.size(1), ", columns] beside a of ", a.sizes());
    check_beside(kName, "b", b, "a", a);
    check_bias(kName, bias, b.size(1), "a", a);
}

inline void check_linear(const at::Tensor& input, const at::Tensor& weight, const OptionalTensor& bias) {
    constexpr const char* kName = "exact.linear";
    check_dtype(kName, "input", input);
    TORCH_CHECK_VALUE(weight.dim() == 2, kName, ": weight has shape ", weight.sizes(), ", expected [columns, depth]");
    TORCH_CHECK_VALUE(input.dim() > 0 && input.size(-1) == weight.size(1), kName, ": input has shape ", input.sizes(),
                      ", expected [..., ", weight.size(1), "] beside weight of ", weight.sizes());
    check_beside(kName, "weight", weight, "input", input);
    check_bias(kName, bias, weight.size(0), "input", input);
}

inline Unary activation_named(std::string_view name) {
    for (const Unary one : {Unary::relu, Unary::gelu, Unary::gelu_tanh, Unary::silu, Unary::tanh, Unary::sigmoid})
        if (name == kUnaryNames[static_cast<int>(one)]) return one;
    TORCH_CHECK_VALUE(false, "exact.linear: activation is ", name,
                      ", expected None, relu, gelu, gelu_tanh, silu, tanh or sigmoid");
}

// A product and the tensors whose memory it names.
struct TensorProduct {
    MatrixProduct product{};
    at::Tensor input, bias, out;
};

// `out` has the shape of the result; a and b are at least matrices.
inline TensorProduct product_of(const at::Tensor& a, const at::Tensor& b, const OptionalTensor& bias,
                                at::IntArrayRef shape) {
    TensorProduct made;
    made.out = at::empty(shape, a.options().memory_format(at::MemoryFormat::Contiguous));
    MatrixProduct& p = made.product;
    p.dtype = dtype_of(a.scalar_type());
    p.a = {a.const_data_ptr(), a.stride(-2), a.stride(-1)};
    p.b = {b.const_data_ptr(), b.stride(-2), b.stride(-1)};
    p.rows = a.size(-2);
    p.depth = a.size(-1);
    p.columns = b.size(-1);
    p.batch = a.dim() == 3 ? a.size(0) : 1;
    p.a_step = a.dim() == 3 ? a.stride(0) : 0;
    p.b_step = b.dim() == 3 ? b.stride(0) : 0;
    if (bias) {
        const at::ScalarType summed = wider_of(a.scalar_type());
        made.bias = bias->scalar_type() == summed && bias->is_contiguous() ? *bias : bias->to(summed).contiguous();
        p.bias = made.bias.const_data_ptr();
    }
    p.out = made.out.mutable_data_ptr();
    return made;
}

// Each leading dimension of the input is one of rows.
inline TensorProduct linear_of(const at::Tensor& input, const at::Tensor& weight, const OptionalTensor& bias) {
    check_linear(input, weight, bias);
    at::DimVector shape(input.sizes());
    shape.back() = weight.size(0);
    const int64_t depth = weight.size(1);
    const at::Tensor rows =
        input.dim() == 2 ? input
                         : input.reshape({c10::multiply_integers(input.sizes().slice(0, input.dim() - 1)), depth});
    TensorProduct made = product_of(rows, weight, bias, shape);
    made.input = rows;
    made.product.columns = weight.size(0);
    made.product.b = {weight.const_data_ptr(), weight.stride(1), weight.stride(0)};
    return made;
}

// The operators of a device on which run(MatrixProduct) makes products.
template <typename Run>
at::Tensor matmul_with(const Run& run, const at::Tensor& a, const at::Tensor& b, const OptionalTensor& bias) {
    check_bmm(a, b, bias);
    const TensorProduct made = product_of(a, b, bias, {a.size(0), a.size(1), b.size(2)});
    run(made.product);
    return made.out;
}

template <typename Run>
at::Tensor mm_with(const Run& run, const at::Tensor& a, const at::Tensor& b, const OptionalTensor& bias) {
    check_mm(a, b, bias);
    const TensorProduct made = product_of(a, b, bias, {a.size(0), b.size(1)});
    run(made.product);
    return made.out;
}

template <typename Run>
at::Tensor linear_with(const Run& run, const at::Tensor& input, const at::Tensor& weight, const OptionalTensor& bias) {
    const TensorProduct made = linear_of(input, weight, bias);
    run(made.product);
    return made.out;
}

// What the activation gives, and, where they are kept, the sums it was given.
template <typename Run>
std::tuple<at::Tensor, at::Tensor> activated_with(const Run& run, const at::Tensor& input, const at::Tensor& weight,
                                                  const OptionalTensor& bias, std::string_view activation,
                                                  bool keeps_sums) {
    const Unary chosen = activation_named(activation);
    TensorProduct made = linear_of(input, weight, bias);
    made.product.is_activated = true;
    made.product.activation = chosen;
    const at::Tensor before = keeps_sums ? at::empty_like(made.out) : at::Tensor();
    if (keeps_sums) made.product.before = before.mutable_data_ptr();
    run(made.product);
    return {made.out, before};
}

}  // namespace within
