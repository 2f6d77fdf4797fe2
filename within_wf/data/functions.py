"""How the functions of an expression are computed.

Elementary functions are those of ``within_wf.ops.exact``, and sums are exact before they are rounded once: the same bits on
every machine, and in whatever pieces the rows of a table come.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl

Arguments = Callable[[], Iterator[Sequence[pl.Series]]]
"""The arguments of a function of whole columns, piece by piece; from the first piece again each time it is called."""


def quotient(a: Any, b: Any) -> Any:
    """A column or number over another; missing where that is 0."""
    if not isinstance(b, pl.Series):
        if b:
            return a / b
        return _filled(None, a) if isinstance(a, pl.Series) else None
    return a / b.set(b == 0, None)


def _elementary(name: str, least: float | None = None) -> Callable[[pl.Series], pl.Series]:
    """A function of ``within_wf.ops.exact``; at or below ``least`` it is missing."""

    def compute(column: pl.Series) -> pl.Series:
        import torch

        from within_wf.ops.exact import elementwise

        known = column.cast(pl.Float64)
        if least is not None:
            known = known.set((known <= least).fill_null(value=False), None)
        values = torch.from_numpy(np.array(known.fill_null(1.0).to_numpy()))
        return pl.Series(getattr(elementwise, name)(values).numpy()).set(known.is_null(), None)

    return compute


def _filled(value: float | None, like: pl.Series) -> pl.Series:
    return pl.Series([value] * like.len(), dtype=pl.Float64)


def _total(columns: Iterable[pl.Series]) -> float:
    """The exact sum of what is known and finite in the pieces of a column, rounded once."""
    return math.fsum(value for column in columns for value in column.filter(column.is_finite()))


def _mean(arguments: Arguments) -> float | None:
    known = sum(column.len() - column.null_count() for (column,) in arguments())
    return _total(column for (column,) in arguments()) / known if known else None


def _trials_of_a_success(arguments: Arguments) -> float | None:
    """1 / r, r the rate of all rows that have trials and no negative count; none where r is 0."""
    counted = [_total(pair[which].filter((pair[0] >= 0) & (pair[1] > 0)) for pair in arguments()) for which in (0, 1)]
    return counted[1] / counted[0] if counted[0] else None


def _smoothed_rate(trials_of_a_success: float | None, successes: pl.Series, trials: pl.Series) -> pl.Series:
    """(s + 1) / (t + 1 / r), r the rate of all rows; missing where r is 0.

    The mean of a beta posterior whose prior has the mean r and the weight of 1 / r trials (Gelman et al., Bayesian Data
    Analysis, chapter 2). r is of all rows, whatever side of a split they come to lie on; it is the same for each of them.
    """
    if trials_of_a_success is None:
        return _filled(None, successes)
    return quotient(successes + 1, trials + trials_of_a_success)  # type: ignore[no-any-return]


def _of_two(choose: Callable[[pl.Series, pl.Series], pl.Series]) -> Callable[[pl.Series, pl.Series], pl.Series]:
    """One of two numbers; missing where either is."""

    def compute(x: pl.Series, y: pl.Series) -> pl.Series:
        return x.zip_with(choose(x, y).fill_null(value=False), y).set(x.is_null() | y.is_null(), None)

    return compute


FUNCTIONS: dict[str, Callable[..., pl.Series]] = {
    "abs": lambda x: x.abs(),
    "exp": _elementary("exp"),
    "log": _elementary("log", 0.0),
    "log1p": _elementary("log1p", -1.0),
    "sqrt": lambda x: x.set((x < 0).fill_null(value=False), None).sqrt(),
    "min": _of_two(operator.le),
    "max": _of_two(operator.ge),
    "known": lambda x: x.is_not_null(),
    "given": lambda x: x.is_not_null(),
    "lower": lambda x: x.str.to_lowercase(),
    "contains": lambda x, y: x.str.contains(y, literal=True),
    "join": lambda x, y: x + " " + y,
}
"""How each function of an expression is computed of the rows of a piece."""
WHOLES: dict[str, Callable[[Arguments], float | None]] = {
    "total": lambda arguments: _total(column for (column,) in arguments()),
    "mean": _mean,
    "smoothed_rate": _trials_of_a_success,
}
"""The functions of whole columns: the number they are about."""
OF_WHOLES: dict[str, Callable[..., pl.Series]] = {"total": _filled, "mean": _filled, "smoothed_rate": _smoothed_rate}
"""What they are in the rows of a piece: of that number and their arguments."""
