"""Elementwise functions beside the same in plain torch, float64 in units of the last place, and torch's own."""

import math

import numpy as np
import pytest
import scipy.special
import torch
from torch.autograd import gradcheck
from torch.nn import functional

from tests.ops.exact_elementwise_cases import FLOATS, UNARY, normal, numbers, parameters, power_pairs
from tests.ops.settings import INSTRUCTION_SETS, threads
from within_wf.ops import exact, use_instruction_set
from within_wf.ops.reference import exact_elementwise as reference

OPS = torch.ops.within
NARROW = (torch.float16, torch.bfloat16)
TORCHS = {
    **{name: getattr(torch, name) for name in ("exp", "expm1", "log", "log1p", "tanh", "sigmoid", "erf", "sqrt", "rsqrt")},
    **{name: getattr(torch, name) for name in ("sin", "cos")},
    **{name: getattr(functional, name) for name in ("logsigmoid", "softplus", "silu", "gelu", "mish", "relu", "relu6")},
    **{name: getattr(functional, name) for name in ("leaky_relu", "elu", "celu", "selu", "hardtanh", "hardswish")},
    "hardsigmoid": functional.hardsigmoid,
}
OF_WHAT_IS_POSITIVE = ("log", "sqrt", "rsqrt")


def bits(tensor: torch.Tensor) -> bytes:
    return tensor.contiguous().view(torch.uint8).numpy().tobytes() if tensor.numel() else b""


def canonical(tensor: torch.Tensor) -> torch.Tensor:
    """With the one NaN."""
    return tensor.masked_fill(tensor.isnan(), math.nan)


@pytest.mark.parametrize("name", reference.FUNCTIONS)
def test_a_function_is_the_one_on_its_page(name):
    x = numbers(torch.float32, 1 << 14)
    a, b = parameters(name)
    assert bits(OPS.exact_unary(x, name, a, b)) == bits(canonical(reference.FUNCTIONS[name](x)))


@pytest.mark.parametrize("name", reference.FUNCTIONS)
def test_a_gradient_is_the_one_on_its_page(name):
    x = torch.cat([numbers(torch.float32, 1 << 12), torch.linspace(-20, 20, 4001)])
    gradient = normal(len(x))
    slope = reference.slope(name, x)
    want = canonical(torch.where(slope == 0, 0, gradient * slope))
    leaf = x.clone().requires_grad_()
    result = OPS.exact_unary(leaf, name, *parameters(name))
    assert bits(torch.autograd.grad(result, leaf, gradient)[0]) == bits(want)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("name", UNARY)
def test_neither_instruction_set_nor_threads_nor_place_matter(name, dtype):
    x, more = numbers(dtype), parameters(name)
    gradient = x.flip(0)

    def found(part=slice(None)):
        return bits(OPS.exact_unary(x[part], name, *more)), bits(OPS.exact_unary_backward(gradient[part], x[part], name, *more))

    want = found()
    for chosen in INSTRUCTION_SETS:
        with use_instruction_set(chosen):
            assert found() == want
    for count in (2, 3, 7):
        with threads(count):
            assert found() == want
    size = x.element_size()
    for part in (slice(3, 4), slice(5, 1000)):
        assert found(part) == tuple(whole[part.start * size : part.stop * size] for whole in want)


@pytest.mark.parametrize("name", UNARY)
@pytest.mark.parametrize("dtype", NARROW, ids=str)
def test_a_narrow_format_is_float32_rounded_once(name, dtype):
    x, more = numbers(dtype), parameters(name)
    assert bits(OPS.exact_unary(x, name, *more)) == bits(canonical(OPS.exact_unary(x.float(), name, *more).to(dtype)))
    gradient = x.flip(0)
    wide = OPS.exact_unary_backward(gradient.float(), x.float(), name, *more)
    assert bits(OPS.exact_unary_backward(gradient, x, name, *more)) == bits(canonical(wide.to(dtype)))


