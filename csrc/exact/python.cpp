// The module within_wf._C: products of small matrices take less time than a call through an operator's schema.
//
// A function gives NotImplemented where its arguments are not plain tensors or a mode looks at calls: then the operator
// of torch.ops is to be called.
#include "core/torch.h"

#include <ATen/PythonTorchFunctionTLS.h>
#include <torch/csrc/Exceptions.h>
#include <torch/csrc/autograd/python_variable.h>

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

PyCFunction as_function(PyObject* (*function)(PyObject*, PyObject* const*, Py_ssize_t)) {
    return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

PyMethodDef methods[] = {
    {"bmm", as_function(bmm), METH_FASTCALL, "Products of batches of matrices."},
    {"mm", as_function(mm), METH_FASTCALL, "A product of matrices."},
    {"linear", as_function(linear), METH_FASTCALL, "A layer."},
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef module = {PyModuleDef_HEAD_INIT, "_C", "Operators called without their schemas.", -1, methods};

}  // namespace

extern "C" __attribute__((visibility("default"))) PyObject* PyInit__C() { return PyModule_Create(&module); }
