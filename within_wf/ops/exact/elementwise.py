"""Elementwise functions of IEEE operations alone: the same bits on every processor and device.

float32 in and out; float16 and bfloat16 are read as float32, and rounded to their format once at the end. A NaN among what
comes out is the positive quiet one without payload. The largest errors over one in eleven of all float32 numbers, in units
of the last place:

| exp | log | log1p | tanh | sigmoid | softplus | erf | sqrt |
|---|---|---|---|---|---|---|---|
| 1.02 | 0.83 | 1.23 | 1.31 | 2.36 | 1.81 | 1.18 | 0.5 |

``silu`` is x sigmoid(x), ``gelu`` x / 2 (1 + erf(x / sqrt 2)) or, approximated,
x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))), each operation rounded. Gradients are made of these functions and of single
IEEE operations.
"""

from __future__ import annotations

from typing import Any, Literal

import torch

from within_wf.ops.library import load_core, register_fake

load_core()

_OPS = torch.ops.within


def exp(x: torch.Tensor) -> torch.Tensor:
    """The number e to the power of x."""
    return _unary(x, "exp")


def log(x: torch.Tensor) -> torch.Tensor:
    """The natural logarithm: -inf of 0, NaN of what is negative."""
    return _unary(x, "log")


def log1p(x: torch.Tensor) -> torch.Tensor:
    """log(1 + x), near 0 too."""
    return _unary(x, "log1p")


def tanh(x: torch.Tensor) -> torch.Tensor:
    """The hyperbolic tangent."""
    return _unary(x, "tanh")


def sigmoid(x: torch.Tensor) -> torch.Tensor:
    """1 / (1 + exp(-x))."""
    return _unary(x, "sigmoid")


def softplus(x: torch.Tensor) -> torch.Tensor:
    """log(1 + exp(x)), as max(x, 0) + log1p(exp(-|x|))."""
    return _unary(x, "softplus")


def erf(x: torch.Tensor) -> torch.Tensor:
    """The error function."""
    return _unary(x, "erf")


def sqrt(x: torch.Tensor) -> torch.Tensor:
    """The square root, correctly rounded; NaN of what is negative."""
    return _unary(x, "sqrt")


def silu(x: torch.Tensor) -> torch.Tensor:
    """X sigmoid(x)."""
    return _unary(x, "silu")


def gelu(x: torch.Tensor, approximate: Literal["none", "tanh"] = "none") -> torch.Tensor:
    """X times the normal distribution's share below x, by ``erf`` or approximated by ``tanh``.

    Raises:
        ValueError: ``approximate`` is neither.
    """
    if approximate not in ("none", "tanh"):
        raise ValueError(f"exact.gelu: approximate is {approximate!r}, expected 'none' or 'tanh'")
    return _unary(x, "gelu" if approximate == "none" else "gelu_tanh")


def _unary(x: torch.Tensor, function: str) -> torch.Tensor:
    result: torch.Tensor = _OPS.exact_unary(x, function)
    return result


# What follows tells torch of shapes and gradients.


@register_fake("within::exact_unary")
def _like(x: torch.Tensor, function: str) -> torch.Tensor:
    return torch.empty_like(x, memory_format=torch.contiguous_format)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
    ctx.function = inputs[1]
    ctx.save_for_backward(inputs[0], output)


def _slope(function: str, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """The derivative at x, where the function is y; both float32."""
    match function:
        case "exp":
            return y
        case "log":
            return 1 / x
        case "log1p":
            return 1 / (x + 1)
        case "tanh":
            return 1 - y * y
        case "sigmoid":
            return y * (1 - y)
        case "softplus":
            return sigmoid(x)
        case "erf":
            return exp(-(x * x)) * 1.1283791670955126
        case "sqrt":
            return 0.5 / y
        case "silu":
            share = sigmoid(x)
            return share + y * (1 - share)
        case "gelu":
            return (erf(x * 0.7071067811865476) + 1) * 0.5 + x * (exp(x * x * -0.5) * 0.3989422804014327)
        case _:
            inner = (x + x * x * x * 0.044715) * 0.7978845608028654
            height = tanh(inner)
            steepness = (x * x * 0.134145 + 1) * 0.7978845608028654
            return (height + 1) * 0.5 + x * ((1 - height * height) * steepness) * 0.5


def _backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
    x, y = ctx.saved_tensors
    return (gradient.float() * _slope(ctx.function, x.float(), y.float())).to(x.dtype), None


torch.library.register_autograd("within::exact_unary", _backward, setup_context=_keep)
