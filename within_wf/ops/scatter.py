"""Reductions over groups given by an index with repeats, and rows taken by one.

Sums are exact before they are rounded once: they depend on no order, number of threads, instruction set or device.

| reduction | empty group | a NaN in it | infinities | ddof |
|---|---|---|---|---|
| sum | 0 | NaN | that infinity; NaN where both signs meet | |
| mean | NaN | NaN | as sum | |
| min, max | NaN | NaN | ordered as numbers; -0 before +0 | |
| var, std | NaN | NaN | NaN | NaN where the group has ddof rows or fewer |
| count | 0 | counted | counted | |
| logsumexp | -inf | NaN | inf where there is one; -inf where all are -inf | |
| softmax | (no row) | NaN | NaN where the largest is infinite | |
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import torch

from within_wf.errors import OperatorError, Problem
from within_wf.ops.exact.elementwise import sqrt
from within_wf.ops.library import load_core, register_fake

load_core()

Reduction = Literal["sum", "mean", "min", "max", "var", "std", "count", "softmax", "logsumexp"]
_OPS = torch.ops.within


def scatter(
    values: torch.Tensor,
    index: torch.Tensor,
    dim_size: int | None = None,
    reduce: Reduction = "sum",
    *,
    ddof: int = 0,
) -> torch.Tensor:
    """Reduce rows by group.

    Args:
        values: float64, float32, float16 or bfloat16, shape [N, …].
        index: The group of each row, int64, shape [N], in [0, dim_size).
        dim_size: How many groups; one more than the largest in ``index`` by default.
        reduce: ``sum`` (correctly rounded); ``mean`` (the sum rounded to float64, divided by the count, rounded to the dtype
            of ``values``); ``min``; ``max``; ``var`` and ``std`` (see ``ddof``); ``count``; ``logsumexp``; ``softmax`` (of each
            row among those of its group).
        ddof: What is taken from the count in the divisor of ``var`` and ``std``, as numpy has it.

    Returns:
        Shape [dim_size, …], of ``softmax`` [N, …]; of ``count`` int64, else the dtype of ``values``. Differentiable in
        ``values`` but for ``count``; the gradient of ``min`` and ``max`` is shared among ties.

    Raises:
        OperatorError: ``reduce`` is unknown.
        ValueError: A shape or dtype is not one above, or ``ddof`` is negative.
        IndexError: A group is outside [0, dim_size); the first such row is named.
    """
    if reduce not in get_args(Reduction):
        problem = Problem("reduce", repr(reduce), f"one of {', '.join(get_args(Reduction))}")
        raise OperatorError("scatter cannot reduce like that", [problem])
    if ddof < 0 or int(ddof) != ddof:
        raise ValueError(f"scatter: ddof is {ddof}, expected a whole number, 0 or more")
    if values.dim() == 0:
        raise ValueError("scatter: values has no dimension, expected [N, ...]")
    if dim_size is None:
        dim_size = max(0, int(index.max()) + 1) if index.numel() else 0
    result: torch.Tensor
    match reduce:
        case "sum":
            result = _OPS.scatter_sum(values, index, dim_size)
        case "mean":
            result = _OPS.scatter_mean(values, index, dim_size)
        case "min" | "max":
            result = _OPS.scatter_extreme(values, index, dim_size, reduce == "max")
        case "var" | "std":
            result = _moments(values, index, dim_size, ddof, reduce == "std")
        case "softmax":
            result = _OPS.scatter_softmax(values, index, dim_size)
        case "logsumexp":
            result = _OPS.scatter_logsumexp(values, index, dim_size)
        case _:
            _OPS.scatter_sum(values[:, None][..., :0], index, dim_size)  # checks what it is given, and adds nothing
            counts = _OPS.scatter_count(index, dim_size)
            result = _beside(counts, values).expand(dim_size, *values.shape[1:])
    return result


def gather(table: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """Rows of a table, with an exact backward: the gradient of a row is the correctly rounded sum of all it received.

    Args:
        table: float64, float32, float16 or bfloat16, shape [N, …].
        index: int64, shape [M], in [0, N); repeats allowed.

    Returns:
        The dtype of ``table``, shape [M, …].

    Raises:
        ValueError: A shape or dtype is not one above.
        IndexError: A row is outside the table; the first is named.
    """
    rows: torch.Tensor = _OPS.gather(table, index)
    return rows


def _moments(values: torch.Tensor, index: torch.Tensor, dim_size: int, ddof: int, is_std: bool) -> torch.Tensor:
    """Variances: of float32 and narrower from exact sums of values and squares; of float64 from deviations from the mean.

    Source of the latter: Chan, Golub and LeVeque, "Algorithms for computing the sample variance" (1983), the two-pass
    algorithm with its correction.
    """
    result: torch.Tensor
    if values.dtype != torch.float64:
        result = _OPS.scatter_moments(values, index, dim_size, ddof, is_std)
        return result
    mean = _OPS.scatter_mean(values, index, dim_size)
    deviation = values - _OPS.gather(mean.detach(), index)
    counts = _beside(_OPS.scatter_count(index, dim_size), values).to(values.dtype)
    squares = _OPS.scatter_sum(deviation * deviation, index, dim_size)
    rest = _OPS.scatter_sum(deviation, index, dim_size)
    divisor = torch.where(counts > ddof, counts - ddof, torch.nan)
    result = (squares - rest * rest / counts).clamp_min(0) / divisor
    if is_std:
        result = _Root.apply(result)
    return result


class _Root(torch.autograd.Function):
    """The correctly rounded root, which torch's is not, with gradients of any order."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x)
        return sqrt(x)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        (x,) = ctx.saved_tensors
        root: torch.Tensor = _Root.apply(x)
        return gradient * 0.5 / root


