"""What is drawn as one: rows by their ids, groups, clusters of near-duplicates, and the classes they belong to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from within_wf.errors import Problem
from within_wf.runtime.streams import Stream, ids_of
from within_wf.store.pieces import height_of

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Units:
    """The units of a table.

    Attributes:
        names: What names each unit, in a fixed order; texts.
        of_row: The unit of each row, int64, shape [rows].
    """

    names: pl.Series
    of_row: Ints

    @property
    def rows(self) -> Ints:
        """How many rows each unit has, int64, shape [units]."""
        return np.bincount(self.of_row, minlength=len(self.names)).astype(np.int64)

    def draws(self, seed: int, purpose: str, repeat: int = 0) -> Floats:
        """A uniform draw in (0, 1) for each unit, of the seed and its name alone; float64, shape [units]."""
        return Stream(seed, purpose, repeat).uniform(ids_of(self.names))[:, 0]


def column_of(table: pl.DataFrame | pl.LazyFrame, name: str) -> pl.Series:
    """One column of a table; of a file it is read alone."""
    return table.lazy().select(name).collect(engine="streaming").to_series()


def problems_of_columns(table: pl.DataFrame | pl.LazyFrame, full: list[str | None], gaps: list[str | None]) -> list[Problem]:
    """What is wrong with the columns a division looks at.

    Args:
        table: The table.
        full: Columns that need a value in every row; none stands for no column.
        gaps: Columns that may have gaps.
    """
    schema = table.lazy().collect_schema()
    problems = []
    for column in dict.fromkeys(name for name in (*full, *gaps) if name is not None):
        if column not in schema:
            problems.append(Problem(f"column {column}", "no such column", f"one of {', '.join(schema)}"))
        elif column in full and (empty := _missing(column_of(table, column))):
            problems.append(Problem(f"column {column}", f"{empty:,} missing values", "a value in every row"))
    return problems


def _missing(column: pl.Series) -> int:
    nans = int(column.is_nan().sum()) if column.dtype.is_float() else 0
    return column.null_count() + nans


def units_of_rows(table: pl.DataFrame | pl.LazyFrame, id_column: str | None) -> Units:
    """Each row a unit, named by its id or else by its place in the table."""
    names = pl.Series(np.arange(height_of(table.lazy()))) if id_column is None else column_of(table, id_column)
    return Units(names.cast(pl.String), np.arange(names.len()))


def units_of_values(column: pl.Series) -> Units:
    """Each distinct value a unit, in the order of their texts."""
    text = column.cast(pl.String)
    names = text.unique().sort()
    numbers = pl.int_range(len(names), eager=True)
    return Units(names, text.replace_strict(names, numbers, return_dtype=pl.Int64).to_numpy())


def with_clusters(units: Units, clusters: pl.Series, *, named: bool) -> Units:
    """Units joined where rows of one cluster belong to them; a row without a cluster joins nothing.

    Args:
        units: Rows or groups.
        clusters: The cluster of each row; missing where it has none.
        named: Whether what is joined bears the cluster's name, so that its draw depends on that alone; otherwise the first name
            among the joined units. Only for units that are rows.
    """
    if named:
        named_by = "\0cluster\0" + clusters.cast(pl.String)
        return units_of_values(pl.select(pl.coalesce(named_by, units.names)).to_series())
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    known = np.flatnonzero(clusters.is_not_null().to_numpy())
    members = units_of_values(clusters.drop_nulls())
    size = len(units.names) + len(members.names)
    edges = (units.of_row[known], len(units.names) + members.of_row)
    graph = coo_array((np.ones(known.size, np.int8), edges), shape=(size, size))
    _, part = connected_components(graph, directed=False)
    _, first, number = np.unique(part[: len(units.names)], return_index=True, return_inverse=True)
    return Units(units.names.gather(first), number.astype(np.int64)[units.of_row])


def strata_of(column: pl.Series, least: int) -> tuple[Ints, list[str]]:
    """The stratum of each row, and the classes that are too small for one of their own.

    Args:
        column: The class of each row.
        least: Rows a class needs; those with fewer are one stratum together.

    Returns:
        int64, shape [rows]; the names of the small classes, in order.
    """
    classes = units_of_values(column)
    small = classes.rows < least
    number = np.where(small, -1, np.arange(small.size))
    return number[classes.of_row], [name for name, is_small in zip(classes.names, small, strict=True) if is_small]
