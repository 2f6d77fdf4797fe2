"""Functions of torch that are a few exact ones in a row; the code is the order.

Calls of torch below are exact: the functions run inside the mode of :mod:`within_wf.ops.exact.mode`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch

from within_wf.ops.exact.indexing import copied
from within_wf.ops.exact.mode import inside

# torch's names of arguments are kept: input shadows a builtin.
# ruff: noqa: A002


@inside
def glu(input: torch.Tensor, dim: int = -1) -> torch.Tensor:
    """The first half along ``dim`` times the sigmoid of the second (Dauphin et al., 2017).

    Raises:
        ValueError: The size along ``dim`` is odd.
    """
    if input.shape[dim] % 2:
        raise ValueError(f"exact.glu: input has {input.shape[dim]} numbers along dimension {dim}, expected an even number")
    first, second = input.chunk(2, dim)
    return first * torch.sigmoid(second)


@inside
def prelu(input: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """X where it is not negative, else weight x; one weight, or one for each channel of [N, C, ...] (He et al., 2015)."""
    if weight.numel() != 1 and input.dim() > 1:
        weight = weight.reshape(-1, *([1] * (input.dim() - 2)))
    return torch.where(input >= 0, input, weight * input)


@inside
def lerp(input: torch.Tensor, end: torch.Tensor, weight: torch.Tensor | float) -> torch.Tensor:
    """Input + weight (end - input), each operation rounded."""
    return input + weight * (end - input)


@inside
def addcmul(input: torch.Tensor, tensor1: torch.Tensor, tensor2: torch.Tensor, *, value: float = 1) -> torch.Tensor:
    """Input + value (tensor1 tensor2), each operation rounded; a value of 1 is none."""
    product = tensor1 * tensor2
    return input + (product if value == 1 else product * value)


@inside
def addcdiv(input: torch.Tensor, tensor1: torch.Tensor, tensor2: torch.Tensor, *, value: float = 1) -> torch.Tensor:
    """Input + value (tensor1 / tensor2), each operation rounded; a value of 1 is none."""
    quotient = tensor1 / tensor2
    return input + (quotient if value == 1 else quotient * value)


@inside
def add(input: torch.Tensor, other: torch.Tensor | float, *, alpha: float) -> torch.Tensor:
    """Input + (alpha other), both rounded."""
    return input + other * alpha


@inside
def sub(input: torch.Tensor, other: torch.Tensor | float, *, alpha: float) -> torch.Tensor:
    """Input - (alpha other), both rounded."""
    return input - other * alpha


@inside
def add_(input: torch.Tensor, other: torch.Tensor | float, *, alpha: float) -> torch.Tensor:
    """:func:`add` in place."""
    return input.add_(other * alpha)


@inside
def sub_(input: torch.Tensor, other: torch.Tensor | float, *, alpha: float) -> torch.Tensor:
    """:func:`sub` in place."""
    return input.sub_(other * alpha)


@inside
def outer(input: torch.Tensor, vec2: torch.Tensor) -> torch.Tensor:
    """The products of all pairs of two vectors' numbers."""
    return input[:, None] * vec2


@inside
def vector_norm(
    x: torch.Tensor,
    ord: float = 2,
    dim: int | Sequence[int] | None = None,
    keepdim: bool = False,
    *,
    dtype: torch.dtype | None = None,
) -> torch.Tensor:
    """The norm of vectors of order 1, 2 or infinity, over some dimensions or all.

    Raises:
        ValueError: The order is another.
    """
    x = x if dtype is None else x.to(dtype)
    over = list(range(x.dim())) if dim is None else [dim] if isinstance(dim, int) else list(dim)
    match ord:
        case 2:
            return torch.sum(x * x, over, keepdim).sqrt()
        case 1:
            return torch.sum(x.abs(), over, keepdim)
        case _ if ord == float("inf"):
            return x.abs().amax(over, keepdim)
        case _:
            raise ValueError(f"exact.norm: the order is {ord}, expected 1, 2 or infinity")


@inside
def norm(
    input: torch.Tensor,
    p: float | Literal["fro"] | None = "fro",
    dim: int | Sequence[int] | None = None,
    keepdim: bool = False,
    dtype: torch.dtype | None = None,
) -> torch.Tensor:
    """As :func:`vector_norm`, with torch.norm's arguments."""
    return vector_norm(input, 2 if p in (None, "fro") else float(p), dim, keepdim, dtype=dtype)


@inside
def cosine_similarity(x1: torch.Tensor, x2: torch.Tensor, dim: int = 1, eps: float = 1e-8) -> torch.Tensor:
    """The sum of x1 x2 along ``dim`` over the product of their lengths, each length ``eps`` at least."""
    lengths = [torch.sum(x * x, dim).sqrt().clamp_min(eps) for x in (x1, x2)]
    return torch.sum(x1 * x2, dim) / (lengths[0] * lengths[1])


@inside
def pairwise_distance(
    x1: torch.Tensor, x2: torch.Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> torch.Tensor:
    """The norm of x1 - x2 + eps along the last dimension, of order 1, 2 or infinity."""
    return vector_norm(x1 - x2 + eps, p, -1, keepdim)


@inside
def cumsum(input: torch.Tensor, dim: int, *, dtype: torch.dtype | None = None) -> torch.Tensor:
    """Running sums along ``dim``: each is the one before plus the next number, rounded."""
    numbers = input if dtype is None else input.to(dtype)
    if numbers.dim() == 0 or numbers.shape[dim] == 0:
        return numbers.clone()
    running: list[torch.Tensor] = []
    for part in numbers.unbind(dim):
        running.append(running[-1] + part if running else part)
    return torch.stack(running, dim)


def sort(
    input: torch.Tensor, dim: int = -1, descending: bool = False, *, stable: bool = True
) -> tuple[torch.Tensor, torch.Tensor]:
    """Sorted numbers and where they came from; of equal ones the first comes first."""
    places = argsort(input, dim, descending, stable=stable)
    return copied(torch.take_along_dim, input, places, dim), places


def argsort(input: torch.Tensor, dim: int = -1, descending: bool = False, *, stable: bool = True) -> torch.Tensor:
    """Where the numbers of :func:`sort` come from."""
    del stable  # always: other orders of equal numbers are the kernel's
    return torch.sort(input.detach(), stable=True, dim=dim, descending=descending).indices


def topk(
    input: torch.Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True
) -> tuple[torch.Tensor, torch.Tensor]:
    """The k largest numbers, or smallest, in order, and where they came from; of equal ones the first comes first."""
    del sorted  # always
    places = argsort(input, dim, largest).narrow(dim, 0, k)
    return copied(torch.take_along_dim, input, places, dim), places
