"""Copies that repeat numbers, with gradients that are exact sums of what each number received.

torch adds such gradients in an order that depends on its kernels. Here a copy that may repeat takes each of its numbers from a
position in its input; the gradient there is the correctly rounded sum over all copies (``scatter``), and that of an expansion
the sum in the order of :func:`within_wf.ops.exact.sum`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from within_wf.ops.exact.reductions import sum as exact_sum
from within_wf.ops.scatter import gather as take_rows


class _Expand(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
        ctx.shape = x.shape
        return x.expand(shape)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        return sum_to(gradient, ctx.shape), None


def sum_to(x: torch.Tensor, shape: torch.Size) -> torch.Tensor:
    """The sums of ``x`` over the dimensions along which ``shape`` was expanded to ``x.shape``."""
    extra = x.dim() - len(shape)
    summed = [*range(extra), *(at + extra for at, size in enumerate(shape) if size == 1 and x.shape[at + extra] != 1)]
    return (exact_sum(x, summed, keepdim=True) if summed else x).reshape(shape)


def expand(x: torch.Tensor, *sizes: Any) -> torch.Tensor:
    """``x`` seen with larger sizes, as torch.Tensor.expand; its gradient is an exact sum."""
    shape = tuple(sizes[0]) if len(sizes) == 1 and not isinstance(sizes[0], int) else sizes
    if not (torch.is_grad_enabled() and x.requires_grad):
        return x.expand(shape)
    extra = len(shape) - x.dim()
    whole = tuple(x.shape[at - extra] if size == -1 and at >= extra else size for at, size in enumerate(shape))
    expanded: torch.Tensor = x if whole == x.shape else _Expand.apply(x, whole)
    return expanded


def broadcast(*tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """The tensors in their common shape."""
    shape = torch.broadcast_shapes(*(tensor.shape for tensor in tensors))  # type: ignore[no-untyped-call]
    return tuple(expand(tensor, shape) for tensor in tensors)


def copied(copy: Callable[..., torch.Tensor], x: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
    """What ``copy(x, …)`` is: numbers of x, some of them more than once, in places that depend on the shape of x alone."""
    if not (torch.is_grad_enabled() and x.requires_grad):
        return copy(x, *args, **kwargs)
    places = torch.arange(x.numel(), device=x.device, dtype=torch.float64).reshape(x.shape)  # some copies know floats alone
    positions = copy(places, *args, **kwargs)
    return take_rows(x.reshape(-1), positions.reshape(-1).long()).reshape(positions.shape)


def getitem(x: torch.Tensor, index: Any) -> torch.Tensor:
    """``x[index]``."""
    parts = index if isinstance(index, tuple) else (index,)
    repeats = any(isinstance(part, (torch.Tensor, list, range, np.ndarray)) for part in parts)
    if not repeats or not (torch.is_grad_enabled() and x.requires_grad):
        return x[index]
    if isinstance(index, torch.Tensor) and index.dtype == torch.int64:
        return index_select(x, 0, index.reshape(-1)).reshape(*index.shape, *x.shape[1:])
    return copied(lambda places: places[index], x)


def index_select(x: torch.Tensor, dim: int, index: torch.Tensor) -> torch.Tensor:
    """Slices of ``x`` along ``dim``, as torch.index_select; negative places count from the end."""
    if not (torch.is_grad_enabled() and x.requires_grad):
        return x.index_select(dim, torch.where(index < 0, index + x.shape[dim], index))
    rows = x.movedim(dim, 0).contiguous()
    return take_rows(rows, torch.where(index < 0, index + len(rows), index).long()).movedim(0, dim)
