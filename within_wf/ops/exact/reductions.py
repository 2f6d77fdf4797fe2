"""Sums along dimensions in one order, and what is made of them.

The numbers along the dimensions ``dim``, in the order of a contiguous tensor, are cut into blocks of 1024; in each, chain l of
32 adds up the numbers l, l + 32, …, the chains are added in pairs l and l + 16, l + 8, … l + 1, and the blocks' sums two
neighbours at a time. docs/exact.md has the whole definition, docs/exact/norms.md what else there is, errors and cost. 16-bit
formats are read as float32, summed in float32, and rounded to their format once; a NaN that comes out is the positive quiet
one without payload. Gradients are made of these functions and of single IEEE operations.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from within_wf.ops.library import load_core, register_fake

load_core()

Dims = int | Sequence[int] | None


def sum(  # noqa: A001 - torch's name
    input: torch.Tensor,  # noqa: A002 - torch's name
    dim: Dims = None,
    keepdim: bool = False,
    *,
    dtype: torch.dtype | None = None,
) -> torch.Tensor:
    """The sum of the numbers along ``dim``.

    Args:
        input: float32, float64, float16 or bfloat16, of any shape and strides.
        dim: One dimension, some, or all of them: None.
        keepdim: Whether those dimensions stay, with size 1.
        dtype: What ``input`` is converted to first.

    Returns:
        Of the same dtype; +0 where there are no numbers.

    Raises:
        ValueError: A dtype or dimension is not one above, or a dimension is named twice.
    """
    return _reduce(input if dtype is None else input.to(dtype), dim, keepdim, "sum")


def mean(
    input: torch.Tensor,  # noqa: A002
    dim: Dims = None,
    keepdim: bool = False,
    *,
    dtype: torch.dtype | None = None,
) -> torch.Tensor:
    """The sum divided by the count of numbers, NaN of none; arguments and errors of :func:`sum`."""
    return _reduce(input if dtype is None else input.to(dtype), dim, keepdim, "mean")


def var(
    input: torch.Tensor,  # noqa: A002
    dim: Dims = None,
    *,
    correction: float = 1,
    keepdim: bool = False,
) -> torch.Tensor:
    """The variance in two passes: the sum of fma(d, d, ·), d = x - mean, divided by the count less ``correction``, or by 0.

    Args:
        input: As in :func:`sum`.
        dim: As in :func:`sum`.
        correction: What the count is lessened by; 1 for a sample's variance, 0 for a population's.
        keepdim: As in :func:`sum`.

    Returns:
        As :func:`sum`; NaN where there are no numbers.

    Raises:
        ValueError: As :func:`sum`.
    """
    return _reduce(input, dim, keepdim, "var", correction)


def std(
    input: torch.Tensor,  # noqa: A002
    dim: Dims = None,
    *,
    correction: float = 1,
    keepdim: bool = False,
) -> torch.Tensor:
    """The root of :func:`var`, correctly rounded. Its gradient is 0 where it is 0."""
    return _reduce(input, dim, keepdim, "std", correction)


def logsumexp(
    input: torch.Tensor,  # noqa: A002
    dim: Dims,
    keepdim: bool = False,
) -> torch.Tensor:
    """The logarithm of the sum of exp(x): m + log(sum of exp(x - m)), m the largest number; m where that is infinite.

    Arguments and errors as of :func:`sum`; -inf where there are no numbers. The gradient is 0 where the result is -inf.
    """
    return _reduce(input, dim, keepdim, "logsumexp")


def amax(
    input: torch.Tensor,  # noqa: A002
    dim: Dims = None,
    keepdim: bool = False,
) -> torch.Tensor:
    """The largest number, as IEEE 754's maximum: NaN where there is one, +0 rather than -0.

    Equal numbers share the gradient equally. Arguments as in :func:`sum`.

    Raises:
        ValueError: As :func:`sum`, or there are no numbers along ``dim``.
    """
    return _reduce(input, dim, keepdim, "amax")


def amin(
    input: torch.Tensor,  # noqa: A002
    dim: Dims = None,
    keepdim: bool = False,
) -> torch.Tensor:
    """The smallest number, -0 rather than +0; otherwise as :func:`amax`."""
    return _reduce(input, dim, keepdim, "amin")


def _reduce(x: torch.Tensor, dim: Dims, keepdim: bool, reduction: str, correction: float = 0) -> torch.Tensor:
    dims = [] if dim is None else [dim] if isinstance(dim, int) else list(dim)
    result: torch.Tensor = torch.ops.within.exact_reduce(x, dims, keepdim, reduction, float(correction))
    return result


@register_fake("within::exact_reduce")
def _like_reduced(x: torch.Tensor, dim: Sequence[int], keepdim: bool, reduction: str, correction: float) -> torch.Tensor:
    dims: Any = {d % max(x.dim(), 1) for d in dim} if dim else set(range(x.dim()))
    shape = [1 if d in dims else size for d, size in enumerate(x.shape) if keepdim or d not in dims]
    return x.new_empty(shape)


@register_fake("within::exact_reduce_slope")
def _like_slope(x: torch.Tensor, centre: torch.Tensor, factor: torch.Tensor, is_power: bool) -> torch.Tensor:
    return torch.empty_like(x, memory_format=torch.contiguous_format)
