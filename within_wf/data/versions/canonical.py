"""One form for the rows of a table, whatever file they came from: the same bytes for the same rows in the same order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import polars as pl

from within_wf.data.readers.cells import plain
from within_wf.errors import DatasetError, Problem
from within_wf.store.pieces import pieces
from within_wf.store.table_writer import TableWriter

TYPES: dict[str, type[pl.DataType]] = {
    "text": pl.String,
    "whole": pl.Int64,
    "unsigned": pl.UInt64,
    "number": pl.Float64,
    "flag": pl.Boolean,
    "day": pl.Date,
    "moment": pl.Datetime,
}
"""The types a version has: moments in microseconds without a time zone, numbers in double precision."""


def canonical(table: pl.DataFrame, name: str) -> pl.DataFrame:
    """A table whose columns have the types of ``TYPES``, and whose NaN are all the same.

    Args:
        table: The rows.
        name: What messages call it.

    Raises:
        DatasetError: A column holds what no version can, or there is no column at all; every such column is named.
    """
    if not table.width:
        raise DatasetError(f"{name} has no columns", [Problem(name, "no column", "at least one")])
    columns = [plain(column) for column in table.get_columns()]
    expected = "text, numbers, flags, days or moments"
    problems = [
        Problem(f"{name}, column {before.name}", f"the type {before.dtype}", expected, "Write it with such a type.")
        for before, column in zip(table.get_columns(), columns, strict=True)
        if type_name(column.dtype) is None
    ]
    if problems:
        raise DatasetError(f"{name} cannot be kept as a version", problems)
    return pl.DataFrame([_one_nan(column) for column in columns])


def canonical_pieces(table: pl.LazyFrame, name: str) -> Iterator[pl.DataFrame]:
    """What :func:`canonical` makes of a table, some rows after the others.

    Raises:
        DatasetError: As :func:`canonical`, before anything is read.
    """
    canonical(table.clear().collect(), name)
    return (canonical(piece, name) for piece in pieces(table))


def type_name(dtype: pl.DataType) -> str | None:
    """The word of ``TYPES`` for a type; none where a version cannot hold it."""
    return next((word for word, kind in TYPES.items() if dtype.base_type() == kind), None)


def schema_of(table: pl.LazyFrame) -> dict[str, str]:
    """Column to the word of its type, in the order of the columns."""
    return {column: type_name(dtype) or str(dtype) for column, dtype in table.collect_schema().items()}


def write_rows(path: Path, found: Iterable[pl.DataFrame]) -> pl.LazyFrame:
    """Write canonical tables, one below the other, as one Parquet file.

    Returns:
        The file; its bytes depend on rows, their order and pyarrow's version alone.
    """
    with TableWriter(path) as writer:
        for piece in found:
            writer.write_table(piece.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest()))
    return pl.scan_parquet(path)


def _one_nan(column: pl.Series) -> pl.Series:
    return column.fill_nan(float("nan")) if column.dtype == pl.Float64 else column
