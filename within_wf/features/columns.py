"""The columns that features are made of, and whether a table has them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from within_wf.data.units import column_of
from within_wf.errors import DatasetError, Problem


def check_columns(table: pl.DataFrame | pl.LazyFrame, read: Sequence[str], numbers: Sequence[str]) -> None:
    """Refuse a table that features cannot be made of.

    Args:
        table: The table.
        read: The columns it has to have.
        numbers: Those that have to hold numbers.

    Raises:
        DatasetError: Columns are not there, or hold what is no number; all that are so are named.
    """
    schema = table.lazy().collect_schema()
    missing = [name for name in dict.fromkeys(read) if name not in schema]
    if missing:
        expected = f"one of {', '.join(schema)}"
        raise DatasetError("the rows lack columns", [Problem(f"column {name}", "no such column", expected) for name in missing])
    wrong = [problem for name in dict.fromkeys(numbers) for problem in _no_numbers(table, name, schema[name])]
    if wrong:
        raise DatasetError("columns hold what is no number", wrong)


def _no_numbers(table: pl.DataFrame | pl.LazyFrame, name: str, dtype: pl.DataType) -> Iterator[Problem]:
    if dtype.is_numeric() or dtype.is_temporal() or dtype in (pl.Boolean, pl.Null):
        return
    wrong = column = column_of(table, name)
    if dtype == pl.String:
        wrong = column.filter(column.cast(pl.Float64, strict=False).is_null() & column.is_not_null())
    if wrong.len():
        yield Problem(f"column {name}", f"{wrong[0]!r} among {dtype} values", "numbers")
