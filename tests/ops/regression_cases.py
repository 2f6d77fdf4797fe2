"""Calls of regression_metrics and drift_metrics that are hard on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch

Call = tuple[str, str, Callable[[], tuple[object, ...]]]
SHARES = [0.0, 0.05, 0.5, 0.95, 1.0]
KINDS = ("alike", "ties", "wide", "constant", "cancelling", "huge")


def columns(rows: int, kind: str, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    """Predictions and targets."""
    draws = torch.Generator().manual_seed(rows)
    targets = torch.randn(rows, generator=draws, dtype=torch.float64)
    predictions = targets + 0.3 * torch.randn(rows, generator=draws, dtype=torch.float64)
    match kind:
        case "ties":
            targets, predictions = (targets * 2).round(), (predictions * 2).round()
        case "wide":
            reach = 30 if dtype == torch.float32 else 250
            predictions = torch.ldexp(predictions, torch.randint(-reach, reach, (rows,), generator=draws))
        case "constant":
            targets = torch.full_like(targets, 0.1)
        case "cancelling":
            scale = 1 if dtype == torch.float32 else 2**-20
            targets, predictions = targets * scale + 1e6, predictions * scale + 1e6
        case "huge":
            largest = torch.finfo(dtype).max
            targets[::7], predictions[::5] = largest, -largest
    return predictions.to(dtype), targets.to(dtype)


def weights_of(rows: int) -> torch.Tensor:
    """Some 0, some alike, some far smaller."""
    draws = torch.Generator().manual_seed(rows + 1)
    weights = torch.ldexp(
        torch.rand(rows, generator=draws, dtype=torch.float64), torch.randint(-60, 1, (rows,), generator=draws)
    )
    weights[::3] = 0.5
    weights[::11] = 0
    return weights


def groups_of(rows: int, groups: int) -> torch.Tensor:
    """Groups of many sizes; the last has no rows."""
    draws = torch.rand(rows, generator=torch.Generator().manual_seed(rows + 2), dtype=torch.float64)
    return (draws.square() * (groups - 1)).long()


def regression_calls() -> Iterator[Call]:
    """Of regression_metrics."""
    for dtype in (torch.float32, torch.float64):
        for rows in (0, 1, 2, 700, 20_000):
            for kind in KINDS if rows > 2 else KINDS[:1]:
                for is_weighted in (False, True):
                    for groups in (None, 13):

                        def make(r=rows, k=kind, d=dtype, w=is_weighted, g=groups) -> tuple[object, ...]:  # type: ignore[no-untyped-def]
                            of = None if g is None else groups_of(r, g)
                            return (*columns(r, k, d), weights_of(r) if w else None, of, g or 0, SHARES)

                        name = f"{dtype}, {rows} rows, {kind}{', weighted' * is_weighted}{f', {groups} groups' * bool(groups)}"
                        if rows < 20_000 or groups is None or kind == "ties":
                            yield "regression_metrics", name.removeprefix("torch."), make


def drift_calls() -> Iterator[Call]:
    """Of drift_metrics."""
    for dtype in (torch.float32, torch.float64):
        for rows, others in ((0, 3), (1, 1), (2, 300), (300, 300), (900, 20_000)):
            for kind in KINDS if rows > 2 else KINDS[:1]:
                for is_weighted in (False, True):
                    for groups in (None, 7) if kind in ("alike", "ties") else (None,):

                        def make(r=rows, o=others, k=kind, d=dtype, w=is_weighted, g=groups) -> tuple[object, ...]:  # type: ignore[no-untyped-def]
                            reference, current = torch.stack(columns(r, k, d), 1), torch.stack(columns(o, k, d), 1)
                            weights = (weights_of(r), weights_of(o)) if w else (None, None)
                            of = (None, None, 0) if g is None else (groups_of(r, g), groups_of(o, g), g)
                            return reference, current, 10, *weights, *of

                        name = f"{dtype}, {rows} and {others} rows, {kind}{', weighted' * is_weighted}"
                        yield "drift_metrics", f"{name}{', in groups' * bool(groups)}".removeprefix("torch."), make
