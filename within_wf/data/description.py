"""What a table is, column by column: what ``within-wf data describe`` shows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from within_wf.data.units import column_of
from within_wf.data.versions.statistics import table_statistics
from within_wf.store.pieces import height_of, take

BINS = 24
"""Bars of a histogram."""
_ONE_VALUE = 0.995
"""The share of rows with one value from which on a column says little."""
_MANY_MISSING = 0.5


@dataclass(frozen=True)
class Histogram:
    """How often which values occur.

    Attributes:
        edges: ``bins + 1`` numbers, equally far apart; of moments, milliseconds since 1970.
        counts: Values from each edge to the next; the last edge counts to the last bin.
        cut: Whether values below and above what is drawn are left out: the lowest and the highest hundredth.
        moments: Whether the numbers are moments.
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    cut: bool
    moments: bool


@dataclass(frozen=True)
class ColumnDescription:
    """A column.

    Attributes:
        name: Its name.
        statistics: What :func:`~within_wf.data.versions.statistics.column_statistics` says of it.
        words: Of text, how many words a value has on average.
        histogram: Of numbers and moments with at least two values.
        doubts: What a person should look at.
    """

    name: str
    statistics: Mapping[str, Any]
    words: float | None = None
    histogram: Histogram | None = None
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Description:
    """A table.

    Attributes:
        name: What it is called.
        rows: How many rows it has.
        repeated: How many of them are equal, value for value, to a row before them.
        contract: The contract it keeps, if any.
        columns: Its columns, in their order.
    """

    name: str
    rows: int
    repeated: int
    contract: str | None
    columns: tuple[ColumnDescription, ...]

    @property
    def doubts(self) -> list[tuple[str, str]]:
        """``(column, doubt)`` of every column."""
        return [(column.name, doubt) for column in self.columns for doubt in column.doubts]


def describe(name: str, table: pl.DataFrame | pl.LazyFrame, contract: str | None = None) -> Description:
    """Describe a table.

    Args:
        name: What it is called.
        table: Canonical columns, ``[rows]`` (:mod:`within_wf.data.versions.canonical`); of a file they are read one by one.
        contract: The contract it keeps, if any.
    """
    statistics = table_statistics(table)
    columns = tuple(_column(column_of(table, column), said) for column, said in statistics.items())
    return Description(name, height_of(table.lazy()), _repeated(table.lazy()) if columns else 0, contract, columns)


def _repeated(table: pl.LazyFrame) -> int:
    """Rows that are equal to one before them; only those of which hashes are equal are compared."""
    hashes = table.select(pl.struct(pl.all()).hash()).collect(engine="streaming").to_series()
    alike = take(table, np.flatnonzero(hashes.is_duplicated().to_numpy()).astype(np.int64))
    return alike.height - alike.n_unique() if alike.height else 0


def _column(column: pl.Series, statistics: Mapping[str, Any]) -> ColumnDescription:
    present = column.drop_nulls()
    words = present.str.count_matches(r"\S+").mean() if column.dtype == pl.String and present.len() else None
    return ColumnDescription(
        column.name,
        statistics,
        float(words) if isinstance(words, int | float) else None,
        _histogram(present),
        tuple(_doubts(column, statistics)),
    )


def _histogram(present: pl.Series) -> Histogram | None:
    """Between the lowest and the highest value; without their hundredths where those would take more than half of the width."""
    moments = present.dtype.is_temporal()
    if moments:
        present = present.cast(pl.Datetime("ms")).to_physical()
    elif not present.dtype.is_numeric():
        return None
    numbers = present.cast(pl.Float64)
    numbers = numbers.filter(numbers.is_finite())
    low, high = _end(numbers.min()), _end(numbers.max())
    inner = [_end(numbers.quantile(share, "nearest")) for share in (0.01, 0.99)]
    cut = 0 < inner[1] - inner[0] < (high - low) / 2
    if cut:
        low, high = inner
    edges = [*(low + (high - low) * i / BINS for i in range(BINS)), high]
    if not all(math.isfinite(edge) for edge in edges) or any(b <= a for a, b in pairwise(edges)):
        return None
    shown = numbers.filter((numbers >= low) & (numbers <= high))
    bins = ((shown - low) / (high - low) * BINS).floor().clip(0, BINS - 1).cast(pl.Int64)
    counted = dict(bins.alias("bin").value_counts(name="rows").iter_rows())
    return Histogram(tuple(edges), tuple(counted.get(i, 0) for i in range(BINS)), cut, moments)


def _end(value: object) -> float:
    return float(value) if isinstance(value, int | float) else math.nan


def _doubts(column: pl.Series, statistics: Mapping[str, Any]) -> list[str]:
    rows, count, distinct = column.len(), statistics["count"], statistics["distinct"]
    if not rows:
        return []
    if not count:
        return ["it has no value"]
    doubts = []
    if statistics["nulls"] > _MANY_MISSING * rows:
        doubts.append(f"{statistics['nulls'] / rows:.1%} of its values are missing")
    if statistics.get("not_finite"):
        doubts.append(f"{statistics['not_finite']:,} values are NaN or infinite")
    if distinct == 1:
        doubts.append("every row has the same value")
    elif statistics["top"] and statistics["top"][0][1] >= _ONE_VALUE * count:
        doubts.append(f"{statistics['top'][0][1] / count:.1%} of its values are {statistics['top'][0][0]!r}")
    if column.dtype == pl.String:
        doubts += _doubts_of_text(column.drop_nulls())
    return doubts


def _doubts_of_text(present: pl.Series) -> list[str]:
    doubts = []
    blank = int((present.str.strip_chars() == "").sum())
    if blank:
        doubts.append(f"{blank:,} values are blank")
    padded = int((present != present.str.strip_chars()).sum()) - blank
    if padded > 0:
        doubts.append(f"{padded:,} values begin or end with a space")
    folded = present.n_unique() - present.str.strip_chars().str.to_lowercase().n_unique()
    if folded:
        doubts.append(f"{folded:,} values differ from another by case or spaces alone")
    return doubts


def moment(milliseconds: float) -> datetime:
    """The moment that a histogram's edge stands for."""
    return datetime.fromtimestamp(milliseconds / 1000, tz=UTC).replace(tzinfo=None)