def _beside(counts: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """One number a group, shaped to stand beside the groups' values."""
    return counts.reshape(-1, *([1] * (values.dim() - 1)))


# What follows tells torch of shapes and gradients.


def _like_groups(values: torch.Tensor, index: torch.Tensor, dim_size: int, *_: object) -> torch.Tensor:
    return values.new_empty((dim_size, *values.shape[1:]))


for _name in ("scatter_sum", "scatter_mean", "scatter_moments", "scatter_extreme", "scatter_logsumexp"):
    register_fake(f"within::{_name}")(_like_groups)


@register_fake("within::scatter_softmax")
def _like_values(values: torch.Tensor, index: torch.Tensor, dim_size: int) -> torch.Tensor:
    return torch.empty_like(values, memory_format=torch.contiguous_format)


@register_fake("within::scatter_count")
def _like_counts(index: torch.Tensor, dim_size: int) -> torch.Tensor:
    return index.new_empty((dim_size,))


@register_fake("within::gather")
def _like_rows(table: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    return table.new_empty((index.shape[0], *table.shape[1:]))


def _keep_index(ctx: Any, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
    ctx.save_for_backward(inputs[1])
    ctx.size = inputs[0].shape[0]


def _keep_all(ctx: Any, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
    ctx.save_for_backward(inputs[0], inputs[1], output)
    ctx.arguments = inputs[2:]


def _sum_backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None, None]:
    (index,) = ctx.saved_tensors
    return _OPS.gather(gradient, index), None, None


def _mean_backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None, None]:
    (index,) = ctx.saved_tensors
    counts = _beside(_OPS.scatter_count(index, gradient.shape[0]), gradient).to(torch.float64)
    return _OPS.gather((gradient.to(torch.float64) / counts).to(gradient.dtype), index), None, None


def _extreme_backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
    values, index, output = ctx.saved_tensors
    is_one = values == _OPS.gather(output, index)
    ties = _OPS.scatter_sum(is_one.to(torch.float64), index, output.shape[0])
    share = (gradient.to(torch.float64) / ties).to(values.dtype)
    return _OPS.gather(share, index) * is_one.to(values.dtype), None, None, None


def _moments_backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
    values, index, output = ctx.saved_tensors
    dim_size, ddof, is_std = ctx.arguments
    wide = values.to(torch.float64)
    deviation = wide - _OPS.gather(_OPS.scatter_mean(wide, index, dim_size), index)
    counts = _beside(_OPS.scatter_count(index, dim_size), values).to(torch.float64)
    scale = torch.where(counts > ddof, gradient.to(torch.float64) * 2 / (counts - ddof), 0)
    if is_std:
        # Where nothing deviates there is no slope; torch too takes 0.
        scale = torch.where(output == 0, 0, scale / (2 * output.to(torch.float64)))
    return (_OPS.gather(scale, index) * deviation).to(values.dtype), None, None, None, None


def _softmax_backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
    _, index, output = ctx.saved_tensors
    product = gradient * output
    (dim_size,) = ctx.arguments
    return product - output * _OPS.gather(_OPS.scatter_sum(product, index, dim_size), index), None, None


def _logsumexp_backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
    values, index, _ = ctx.saved_tensors
    (dim_size,) = ctx.arguments
    return _OPS.gather(gradient, index) * _OPS.scatter_softmax(values, index, dim_size), None, None


def _gather_backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
    (index,) = ctx.saved_tensors
    return _OPS.scatter_sum(gradient, index, ctx.size), None


for _name, _backward, _keep in (
    ("scatter_sum", _sum_backward, _keep_index),
    ("scatter_mean", _mean_backward, _keep_index),
    ("scatter_extreme", _extreme_backward, _keep_all),
    ("scatter_moments", _moments_backward, _keep_all),
    ("scatter_softmax", _softmax_backward, _keep_all),
    ("scatter_logsumexp", _logsumexp_backward, _keep_all),
    ("gather", _gather_backward, _keep_index),
):
    torch.library.register_autograd(f"within::{_name}", _backward, setup_context=_keep)
