"""Calls of the operators of multiclass metrics; torch alone, as tests/ops/cases.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch

import within_wf.ops.multiclass  # noqa: F401 - registers its operators
from tests.ops.case import Case

Rows = tuple[torch.Tensor, torch.Tensor]


def multiclass_cases() -> Iterator[Case]:
    """Few and many classes, ties, zeros and ones; weights of many magnitudes; groups, some empty."""
    for dtype in (torch.float64, torch.float32):
        kind = str(dtype).removeprefix("torch.")
        for name, rows in _tables(dtype).items():
            yield Case("multiclass_rows", f"{kind}, {name}", rows)
            for weighted, weights in _weights().items():
                for grouped, groups in _groups().items():
                    yield Case("multiclass_ovr_areas", f"{kind}, {name}{weighted}{grouped}", _call(rows, weights, groups))


def _draws() -> torch.Generator:
    return torch.Generator().manual_seed(11)


def _spread(rows: int, classes: int, dtype: torch.dtype) -> Rows:
    table = torch.rand(rows, classes, generator=_draws(), dtype=torch.float64) ** 4
    labels = torch.multinomial(table + 0.01, 1, generator=_draws())[:, 0]
    return (table / table.sum(dim=1, keepdim=True)).to(dtype), labels


def _tied(rows: int, classes: int, dtype: torch.dtype) -> Rows:
    table, labels = _spread(rows, classes, dtype)
    table = (table * 4).round() / 4
    table[0] = -0.0
    return table, labels


def _close(rows: int, dtype: torch.dtype) -> Rows:
    """Probabilities that differ in their last bits, or not at all."""
    steps = torch.randint(0, rows // 3, (rows, 3), generator=_draws())
    table = 0.25 + steps.to(torch.float64) * (2.0**-54 if dtype == torch.float64 else 2.0**-25)
    return table.to(dtype), torch.arange(rows) % 3


def _tables(dtype: torch.dtype) -> dict[str, Callable[[], Rows]]:
    return {
        "spread": lambda: _spread(700, 7, dtype),
        "tied": lambda: _tied(400, 3, dtype),
        "close": lambda: _close(300, dtype),
        "two classes, few rows": lambda: _tied(7, 2, dtype),
        "a class is missing": lambda: (_spread(300, 3, dtype)[0], torch.arange(300) % 2),
        "no rows": lambda: (torch.zeros(0, 3, dtype=dtype), torch.zeros(0, dtype=torch.int64)),
    }


def _weights() -> dict[str, Callable[[int], torch.Tensor | None]]:
    return {
        "": lambda rows: None,
        ", weighted": lambda rows: torch.rand(2, rows, generator=_draws(), dtype=torch.float64),
        ", wide weights": lambda rows: torch.ldexp(
            torch.rand(1, rows, generator=_draws(), dtype=torch.float64),
            torch.randint(-1060, 960, (1, rows), generator=_draws()),
        ),
        ", counts": lambda rows: torch.randint(0, 3, (2, rows), generator=_draws()).to(torch.float64),
    }


def _groups() -> dict[str, Callable[[int], tuple[torch.Tensor | None, int]]]:
    return {"": lambda rows: (None, 0), ", by group": lambda rows: (torch.arange(rows) * 31 % 17 // 5, 5)}


def _call(
    rows: Callable[[], Rows],
    weights: Callable[[int], torch.Tensor | None],
    groups: Callable[[int], tuple[torch.Tensor | None, int]],
) -> Callable[[], tuple[object, ...]]:
    def make() -> tuple[object, ...]:
        table, labels = rows()
        return (table, labels, weights(len(labels)), *groups(len(labels)))

    return make