@pytest.mark.parametrize("name", UNARY)
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_what_is_no_number_is_the_one_nan(name, dtype):
    x, more = numbers(dtype, 1 << 12), parameters(name)
    one = bits(torch.tensor([math.nan], dtype=dtype))
    for result in (OPS.exact_unary(x, name, *more), OPS.exact_unary_backward(x.flip(0), x, name, *more)):
        assert {bits(value[None]) for value in result if value.isnan()} == {one}


@pytest.mark.parametrize("name", TORCHS)
def test_torchs_own_is_near(name):
    x = torch.linspace(0.01, 12, 9973) if name in OF_WHAT_IS_POSITIVE else torch.linspace(-12, 12, 9973)
    x = x[x > -0.95] if name == "log1p" else x
    leaf, wide = x.requires_grad_(), x.detach().double().requires_grad_()
    ours, theirs = getattr(exact, name)(leaf), TORCHS[name](wide)
    torch.testing.assert_close(ours.double(), theirs, rtol=1e-5 if name == "gelu" else 1e-6, atol=1e-12)
    weights = normal(len(x))
    (got,), (want,) = (torch.autograd.grad(y, v, weights.to(y.dtype)) for y, v in ((ours, leaf), (theirs, wide)))
    torch.testing.assert_close(got.double(), want, rtol=2e-6, atol=1e-6)
    in_float64 = getattr(exact, name)(wide)
    torch.testing.assert_close(in_float64, theirs, rtol=1e-14, atol=1e-15)


