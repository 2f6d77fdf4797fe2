"""Calls of the operators of exact layers; torch alone, as tests/ops/cases.py."""

from __future__ import annotations

from collections.abc import Iterator

import torch

import within_wf.ops.exact.matmul
import within_wf.ops.exact.sum_rows  # noqa: F401 - registers their operators
from tests.ops.case import Case
from tests.ops.exact_elementwise_cases import elementwise_cases

ACTIVATIONS = ("relu", "gelu", "gelu_tanh", "silu", "tanh", "sigmoid")
FLOATS = (torch.float64, torch.float32, torch.float16, torch.bfloat16)
SHAPES = (
    (1, 1, 1, 1),
    (2, 7, 5, 3),
    (1, 97, 300, 33),
    (3, 13, 257, 17),
    (1, 65, 40, 130),
    (2, 3, 0, 4),
    (0, 3, 4, 5),
    (1, 0, 4, 5),
)


def matrices(batch: int, rows: int, depth: int, columns: int, dtype: torch.dtype, *, is_turned: bool = False):
    """a, b and a bias; turned ones lie in memory the other way round."""
    draws = torch.Generator().manual_seed(rows * 1000 + depth * 31 + columns)
    a = torch.randn(batch, rows, depth, generator=draws, dtype=torch.float64).to(dtype)
    b = torch.randn(batch, depth, columns, generator=draws, dtype=torch.float64).to(dtype)
    bias = torch.randn(columns, generator=draws, dtype=torch.float64).to(dtype)
    if is_turned:
        a, b = (matrix.mT.contiguous().mT for matrix in (a, b))
    return a, b, bias


def specials(dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor, None]:
    """Infinities, NaN, zeros of both signs, the largest and subnormal numbers, each with each."""
    info = torch.finfo(dtype)
    values = [float("inf"), -float("inf"), float("nan"), 0.0, -0.0, info.max, -info.max, info.smallest_normal / 4, 1.0]
    column = torch.tensor(values, dtype=torch.float64).to(dtype)
    return torch.stack([column, column.flip(0)], -1)[None], torch.stack([column, column.roll(1)])[None], None


def rows_of(rows: int, columns: int, dtype: torch.dtype) -> torch.Tensor:
    """Numbers of several sizes, so that the order in which they are added shows."""
    draws = torch.Generator().manual_seed(rows * 1000 + columns)
    numbers = torch.randn(rows, columns, generator=draws, dtype=torch.float64)
    return (numbers * 2.0 ** torch.randint(-8, 9, (rows, 1), generator=draws)).to(dtype)


def sum_rows_cases() -> Iterator[Case]:
    """Sums over rows of every dtype: a few, ends of chains and of blocks, none; rows apart in memory."""
    for dtype in FLOATS:
        kind = str(dtype).removeprefix("torch.")
        for shape in ((1, 1), (33, 40), (2100, 70), (0, 3), (5, 0)):
            title = f"{kind}, {shape[0]} x {shape[1]}"
            yield Case("exact_sum_rows", title, lambda s=shape, d=dtype: (rows_of(*s, d),), (0,))
        yield Case("exact_sum_rows", f"{kind}, a part", lambda d=dtype: (rows_of(70, 40, d)[:, :30],), (0,))


def layer_cases() -> Iterator[Case]:
    """Products of two matrices, and layers of every dtype with each activation; the sums that one keeps."""
    for dtype in FLOATS:
        kind = str(dtype).removeprefix("torch.")

        def two(d=dtype):
            a, b, bias = matrices(1, 70, 40, 33, d)
            return a[0], b[0], bias

        def layer(d=dtype):
            a, b, bias = matrices(6, 5, 40, 33, d)
            return a.reshape(2, 3, 5, 40), b[0].T.contiguous(), bias

        yield Case("exact_mm", kind, two, (0, 1, 2))
        yield Case("exact_mm", f"{kind}, no bias", lambda make=two: make()[:2], (0, 1))
        yield Case("exact_linear", kind, layer, (0, 1, 2))
        yield Case("exact_linear", f"{kind}, no bias", lambda make=layer: make()[:2], (0, 1))
        for activation in ACTIVATIONS:
            title = f"{activation}, {kind}"
            yield Case("exact_linear_activated", title, lambda make=layer, a=activation: (*make(), a), (0, 1, 2))
            yield Case("exact_linear_kept", title, lambda make=layer, a=activation: (*make(), a))


def exact_cases() -> Iterator[Case]:
    """Products of every dtype: one block and several, ragged ends, either way round in memory, nothing to add."""
    for dtype in FLOATS:
        kind = str(dtype).removeprefix("torch.")
        for shape in SHAPES:
            for is_turned in (False, True):
                title = f"{kind}, {' x '.join(map(str, shape))}{', turned' if is_turned else ''}"
                make = lambda s=shape, d=dtype, t=is_turned: matrices(*s, d, is_turned=t)  # noqa: E731
                yield Case("exact_matmul", title, make, (0, 1, 2))
        yield Case("exact_matmul", f"{kind}, specials", lambda d=dtype: specials(d))
    yield from layer_cases()
    yield from sum_rows_cases()
    yield from elementwise_cases()
