"""Softmax and its logarithm in one order.

Of the numbers x along a dimension: m is the largest, e = exp(x - m), s their sum in the order of
:mod:`within_wf.ops.exact.reductions`. Softmax is e (1 / s), its logarithm (x - m) - log s; ``exp`` and ``log`` are those of
:mod:`within_wf.ops.exact.elementwise`. With gradient g and result y, the gradient of x is y (g - the sum of fma(y, g, ·)), or
fma(-exp(y), the sum of g, g) for the logarithm. Source of the shift by m: Blanchard, Higham and Higham, "Accurately computing
the log-sum-exp and softmax functions", 2021.
"""

from __future__ import annotations

import torch

from within_wf.ops.library import load_core, register_fake

load_core()


def softmax(
    input: torch.Tensor,  # noqa: A002 - torch's name
    dim: int,
    dtype: torch.dtype | None = None,
) -> torch.Tensor:
    """The share of exp(x) in its sum along ``dim``.

    Args:
        input: float32, float64, float16 or bfloat16, of any shape and strides. 16-bit formats are read as float32.
        dim: The dimension whose numbers add up to 1.
        dtype: What ``input`` is converted to first.

    Returns:
        Of the same dtype and shape, contiguous; NaN all along where there is a NaN, +inf or nothing but -inf.

    Raises:
        ValueError: A dtype or dimension is not one above.
    """
    result: torch.Tensor = torch.ops.within.exact_softmax(input if dtype is None else input.to(dtype), dim, False)
    return result


def log_softmax(
    input: torch.Tensor,  # noqa: A002
    dim: int,
    dtype: torch.dtype | None = None,
) -> torch.Tensor:
    """The logarithm of :func:`softmax`, with its arguments and errors."""
    result: torch.Tensor = torch.ops.within.exact_softmax(input if dtype is None else input.to(dtype), dim, True)
    return result


@register_fake("within::exact_softmax")
def _like(x: torch.Tensor, dim: int, is_log: bool) -> torch.Tensor:
    return torch.empty_like(x, memory_format=torch.contiguous_format)


@register_fake("within::exact_softmax_backward")
def _like_result(gradient: torch.Tensor, result: torch.Tensor, dim: int, is_log: bool) -> torch.Tensor:
    return torch.empty_like(result, memory_format=torch.contiguous_format)
