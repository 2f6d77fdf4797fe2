"""Tables larger than memory: read and written some rows at a time, the same bytes however many."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
from polars.io.plugins import register_io_source

from within_wf.store.canonical import write_parquet

ROWS = 100_000
"""Rows of a piece: those of a row group, so that a piece of a file is one."""


SORTED_ROWS = 500_000
"""Rows that are sorted at once."""


def height_of(table: pl.LazyFrame) -> int:
    """The rows of a table."""
    return int(table.select(pl.len()).collect(engine="streaming").item())


def pieces(table: pl.LazyFrame, rows: int = ROWS) -> Iterator[pl.DataFrame]:
    """A table of a file or in memory, some rows after the other; at least one piece, which has no rows where it has none."""
    for begin in range(0, max(1, height_of(table)), rows):
        yield table.slice(begin, rows).collect(engine="streaming")


def take(table: pl.LazyFrame, rows: npt.NDArray[np.int64], piece: int = ROWS) -> pl.DataFrame:
    """Some rows of a table in their order; only the pieces that hold any are read.

    Args:
        table: The table.
        rows: Their numbers from 0, ascending; shape [n].
        piece: Rows that are read at once.
    """
    found = [table.clear().collect()]
    for number in np.unique(rows // piece).tolist():
        begin = number * piece
        inside = rows[np.searchsorted(rows, begin) : np.searchsorted(rows, begin + piece)] - begin
        found.append(table.slice(begin, piece).collect(engine="streaming")[inside])
    return pl.concat(found).rechunk()


def sorted_pieces(table: pl.LazyFrame, by: str, rows: int = SORTED_ROWS) -> Iterator[pl.DataFrame]:
    """A table in the order of a column whose values are distinct and not missing, some rows after the others.

    The table is read once for the column, and once for each piece; a table of one piece is sorted as it is.
    """
    ordered = table.select(by).collect(engine="streaming").to_series().sort()
    borders = ordered.gather_every(rows).to_list()
    del ordered
    for low, high in pairwise([*borders, None]) if len(borders) > 1 else [(None, None)]:
        bounds = [pl.col(by) >= low] if low is not None else []
        bounds += [pl.col(by) < high] if high is not None else []
        yield table.filter(*bounds).collect(engine="streaming").sort(by)


def write_pieces(path: Path, found: Iterable[pl.DataFrame]) -> int:
    """Write the rows of tables of one schema, one below the other, as :func:`write_parquet` writes them all; say how many.

    Where making a table fails, its error is raised, and no file is left.

    Args:
        path: The file to write.
        found: The tables, at least one.
    """
    rows = 0
    made = iter(found)
    first = next(made)

    def source(
        columns: Sequence[str] | None, predicate: pl.Expr | None, count: int | None, size: int | None
    ) -> Iterator[pl.DataFrame]:
        nonlocal rows
        for piece in chain([first], made):
            rows += piece.height
            yield piece

    try:
        write_parquet(path, register_io_source(source, schema=first.schema))
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return rows