def test_parameters_are_torchs():
    x = torch.linspace(-9, 9, 1001, dtype=torch.float64)
    for ours, theirs, given in (
        (exact.softplus, functional.softplus, (2.5, 3.0)),
        (exact.leaky_relu, functional.leaky_relu, (0.2,)),
        (exact.elu, functional.elu, (1.7,)),
        (exact.celu, functional.celu, (1.7,)),
        (exact.hardtanh, functional.hardtanh, (-0.3, 2.5)),
        (exact.gelu, lambda x, kind: functional.gelu(x, approximate=kind), ("tanh",)),
    ):
        torch.testing.assert_close(ours(x, *given), theirs(x, *given), rtol=1e-13, atol=1e-13)
        torch.testing.assert_close(ours(x.float(), *given), theirs(x, *given).float(), rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("name", UNARY)
def test_gradients_are_those_of_differences(name):
    x = torch.linspace(0.05, 2.5, 13, dtype=torch.float64) + 0.003
    x = x if name in OF_WHAT_IS_POSITIVE else torch.cat([x, -x if name != "log1p" else -x / 3])
    assert gradcheck(lambda x: OPS.exact_unary(x, name, *parameters(name)), x.requires_grad_())


def test_far_below_0_gates_keep_their_digits():
    x = torch.tensor([-5.0, -9.0, -12.5, -80.0, -95.0, -103.0])
    with np.errstate(under="ignore"):
        want = x.double().numpy() * scipy.special.expit(x.double().numpy())
        np.testing.assert_allclose(exact.silu(x).double(), want, rtol=3e-7, atol=2**-149)
        share = scipy.special.ndtr(x.double().numpy())
        np.testing.assert_allclose(exact.gelu(x).double(), x.double().numpy() * share, rtol=4e-7, atol=2**-149)


def test_at_the_ends_functions_take_their_limits():
    ends = torch.tensor([math.inf, -math.inf])
    for name, at_most, at_least in (("silu", math.inf, -0.0), ("gelu", math.inf, 0.0), ("mish", math.inf, -0.0)):
        assert bits(getattr(exact, name)(ends)) == bits(torch.tensor([at_most, at_least]))
    assert exact.sin(ends).isnan().all()
    assert exact.rsqrt(torch.tensor([0.0, -0.0])).tolist() == [math.inf, -math.inf]


@pytest.mark.parametrize("name", ["sin", "cos"])
def test_arguments_of_any_size_are_reduced_exactly(name):
    import mpmath

    draws = torch.Generator().manual_seed(1)
    for dtype, digits in ((torch.float32, 60), (torch.float64, 400)):
        info = torch.finfo(dtype)
        exponents = torch.rand(400, generator=draws, dtype=torch.float64) * math.log2(info.max)
        x = (torch.exp2(exponents) * (torch.randint(0, 2, (400,), generator=draws) * 2 - 1)).to(dtype)
        with mpmath.workdps(digits):
            want = torch.tensor([float(getattr(mpmath, name)(mpmath.mpf(value))) for value in x.tolist()], dtype=torch.float64)
        torch.testing.assert_close(getattr(exact, name)(x).double(), want, rtol=2 * info.eps, atol=0)


def test_memory_keeps_its_order():
    x = normal(2, 3, 4, 5).to(memory_format=torch.channels_last)
    assert exact.silu(x).stride() == x.stride()
    assert torch.equal(exact.silu(x), exact.silu(x.contiguous()))
    leaf, part = x.clone().requires_grad_(), normal(9, 8)[::2, 1::3]
    (gradient,) = torch.autograd.grad(exact.silu(leaf), leaf, normal(2, 3, 4, 5))
    flat = x.contiguous().requires_grad_()
    assert torch.equal(gradient, torch.autograd.grad(exact.silu(flat), flat, normal(2, 3, 4, 5))[0])
    assert torch.equal(exact.tanh(part), exact.tanh(part.contiguous()))


def test_second_derivatives_are_refused():
    x = torch.ones(3, requires_grad=True)
    (slope,) = torch.autograd.grad(exact.exp(x).sum(), x, create_graph=True)
    with pytest.raises(NotImplementedError, match="exact_unary: second derivatives are not given"):
        slope.sum().backward()
    (slope,) = torch.autograd.grad(exact.pow(x, 3).sum(), x, create_graph=True)
    with pytest.raises(NotImplementedError, match="exact_pow: second derivatives are not given"):
        slope.sum().backward()


def test_they_compile_into_one_graph():
    def both(x):
        return exact.gelu(x) + exact.pow(exact.softplus(x), 1.5)

    x = torch.linspace(-3, 3, 50, requires_grad=True)
    compiled = torch.compile(both, fullgraph=True, backend="aot_eager")
    assert torch.equal(compiled(x), both(x))
    assert torch.equal(*(torch.autograd.grad(call(x).sum(), x)[0] for call in (compiled, both)))


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"exact_unary: x is Int, expected float64, float32, float16 or bfloat16"):
        exact.exp(torch.ones(3, dtype=torch.int32))
    with pytest.raises(ValueError, match=r"exact_unary: function is erfc"):
        OPS.exact_unary(torch.ones(3), "erfc")
    with pytest.raises(ValueError, match=r"exact_unary_backward: gradient is Float \[2\] on cpu, expected Float \[3\] on cpu"):
        OPS.exact_unary_backward(torch.ones(2), torch.ones(3), "exp")
    with pytest.raises(ValueError, match=r"exact.gelu: approximate is 'fast'"):
        exact.gelu(torch.ones(3), "fast")
    with pytest.raises(ValueError, match=r"exact.hardtanh: min_val is 2, expected at most max_val = 1"):
        exact.hardtanh(torch.ones(3), 2, 1)


# Powers.


def special_power(base: float, exponent: float) -> float:
    """C's, also where Python raises; numpy takes the root for 0.5, which differs."""
    try:
        return math.pow(base, exponent)
    except (ValueError, OverflowError):
        return float(np.power(np.float64(base), np.float64(exponent)))


