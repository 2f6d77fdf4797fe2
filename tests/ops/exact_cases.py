"""Calls of the operators of exact layers; torch alone, as tests/ops/cases.py."""

from __future__ import annotations

from collections.abc import Iterator

import torch

import within_wf.ops.exact.matmul  # noqa: F401 - registers its operator
from tests.ops.case import Case
from tests.ops.exact_elementwise_cases import elementwise_cases

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
    yield from elementwise_cases()
