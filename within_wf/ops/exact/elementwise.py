"""Elementwise functions of IEEE operations alone: the same bits on every processor and device.

float32 in and out; float16 and bfloat16 are read as float32, and rounded to their format once at the end; float64 is for
checks of gradients and slow. A NaN among what comes out is the positive quiet one without payload. What comes out lies in
memory as what went in. docs/exact/elementwise.md has the order of operations and the largest errors.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch.compiler import is_compiling

from within_wf.ops.library import load_core, register_fake

load_core()

from within_wf import _C  # type: ignore[attr-defined]  # noqa: E402 - the core has to be loaded

_UNARY = torch.ops.within.exact_unary.default
_POW = torch.ops.within.exact_pow.default


def exp(x: torch.Tensor) -> torch.Tensor:
    """The number e to the power of x.

    Args:
        x: float64, float32, float16 or bfloat16, of any shape.

    Returns:
        Of the same dtype, shape and strides; so for all functions here.

    Raises:
        ValueError: The dtype is none of those.
    """
    return _unary(x, "exp")


def expm1(x: torch.Tensor) -> torch.Tensor:
    """exp(x) - 1, near 0 too."""
    return _unary(x, "expm1")


def log(x: torch.Tensor) -> torch.Tensor:
    """The natural logarithm: -inf of 0, NaN of what is negative."""
    return _unary(x, "log")


def log1p(x: torch.Tensor) -> torch.Tensor:
    """log(1 + x), near 0 too."""
    return _unary(x, "log1p")


def sqrt(x: torch.Tensor) -> torch.Tensor:
    """The square root, correctly rounded; NaN of what is negative."""
    return _unary(x, "sqrt")


def rsqrt(x: torch.Tensor) -> torch.Tensor:
    """1 over the square root, each rounded; NaN of what is negative."""
    return _unary(x, "rsqrt")


def sin(x: torch.Tensor) -> torch.Tensor:
    """The sine of x radians, of any size."""
    return _unary(x, "sin")


def cos(x: torch.Tensor) -> torch.Tensor:
    """The cosine of x radians, of any size."""
    return _unary(x, "cos")


def tanh(x: torch.Tensor) -> torch.Tensor:
    """The hyperbolic tangent."""
    return _unary(x, "tanh")


def sigmoid(x: torch.Tensor) -> torch.Tensor:
    """1 / (1 + exp(-x))."""
    return _unary(x, "sigmoid")


def logsigmoid(x: torch.Tensor) -> torch.Tensor:
    """The logarithm of the sigmoid, as min(x, 0) - log1p(exp(-|x|))."""
    return _unary(x, "logsigmoid")


def softplus(x: torch.Tensor, beta: float = 1, threshold: float = 20) -> torch.Tensor:
    """log(1 + exp(beta x)) / beta, as (max(z, 0) + log1p(exp(-|z|))) / beta, z = beta x; x where z is above ``threshold``."""
    return _unary(x, "softplus", beta, threshold)


def erf(x: torch.Tensor) -> torch.Tensor:
    """The error function."""
    return _unary(x, "erf")


def pow(x: torch.Tensor | float, y: torch.Tensor | float) -> torch.Tensor:  # noqa: A001 - torch's name
    """The power x^y, with C's special values: 1 where y is 0 or x is 1, NaN of what is negative but for whole y.

    Args:
        x: float64, float32, float16 or bfloat16, of any shape; or a number, rounded to the dtype of ``y``.
        y: Of the same dtype, of a shape that broadcasts with that of x; or a number, rounded likewise.

    Returns:
        Of that dtype and the shape that both broadcast to. Differentiable in a tensor of that shape; in another one
        is refused, as its gradient would be a sum.

    Raises:
        ValueError: A shape, dtype or device is not one above, both are numbers, or what requires a gradient is broadcast.
    """
    if isinstance(y, int | float) and y == 2 and isinstance(x, torch.Tensor):
        return _unary(x, "square")
    like = x if isinstance(x, torch.Tensor) else y
    if not isinstance(like, torch.Tensor):
        raise ValueError(f"exact.pow: x is {x} and y is {y}, expected a tensor among them")
    base, exponent = (
        value if isinstance(value, torch.Tensor) else torch.full((), value, dtype=like.dtype, device=like.device)
        for value in (x, y)
    )
    if base.dim() and exponent.dim() and base.shape != exponent.shape:
        shape = torch.broadcast_shapes(base.shape, exponent.shape)  # type: ignore[no-untyped-call]
        for name, value in (("x", base), ("y", exponent)):
            if value.requires_grad and value.shape != shape:
                raise ValueError(
                    f"exact.pow: {name} has shape {list(value.shape)} and requires a gradient, expected {list(shape)}, "
                    "to which it would be broadcast"
                )
        base, exponent = base.expand(shape), exponent.expand(shape)
    result: torch.Tensor = _POW(base, exponent)
    return result


def relu(x: torch.Tensor) -> torch.Tensor:
    """What is above 0, and +0."""
    return _unary(x, "relu")


def relu6(x: torch.Tensor) -> torch.Tensor:
    """As :func:`hardtanh` from 0 to 6."""
    return _unary(x, "hardtanh", 0, 6)


def leaky_relu(x: torch.Tensor, negative_slope: float = 0.01) -> torch.Tensor:
    """X above 0, x times ``negative_slope`` elsewhere."""
    return _unary(x, "leaky_relu", negative_slope)


def elu(x: torch.Tensor, alpha: float = 1) -> torch.Tensor:
    """X above 0, expm1(x) ``alpha`` elsewhere."""
    return _unary(x, "elu", alpha)


def celu(x: torch.Tensor, alpha: float = 1) -> torch.Tensor:
    """X above 0, expm1(x / ``alpha``) ``alpha`` elsewhere."""
    return _unary(x, "celu", alpha)


def selu(x: torch.Tensor) -> torch.Tensor:
    """The self-normalising :func:`elu` of Klambauer et al., "Self-Normalizing Neural Networks" (2017)."""
    return _unary(x, "selu")


def hardtanh(x: torch.Tensor, min_val: float = -1, max_val: float = 1) -> torch.Tensor:
    """X cut to ``min_val`` and ``max_val``; its slope is 0 there and beyond."""
    if not min_val <= max_val:
        raise ValueError(f"exact.hardtanh: min_val is {min_val}, expected at most max_val = {max_val}")
    return _unary(x, "hardtanh", min_val, max_val)


def hardsigmoid(x: torch.Tensor) -> torch.Tensor:
    """The sum x + 3 cut to 0 and 6, over 6."""
    return _unary(x, "hardsigmoid")


def hardswish(x: torch.Tensor) -> torch.Tensor:
    """X times what is x + 3 cut to 0 and 6, over 6."""
    return _unary(x, "hardswish")


def silu(x: torch.Tensor) -> torch.Tensor:
    """X sigmoid(x)."""
    return _unary(x, "silu")


def mish(x: torch.Tensor) -> torch.Tensor:
    """X tanh(softplus(x)) (Misra, "Mish: A Self Regularized Non-Monotonic Activation Function", 2019)."""
    return _unary(x, "mish")


def gelu(x: torch.Tensor, approximate: Literal["none", "tanh"] = "none") -> torch.Tensor:
    """X times the normal distribution's share below x, or x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))).

    Raises:
        ValueError: ``approximate`` is neither.
    """
    if approximate not in ("none", "tanh"):
        raise ValueError(f"exact.gelu: approximate is {approximate!r}, expected 'none' or 'tanh'")
    return _unary(x, "gelu" if approximate == "none" else "gelu_tanh")


def _unary(x: torch.Tensor, function: str, a: float = 0, b: float = 0) -> torch.Tensor:
    result: torch.Tensor = NotImplemented if is_compiling() else _C.unary(x, function, a, b)
    return _UNARY(x, function, a, b) if result is NotImplemented else result


@register_fake("within::exact_unary")
def _like(x: torch.Tensor, function: str, a: float = 0, b: float = 0) -> torch.Tensor:
    return torch.empty_like(x)


@register_fake("within::exact_unary_backward")
def _like_saved(gradient: torch.Tensor, saved: torch.Tensor, function: str, a: float = 0, b: float = 0) -> torch.Tensor:
    return torch.empty_like(saved)


@register_fake("within::exact_pow")
def _like_either(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return x.new_empty(x.shape if x.dim() else y.shape)


@register_fake("within::exact_pow_backward")
def _like_gradient(gradient: torch.Tensor, x: torch.Tensor, y: torch.Tensor, of_y: bool) -> torch.Tensor:
    return gradient.new_empty(gradient.shape)
