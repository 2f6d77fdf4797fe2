"""Calls of binary_metrics that are hard on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch

Call = tuple[str, str, Callable[[], tuple[Any, ...]]]
"""Of an operator: its name, what is particular about the call, and what gives the arguments."""


def binary_rows(rows: int, dtype: torch.dtype, *, levels: int | None = None) -> tuple[torch.Tensor, torch.Tensor]:
    """Scores, some of them 0, 1 or next to nothing, in so many levels; and labels that go with them."""
    draws = torch.Generator().manual_seed(rows)
    scores = torch.rand(rows, generator=draws, dtype=torch.float64)
    labels = torch.rand(rows, generator=draws, dtype=torch.float64) < scores
    if levels is not None:
        scores = (scores * levels).round() / levels
    else:
        small = torch.rand(rows, generator=draws, dtype=torch.float64) < 0.02
        scores = torch.where(small, scores * 2.0**-40, scores)
        scores[: rows // 50] = torch.arange(rows // 50) % 2
    return scores.to(dtype), labels


def binary_weights(rows: int, kind: str) -> torch.Tensor | None:
    """None; whole numbers; numbers of 24 bits; of 53 that lie close together; so far apart that no word holds them."""
    draws = torch.Generator().manual_seed(rows + 1)
    uniform = torch.rand(rows, generator=draws, dtype=torch.float64)
    match kind:
        case "none":
            return None
        case "whole":
            return (uniform * 4).floor()
        case "float32":
            return uniform.float()
        case "close":
            return -uniform.log()
    return torch.pow(10, uniform * 200 - 100)


WEIGHTS = ("none", "whole", "float32", "close", "far")


def binary_calls() -> Iterator[Call]:
    """Ties and none, every kind of weights and labels, groups that are empty or of one row, one class, no rows."""
    for dtype in (torch.float32, torch.float64):
        kind = str(dtype).removeprefix("torch.")
        for weights in WEIGHTS:
            for levels in (None, 20):

                def make(groups: bool, d=dtype, w=weights, n=levels) -> tuple[Any, ...]:
                    rows = 700
                    of = torch.arange(rows) ** 2 % 9 if groups else None
                    return *binary_rows(rows, d, levels=n), binary_weights(rows, w), of, 11 if groups else 0, 0.5, 15

                title = f"{kind}, weights {weights}, {'ties' if levels else 'few ties'}"
                yield "binary_metrics", title, lambda make=make: make(groups=False)
                yield "binary_metrics", f"{title}, groups", lambda make=make: make(groups=True)
        yield (
            "binary_metrics",
            f"{kind}, one class",
            lambda d=dtype: ((torch.arange(9) / 8).to(d), torch.ones(9), None, None, 0, 0.25, 3),
        )
        yield (
            "binary_metrics",
            f"{kind}, one score",
            lambda d=dtype: (torch.full((9,), 0.3, dtype=d), torch.arange(9) % 2, *LAST),
        )
        yield "binary_metrics", f"{kind}, no rows", lambda d=dtype: (torch.ones(0, dtype=d), torch.ones(0), *LAST)


LAST = (None, None, 0, 0.5, 15)
