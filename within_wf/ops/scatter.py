"""Reductions over groups given by an index with repeats.

Sums are exact before they are rounded once: they depend on no order, number of threads, or device.

| reduction | empty group | a NaN in it | infinities |
|---|---|---|---|
| sum | 0 | NaN | that infinity; NaN where both signs meet |
| mean | NaN | NaN | as sum |
| count | 0 | counted | counted |
"""

from __future__ import annotations

from typing import Any, Literal

import torch

from within_wf.errors import OperatorError, Problem
from within_wf.ops.library import load_core

load_core()

Reduction = Literal["sum", "mean", "count"]


@torch.library.register_fake("within::scatter_sum")  # type: ignore[untyped-decorator]
def _scatter_sum_shape(values: torch.Tensor, index: torch.Tensor, dim_size: int) -> torch.Tensor:
    return values.new_empty((dim_size, *values.shape[1:]))


def _setup_context(ctx: Any, inputs: tuple[torch.Tensor, torch.Tensor, int], output: torch.Tensor) -> None:
    ctx.save_for_backward(inputs[1])


def _backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None, None]:
    (index,) = ctx.saved_tensors
    return gradient.index_select(0, index), None, None


torch.library.register_autograd("within::scatter_sum", _backward, setup_context=_setup_context)


def scatter(values: torch.Tensor, index: torch.Tensor, dim_size: int | None = None, reduce: Reduction = "sum") -> torch.Tensor:
    """Reduce rows by group.

    Args:
        values: float64, float32, float16 or bfloat16, shape [N, …].
        index: The group of each row, int64, shape [N], in [0, dim_size).
        dim_size: How many groups; one more than the largest in ``index`` by default.
        reduce: ``sum`` (correctly rounded), ``mean`` (the float64 sum divided by the count, then rounded to the dtype of
            ``values``) or ``count``.

    Returns:
        Shape [dim_size, …]; of ``count`` int64, else the dtype of ``values``.

    Raises:
        OperatorError: ``reduce`` is unknown.
        ValueError: A shape or dtype is not one above.
        IndexError: A group is outside [0, dim_size).
    """
    if reduce not in ("sum", "mean", "count"):
        raise OperatorError("scatter cannot reduce like that", [Problem("reduce", repr(reduce), "sum, mean or count")])
    if dim_size is None:
        dim_size = int(index.max()) + 1 if index.numel() else 0
    if reduce == "sum":
        return _sum(values, index, dim_size)
    counts = _sum(torch.ones(index.shape, dtype=torch.float64, device=index.device), index, dim_size)
    counts = counts.reshape(-1, *([1] * (values.dim() - 1))).expand(dim_size, *values.shape[1:])
    if reduce == "count":
        _sum(values[:, None][..., :0], index, dim_size)  # checks what it is given, and adds nothing
        return counts.to(torch.int64)
    return (_sum(values.to(torch.float64), index, dim_size) / counts).to(values.dtype)


def _sum(values: torch.Tensor, index: torch.Tensor, dim_size: int) -> torch.Tensor:
    result: torch.Tensor = torch.ops.within.scatter_sum(values, index, dim_size)
    return result
