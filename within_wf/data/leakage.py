"""What crosses the sides of a split: ids, groups, near-duplicates, and rows of the future."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from within_wf.data.findings import NAMED, shown
from within_wf.data.units import column_of, problems_of_columns
from within_wf.errors import DatasetError, Problem
from within_wf.store.pieces import height_of, pieces

Kind = Literal["id", "group", "cluster", "text", "time"]
_DIGITS = re.compile(r"\d+")
_CURES: dict[Kind, str] = {
    "id": "Keep one row of each, or name the id as the group.",
    "group": "Take a strategy that keeps groups whole.",
    "cluster": "Name the column as cluster_column.",
    "text": "Find near-duplicates and name their column as cluster_column, or keep one row of each.",
    "time": "Take strategy 'time', or 'group_time' with an embargo.",
}


@dataclass(frozen=True)
class Crossing:
    """What is on more than one side.

    Attributes:
        kind: What it is.
        column: The column, or the columns joined by commas.
        values: Values on more than one side; for ``time``, moments of one side that are not before a later side.
        rows: Rows whose value an earlier side has too; for ``time``, rows at these moments.
        first: The first of the values, in their order.
    """

    kind: Kind
    column: str
    values: int
    rows: int
    first: tuple[str, ...]

    @property
    def problem(self) -> Problem:
        """The same, as a person reads it."""
        more = f" and {self.values - len(self.first):,} more" if self.values > len(self.first) else ""
        values = ", ".join(map(shown, self.first)) + more
        if self.kind == "time":
            found = f"{self.rows:,} rows that do not come before the next side ({values})"
            return Problem(f"column {self.column}", found, "each side before the next", _CURES["time"])
        found = f"{self.values:,} on more than one side, {self.rows:,} rows that an earlier side knows ({values})"
        return Problem(f"column {self.column}", found, f"each {self.kind} on one side", _CURES[self.kind])


def check_split(
    table: pl.DataFrame | pl.LazyFrame,
    sides: npt.ArrayLike,
    *,
    id_column: str | None = None,
    group_column: str | None = None,
    time_column: str | None = None,
    text_columns: Sequence[str] = (),
    cluster_column: str | None = None,
) -> list[Problem]:
    """What leaks from one side of a split to another.

    Args:
        table: The rows; those of a file are read in pieces.
        sides: The side of each row, shape [rows]: 0, 1, 2 and so on, in the order of time where there is one; below 0 none.
        id_column: What names a row.
        group_column: What belongs together.
        time_column: What orders the rows.
        text_columns: Texts, joined in this order; rows whose :func:`normalised` texts are equal are near-duplicates.
        cluster_column: Clusters of near-duplicates that something else found; missing where a row is in none.

    Returns:
        One problem for each column that crosses; a column that is not given is not looked at.

    Raises:
        DatasetError: A column is not there, or ``sides`` has another number of rows.
    """
    found = crossings(
        table,
        sides,
        id_column=id_column,
        group_column=group_column,
        time_column=time_column,
        text_columns=text_columns,
        cluster_column=cluster_column,
    )
    return [crossing.problem for crossing in found]


def crossings(
    table: pl.DataFrame | pl.LazyFrame,
    sides: npt.ArrayLike,
    *,
    id_column: str | None = None,
    group_column: str | None = None,
    time_column: str | None = None,
    text_columns: Sequence[str] = (),
    cluster_column: str | None = None,
) -> list[Crossing]:
    """What :func:`check_split` finds, as numbers."""
    side = pl.Series("side", np.asarray(sides))
    problems = problems_of_columns(table, [], [id_column, group_column, time_column, *text_columns, cluster_column])
    rows = height_of(table.lazy())
    if side.len() != rows:
        problems.append(Problem("sides", f"{side.len():,} sides", f"{rows:,}, one for each row"))
    if problems:
        raise DatasetError("the split cannot be checked", problems)
    found: list[Crossing] = []
    names: dict[Kind, str | None] = {"id": id_column, "group": group_column, "cluster": cluster_column}
    for kind, column in names.items():
        if column is not None:
            found += _of_values(kind, column, _Values(table.lazy(), (column,)), side)
    if text_columns:
        found += _of_values("text", ", ".join(text_columns), _Values(table.lazy(), tuple(text_columns), is_text=True), side)
    if time_column is not None:
        found += _of_time(column_of(table, time_column), side)
    return found


@dataclass(frozen=True)
class _Values:
    """What is looked for on several sides.

    Attributes:
        table: The table.
        columns: Where it stands.
        is_text: Whether it is the normalised text of them all.
    """

    table: pl.LazyFrame
    columns: tuple[str, ...]
    is_text: bool = False

    def pieces(self) -> Iterator[pl.Series]:
        """The value of each row, as text."""
        for piece in pieces(self.table.select(self.columns)):
            yield normalised(piece, self.columns) if self.is_text else piece[self.columns[0]].cast(pl.String)


def normalised(table: pl.DataFrame, columns: Sequence[str]) -> pl.Series:
    """Texts without case, runs of space and values of numbers; missing where nothing is left.

    Args:
        table: The rows.
        columns: Texts, joined in this order.
    """
    parts = [pl.col(column).cast(pl.String) for column in columns]
    texts = table.select(pl.concat_str(parts, separator=" ", ignore_nulls=True).alias("text"))["text"]
    distinct = texts.drop_nulls().unique().to_list()
    plain = [" ".join(_DIGITS.sub("0", text.casefold()).split()) or None for text in distinct]
    return texts.replace_strict(pl.Series(distinct, dtype=pl.String), pl.Series(plain, dtype=pl.String), default=None)


def _of_values(kind: Kind, column: str, values: _Values, side: pl.Series) -> Iterator[Crossing]:
    """Values on more than one side; those whose hash is on one alone are not looked at again."""
    hashes = np.concatenate([piece.hash().to_numpy() for piece in values.pieces()])
    may_cross = pl.Series(_on_several(hashes, side.to_numpy()))
    begin, counts = 0, _counts(pl.Series([], dtype=pl.String), side.clear())
    for piece in values.pieces():
        rows = may_cross.slice(begin, piece.len())
        some = _counts(piece.filter(rows), side.slice(begin, piece.len()).filter(rows))
        counts = pl.concat([counts, some]).group_by("value", "side").agg(pl.col("rows").sum())
        begin += piece.len()
    later = counts.filter(pl.col("side") > pl.col("side").min().over("value"))
    if later.height:
        crossing = later["value"].unique().sort()
        yield Crossing(kind, column, crossing.len(), int(later["rows"].sum()), tuple(crossing[:NAMED]))


def _on_several(values: npt.NDArray[np.uint64], side: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Whether rows of another side have the value of a row too, bool, shape [rows]."""
    found = np.zeros(values.size, np.bool_)
    rows = np.flatnonzero(side >= 0)
    if rows.size:
        rows = rows[np.argsort(values[rows])]
        begins = np.flatnonzero(np.append(True, np.diff(values[rows]) != 0))
        lowest, highest = np.minimum.reduceat(side[rows], begins), np.maximum.reduceat(side[rows], begins)
        found[rows] = np.repeat(lowest != highest, np.diff(np.append(begins, rows.size)))
    return found


