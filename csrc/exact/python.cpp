// The module within_wf._C: small operators take less time than a call through their schemas.
//
// A function gives NotImplemented where its arguments are not plain tensors or a mode looks at calls: then the operator
// of torch.ops is to be called.
#include "core/torch.h"

#include <ATen/PythonTorchFunctionTLS.h>
#include <torch/csrc/Exceptions.h>
#include <torch/csrc/autograd/python_variable.h>

#include <string>
#include <string_view>
#include <tuple>

#include "core/operators.h"

namespace {

using OptionalTensor = std::optional<at::Tensor>;
using Product = at::Tensor(const at::Tensor&, const at::Tensor&, const OptionalTensor&);

// Two tensors, and a third or None.
PyObject* product_of(const c10::TypedOperatorHandle<Product>& op, PyObject* const* given, Py_ssize_t count) {
    HANDLE_TH_ERRORS
    const bool has_third = count == 3 && given[2] != Py_None;
    if (count < 2 || count > 3 || !THPVariable_CheckExact(given[0]) || !THPVariable_CheckExact(given[1]) ||
        (has_third && !THPVariable_CheckExact(given[2])) || at::impl::torch_function_mode_enabled())
        Py_RETURN_NOTIMPLEMENTED;
    const at::Tensor &a = THPVariable_Unpack(given[0]), &b = THPVariable_Unpack(given[1]);
    const OptionalTensor third = has_third ? OptionalTensor(THPVariable_Unpack(given[2])) : std::nullopt;
    at::Tensor result;
    {
        const pybind11::gil_scoped_release without_lock;
        result = op.call(a, b, third);
    }
    return THPVariable_Wrap(std::move(result));
    END_HANDLE_TH_ERRORS
}

PyObject* bmm(PyObject*, PyObject* const* given, Py_ssize_t count) {
    static const auto op = within::operator_named<Product>("within::exact_matmul");
    return product_of(op, given, count);
}

PyObject* mm(PyObject*, PyObject* const* given, Py_ssize_t count) {
    static const auto op = within::operator_named<Product>("within::exact_mm");
    return product_of(op, given, count);
}

PyObject* linear(PyObject*, PyObject* const* given, Py_ssize_t count) {
    static const auto op = within::operator_named<Product>("within::exact_linear");
    return product_of(op, given, count);
}

bool is_plain(PyObject* of) { return THPVariable_CheckExact(of); }
bool is_plain_or_none(PyObject* of) { return of == Py_None || is_plain(of); }
OptionalTensor tensor_or_none(PyObject* of) {
    return of == Py_None ? std::nullopt : OptionalTensor(THPVariable_Unpack(of));
}
bool is_number(PyObject* of) { return PyFloat_CheckExact(of) || PyLong_CheckExact(of); }
double number(PyObject* of) {
    const double value = PyFloat_AsDouble(of);
    if (value == -1 && PyErr_Occurred()) throw python_error();
    return value;
}
int64_t whole_number(PyObject* of) {
    const int64_t value = PyLong_AsLongLong(of);
    if (value == -1 && PyErr_Occurred()) throw python_error();
    return value;
}
std::string_view text(PyObject* of) {
    Py_ssize_t length;
    const char* const letters = PyUnicode_AsUTF8AndSize(of, &length);
    if (letters == nullptr) throw python_error();
    return {letters, static_cast<size_t>(length)};
}

// x, the function's name, a and b.
PyObject* unary(PyObject*, PyObject* const* given, Py_ssize_t count) {
    HANDLE_TH_ERRORS
    static const auto op =
        within::operator_named<at::Tensor(const at::Tensor&, std::string_view, double, double)>("within::exact_unary");
    if (count != 4 || !is_plain(given[0]) || !PyUnicode_CheckExact(given[1]) || !is_number(given[2]) ||
        !is_number(given[3]) || at::impl::torch_function_mode_enabled())
        Py_RETURN_NOTIMPLEMENTED;
    const at::Tensor& x = THPVariable_Unpack(given[0]);
    const std::string_view function = text(given[1]);
    const double a = number(given[2]), b = number(given[3]);
    at::Tensor result;
    {
        const pybind11::gil_scoped_release without_lock;
        result = op.call(x, function, a, b);
    }
    return THPVariable_Wrap(std::move(result));
    END_HANDLE_TH_ERRORS
}

// Input, target, factor, weight, the loss's name, its parameter and the reduction.
PyObject* pointwise_loss(PyObject*, PyObject* const* given, Py_ssize_t count) {
    HANDLE_TH_ERRORS
    static const auto op =
        within::operator_named<at::Tensor(const at::Tensor&, const at::Tensor&, const OptionalTensor&,
                                          const OptionalTensor&, const std::string&, double, int64_t)>(
            "within::exact_pointwise_loss");
    if (count != 7 || !is_plain(given[0]) || !is_plain(given[1]) || !is_plain_or_none(given[2]) ||
        !is_plain_or_none(given[3]) || !PyUnicode_CheckExact(given[4]) || !is_number(given[5]) ||
        !PyLong_CheckExact(given[6]) || at::impl::torch_function_mode_enabled())
        Py_RETURN_NOTIMPLEMENTED;
    const at::Tensor &input = THPVariable_Unpack(given[0]), &target = THPVariable_Unpack(given[1]);
    const OptionalTensor factor = tensor_or_none(given[2]), weight = tensor_or_none(given[3]);
    const std::string loss(text(given[4]));
    const double parameter = number(given[5]);
    const int64_t reduction = whole_number(given[6]);
    at::Tensor result;
    {
        const pybind11::gil_scoped_release without_lock;
        result = op.call(input, target, factor, weight, loss, parameter, reduction);
    }
    return THPVariable_Wrap(std::move(result));
    END_HANDLE_TH_ERRORS
}

// Input, target, weight, whether the input is logarithms, the reduction, the ignored label and the smoothing: the loss.
PyObject* class_loss(PyObject*, PyObject* const* given, Py_ssize_t count) {
    HANDLE_TH_ERRORS
    using Results = std::tuple<at::Tensor, at::Tensor, at::Tensor>;
    static const auto op = within::operator_named<Results(const at::Tensor&, const at::Tensor&, const OptionalTensor&,
                                                          bool, int64_t, int64_t, double)>("within::exact_class_loss");
    if (count != 7 || !is_plain(given[0]) || !is_plain(given[1]) || !is_plain_or_none(given[2]) ||
        !PyBool_Check(given[3]) || !PyLong_CheckExact(given[4]) || !PyLong_CheckExact(given[5]) ||
        !is_number(given[6]) || at::impl::torch_function_mode_enabled())
        Py_RETURN_NOTIMPLEMENTED;
    const at::Tensor &input = THPVariable_Unpack(given[0]), &target = THPVariable_Unpack(given[1]);
    const OptionalTensor weight = tensor_or_none(given[2]);
    const int64_t reduction = whole_number(given[4]), ignore_index = whole_number(given[5]);
    const double label_smoothing = number(given[6]);
    at::Tensor loss;
    {
        const pybind11::gil_scoped_release without_lock;
        loss =
            std::get<0>(op.call(input, target, weight, given[3] == Py_True, reduction, ignore_index, label_smoothing));
    }
    return THPVariable_Wrap(std::move(loss));
    END_HANDLE_TH_ERRORS
}

PyCFunction as_function(PyObject* (*function)(PyObject*, PyObject* const*, Py_ssize_t)) {
    return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

PyMethodDef methods[] = {
    {"bmm", as_function(bmm), METH_FASTCALL, "Products of batches of matrices."},
    {"mm", as_function(mm), METH_FASTCALL, "A product of matrices."},
    {"linear", as_function(linear), METH_FASTCALL, "A layer."},
    {"unary", as_function(unary), METH_FASTCALL, "An elementwise function."},
    {"pointwise_loss", as_function(pointwise_loss), METH_FASTCALL, "A loss of elements and their targets."},
    {"class_loss", as_function(class_loss), METH_FASTCALL, "Cross entropy or negative log likelihood."},
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef module = {PyModuleDef_HEAD_INIT, "_C", "Operators called without their schemas.", -1, methods};

}  // namespace

extern "C" __attribute__((visibility("default"))) PyObject* PyInit__C() { return PyModule_Create(&module); }
