"""Features made of features: products of numbers, pairs of categories."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, combinations, combinations_with_replacement
from math import comb

import numpy as np
import numpy.typing as npt
import polars as pl

from within_wf.errors import DatasetError, Problem

Floats = npt.NDArray[np.float64]
MOST = 10_000
"""Columns that products may make."""
OTHER = "(other)"
MISSING = "(missing)"


def polynomial_features(
    x: npt.ArrayLike, names: Sequence[str], degree: int = 2, *, interaction_only: bool = False
) -> tuple[Floats, list[str]]:
    """Products of up to ``degree`` columns, the columns themselves first; in scikit-learn's order, without its column of ones.

    Args:
        x: Numbers, shape [n, d].
        names: What the columns are called, shape [d].
        degree: Factors of a product at most, from 1.
        interaction_only: Leave out what holds a column twice.

    Returns:
        float64, shape [n, m], each product from left to right, and the names: ``spend``, ``spend^2``, ``spend clicks``.

    Raises:
        DatasetError: The shapes do not fit, the degree is below 1, or there are more than ``MOST`` products.
    """
    values = np.asarray(x, dtype=np.float64)
    problems = []
    if values.ndim != 2 or values.shape[1] != len(names):
        problems.append(Problem("x", f"shape {list(values.shape)}", f"[rows, {len(names)}], a column for each name"))
    if degree < 1:
        problems.append(Problem("degree", str(degree), "1 or more"))
    if not problems:
        count = sum(comb(len(names) if interaction_only else len(names) + k - 1, k) for k in range(1, degree + 1))
        if count > MOST:
            cure = "Take fewer columns, a lower degree, or interaction_only."
            problems.append(Problem("degree", f"{count:,} products", f"at most {MOST:,}", cure))
    if problems:
        raise DatasetError("products of features cannot be made so", problems)
    choose = combinations if interaction_only else combinations_with_replacement
    factors = list(chain.from_iterable(choose(range(len(names)), size) for size in range(1, degree + 1)))
    columns: dict[tuple[int, ...], Floats] = {}
    for chosen in factors:
        last = values[:, chosen[-1]]
        columns[chosen] = columns[chosen[:-1]] * last if len(chosen) > 1 else last
    made = np.stack([columns[chosen] for chosen in factors], axis=1) if factors else np.zeros((len(values), 0))
    return made, [_name(chosen, names) for chosen in factors]


class FeatureCrosser:
    """Crosses columns of categories: one category for each combination, the rare ones together.

    Args:
        columns: The columns that are crossed, two or more.
        least: Training rows that a combination needs to be one of its own.
        most: Combinations that are kept, the most frequent; of equally many rows the first by name.
    """

    def __init__(self, columns: Sequence[str], least: int = 1, most: int = 50) -> None:
        problems = []
        if isinstance(columns, str) or len(columns) < 2 or len(set(columns)) < len(columns):
            problems.append(Problem("columns", repr(columns), "two different columns or more"))
        problems += [Problem(name, str(value), "1 or more") for name, value in (("least", least), ("most", most)) if value < 1]
        if problems:
            raise DatasetError("columns cannot be crossed so", problems)
        self.columns = tuple(columns)
        self.least, self.most = least, most
        self.levels: list[str] = []

    @property
    def name(self) -> str:
        """What the new column is called: ``platform x industry``."""
        return " x ".join(self.columns)

    def fit(self, table: pl.DataFrame) -> FeatureCrosser:
        """Learn which combinations there are; on training rows alone."""
        counts = self._joined(table).value_counts(name="rows").filter(pl.col("rows") >= self.least)
        counts = counts.sort(["rows", self.name], descending=[True, False])
        self.levels = sorted(counts[self.name].head(self.most).to_list())
        return self

    def transform(self, table: pl.DataFrame) -> pl.Series:
        """The combination of each row; ``(other)`` for one that was not learned."""
        joined = self._joined(table)
        return joined.set(~joined.is_in(self.levels), OTHER)

    def _joined(self, table: pl.DataFrame) -> pl.Series:
        missing = [
            Problem("table", f"no column {name}", "the columns that are crossed")
            for name in self.columns
            if name not in table.columns
        ]
        if missing:
            raise DatasetError("columns cannot be crossed", missing)
        parts = [pl.col(name).cast(pl.String).fill_null(MISSING).str.replace_all(r"([\\|])", r"\\$1") for name in self.columns]
        return table.select(pl.concat_str(parts, separator=" | ").alias(self.name)).to_series()


def _name(chosen: tuple[int, ...], names: Sequence[str]) -> str:
    powers = {column: chosen.count(column) for column in chosen}
    return " ".join(names[column] if power == 1 else f"{names[column]}^{power}" for column, power in powers.items())
