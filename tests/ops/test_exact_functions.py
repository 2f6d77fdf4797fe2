"""Every function of torch that the mode knows: the value, the gradient, and what its kernels are."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from tests.ops.exact_functions import calls
from within_wf.ops import exact
from within_wf.ops.exact.adapters import tensors_in
from within_wf.ops.exact.check import _Recorder
from within_wf.ops.exact.names import name_of


class Code(nn.Module):
    """A model whose forward pass is one function."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *args: Any) -> Any:
        return self.function(*args)


def results(model: nn.Module, tensors: tuple[torch.Tensor, ...]) -> list[torch.Tensor]:
    starts = [tensor.clone().requires_grad_() for tensor in tensors]
    outputs = list(tensors_in(model(*starts)))
    ends = [output for output in outputs if output.requires_grad]
    seeds = [torch.linspace(0.5, 1.5, end.numel()).reshape(end.shape).to(end.dtype) for end in ends]
    gradients = torch.autograd.grad(ends, starts, seeds, allow_unused=True) if ends else ()
    return [*outputs, *(gradient for gradient in gradients if gradient is not None)]


@pytest.mark.filterwarnings("ignore:.*numpy_T|.*tensor.T|.*H. on tensors|.*copy construct|torch.asarray")
@pytest.mark.parametrize(("name", "function", "tensors"), [pytest.param(*call, id=call[0]) for call in calls()])
def test_a_function_is_torchs_without_other_kernels(name, function, tensors):
    want = results(Code(function), tensors)
    converted = exact.convert(Code(function))
    got = results(converted, tensors)
    assert len(got) == len(want)
    for ours, theirs in zip(got, want, strict=True):
        assert ours.dtype == theirs.dtype
        torch.testing.assert_close(ours, theirs, rtol=2e-5, atol=2e-6)
    report = exact.check(converted, *(tensor.clone().requires_grad_() for tensor in tensors))
    assert report.is_exact, str(report)


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (lambda x: torch.fft.fft(x), "torch.fft.fft"),
        (lambda x: x.cumprod(0), "torch.Tensor.cumprod"),
        (lambda x: torch.sum(x, 0, out=torch.empty(3)), "torch.sum with out="),
        (lambda x: x.div(2, rounding_mode="floor"), "torch.div with rounding_mode"),
        (lambda x: torch.arange(0, 1, 0.1), "torch.arange with fractions"),
        (lambda x: nn.functional.interpolate(x[None], scale_factor=2, mode="linear"), "interpolate with mode 'linear'"),
        (lambda x: nn.functional.kl_div(x, x, reduction="sum"), "torch.kl_div"),
        (lambda x: torch.ops.aten.exp(x), "torch.ops.aten.exp"),
        (lambda x: torch.rand(3), "torch.rand"),
        (lambda x: x.index_add(0, torch.tensor([0]), x[:1]), "torch.Tensor.index_add"),
    ],
)
def test_a_function_without_an_exact_form_is_named(function, name):
    with pytest.raises(exact.NotExactError, match="no exact form") as raised:
        exact.convert(Code(function))(torch.randn(2, 3))
    assert name in raised.value.function
    left = exact.convert(Code(function), leave=[raised.value.function])
    if "out=" not in name:
        left(torch.randn(2, 3))


def test_whole_numbers_are_as_they_are():
    x = torch.arange(12).reshape(3, 4)
    code = Code(
        lambda x: (
            x.sum(axis=0),
            x.cumsum(1),
            x**2,
            x.prod(),
            torch.bincount(x[0]),
            x.unique(),
            x.float().mean(0, keepdims=True),
            x.sqrt(),
            torch.relu(x - 5),
            x.max(),
            x // 5,
        )
    )
    got, want = exact.convert(code)(x), code.function(x)
    for ours, theirs in zip(got, want, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_a_gradient_of_a_shared_number_is_correctly_rounded():
    """Six numbers that torch adds one by one, and loses the small ones."""
    x = torch.zeros(1, requires_grad=True)
    seeds = torch.tensor([2.0**25, 1.0, 1.0, 1.0, 1.0, -(2.0**25)])
    exact.convert(Code(lambda x: x[torch.zeros(6, dtype=torch.long)]))(x).backward(seeds)
    assert x.grad is not None
    assert x.grad.item() == 4.0


def test_complex_numbers_are_several_operations():
    (found,) = exact.check(Code(lambda x: x * x), torch.ones(3, dtype=torch.complex64)).unsafe
    assert found.reason == "complex numbers: several operations in one"


class Swish(torch.autograd.Function):
    """A gradient that a person wrote."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * torch.sigmoid(x)

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        share = torch.sigmoid(x)
        return gradient * (share + x * share * (1 - share))


def test_the_gradient_of_ones_own_function_is_exact_inside_the_mode_and_found_outside():
    x = torch.randn(5, requires_grad=True)
    model = exact.convert(Code(Swish.apply))
    (found,) = exact.check(model, x).unsafe
    assert (found.operator, found.is_backward) == ("aten::sigmoid", True)
    for backward in (lambda: model(x).sum().backward(), lambda: torch.autograd.grad(model(x).sum(), x)):
        recorder = _Recorder()
        with exact.ExactFunctions(), recorder:
            backward()
        assert "aten::sigmoid" not in recorder.operators


def test_names():
    assert name_of(torch.Tensor.__iadd__) == "add_"
    assert name_of(torch.special.expit) == "sigmoid"
    assert name_of(torch.Tensor.shape.__get__) == "shape"