def as_page(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Special values as C's pow, others by the page's chain."""
    found = []
    for base, exponent in zip(x.tolist(), y.tolist(), strict=True):
        if exponent == 2:
            value = float(np.float32(base) * np.float32(base))
        elif math.isfinite(base) and math.isfinite(exponent) and base != 0 and abs(base) != 1 and exponent not in (0, 1):
            is_whole = exponent == math.floor(exponent)
            value = reference.pow64(abs(base), exponent) if base > 0 or is_whole else math.nan
            value = -value if base < 0 and is_whole and exponent % 2 == 1 else value
        else:
            value = special_power(base, exponent)
        found.append(value)
    return torch.tensor(found, dtype=torch.float64).float()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_power_is_the_one_on_its_page():
    x, y = power_pairs(torch.float32)
    assert bits(exact.pow(x, y)) == bits(canonical(as_page(x, y)))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
def test_powers_are_near_the_c_librarys(dtype):
    x, y = power_pairs(dtype)
    want = torch.from_numpy(np.power(x.double().numpy(), y.double().numpy()))
    got = exact.pow(x, y)
    assert torch.equal(got.isnan(), want.isnan())
    rtol = 2 * torch.finfo(dtype).eps
    torch.testing.assert_close(got, want.to(dtype), rtol=rtol, atol=0, equal_nan=True)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_powers_depend_on_nothing_else(dtype):
    x, y = power_pairs(dtype)
    want = bits(exact.pow(x, y))
    for chosen in INSTRUCTION_SETS:
        with use_instruction_set(chosen):
            assert bits(exact.pow(x, y)) == want
    with threads(3):
        assert bits(exact.pow(x.repeat(50), y.repeat(50))) == want * 50
    for exponent in (2.0, 0.5, -3.0):
        number = torch.tensor(exponent, dtype=dtype)
        assert bits(exact.pow(x, exponent)) == bits(exact.pow(x, number.expand_as(x)))
        assert bits(exact.pow(exponent, x)) == bits(exact.pow(number.expand_as(x), x))
    assert exact.pow(x[:6, None], y[:4]).shape == (6, 4)


def test_gradients_of_powers():
    x = torch.linspace(0.3, 2.5, 9, dtype=torch.float64, requires_grad=True)
    y = torch.linspace(-2.5, 3, 9, dtype=torch.float64, requires_grad=True)
    assert gradcheck(exact.pow, (x, y))
    assert gradcheck(lambda x: exact.pow(x, 2), x)
    assert gradcheck(lambda y: exact.pow(1.7, y), y)
    zero = torch.zeros(4, requires_grad=True)
    exponents = torch.tensor([0.0, 1.0, 2.0, 3.0])
    assert torch.autograd.grad(exact.pow(zero, exponents).sum(), zero)[0].tolist() == [0, 1, 0, 0]
    at_zero = torch.tensor([0.0, 0.5], requires_grad=True)
    assert torch.autograd.grad(exact.pow(torch.zeros(2), at_zero).sum(), at_zero)[0].tolist() == [0, 0]


def test_powers_that_do_not_fit_are_refused():
    x = torch.ones(3, 2)
    with pytest.raises(ValueError, match=r"exact.pow: x is 2 and y is 3, expected a tensor"):
        exact.pow(2, 3)
    with pytest.raises(ValueError, match=r"exact_pow: y is Double on cpu, expected Float on cpu as x"):
        exact.pow(x, x.double())
    with pytest.raises(ValueError, match=r"exact_pow: x is Int"):
        exact.pow(x.int(), x.int())
    with pytest.raises(ValueError, match=r"exact_pow: y has shape \[2\], expected \[3, 2\]"):
        OPS.exact_pow(x, x[0])
    with pytest.raises(ValueError, match=r"exact_pow_backward: gradient is Float \[3\] on cpu, expected Float \[3, 2\]"):
        OPS.exact_pow_backward(x[:, 0], x, x, False)
    with pytest.raises(ValueError, match=r"exact.pow: y has shape \[2\] and requires a gradient, expected \[3, 2\]"):
        exact.pow(x, torch.ones(2, requires_grad=True))
    with pytest.raises(ValueError, match=r"exact_pow: y is one number for all and requires a gradient"):
        exact.pow(x, torch.ones((), requires_grad=True))
    with pytest.raises(ValueError, match=r"exact_pow: x is one number for all and requires a gradient"):
        exact.pow(torch.ones((), requires_grad=True), x)