def _of_time(moments: pl.Series, side: pl.Series) -> Iterator[Crossing]:
    counts = _counts(moments, side)
    starts = counts.group_by("side").agg(pl.col("value").min()).sort("side", descending=True)
    ends = starts.select("side", pl.col("value").cum_min().shift(1).alias("next"))
    late = counts.join(ends, on="side").filter(pl.col("value") >= pl.col("next"))
    if late.height:
        distinct = late["value"].unique().sort()
        yield Crossing("time", moments.name, distinct.len(), int(late["rows"].sum()), tuple(map(str, distinct[:NAMED])))


def _counts(values: pl.Series, side: pl.Series) -> pl.DataFrame:
    """How many rows of each side have each value, ``value``, ``side`` and ``rows``, in no order."""
    rows = pl.LazyFrame({"value": values, "side": side}).filter(pl.col("side") >= 0, pl.col("value").is_not_null())
    return rows.group_by("value", "side").agg(pl.len().alias("rows")).collect(engine="streaming")


def said(crossing: Crossing) -> str:
    """A crossing that no strategy promised to prevent, in one line."""
    if crossing.kind == "time":
        return f"{crossing.rows:,} rows are not before the side that follows ({crossing.column})"
    return f"{crossing.rows:,} rows share a {crossing.kind} with an earlier side ({crossing.column})"
