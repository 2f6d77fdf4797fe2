"""What is true of rows together: keys name one row, moments of a series follow evenly, and shares add up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl

from within_wf.data.layout import Layout
from within_wf.data.rules import Rule

SPACING = "__spacing"
"""What :func:`with_spacing` calls its column."""
_WHOLE = 1_000_000_000
"""What shares are counted in: whole numbers add up to the same in any order."""
_SLACK = 5_000_000
"""How far from 1 the sum of published shares may be, which are rounded."""


def cross_row_rules(layout: Layout, schema: pl.Schema) -> Iterator[Rule]:
    """The rules that compare rows of one table; those of gaps and overlaps read what :func:`with_spacing` adds.

    Args:
        layout: What its columns mean.
        schema: Their types, already found to be those of the layout.
    """
    keys = [*layout.keys, *(name for name in layout.contract.optional_keys if name in schema)]
    if all(key in schema for key in layout.keys):
        known = pl.all_horizontal(pl.col(key).is_not_null() for key in layout.keys)
        repeated = ~pl.struct(keys).is_first_distinct() & known
        expected = f"one row for each {' and '.join(keys)}"
        yield Rule("duplicate", keys[0], repeated, expected, "Keep one of the rows.", needed=True, across=tuple(keys))
    if layout.moments is not None and all(name in schema for name in layout.moments):
        yield from _even(*layout.moments)
    for share in layout.contract.shares:
        if share.column in schema and all(name in schema for name in share.within):
            within = [*share.within, *(name for name in layout.contract.optional_keys if name in schema)]
            yield _adds_up(share.column, within)


def with_spacing(table: pl.DataFrame, series: str, time: str) -> pl.DataFrame:
    """A table with the column that the rules of gaps and overlaps read, so that its moments are put in order once.

    Args:
        table: The rows.
        series: The column that names a series.
        time: The column that orders it.

    Returns:
        The table and Int8 ``SPACING``: 1 where a row is further from the moment before it in its series than is usual, -1 where
        it is nearer, else 0. Usual is the most frequent distance of all, the least of several. The first moments, and those
        that are there twice, are 0.
    """
    # Numbers of the series in any order: neighbours are looked for within one alone, and numbers sort faster than texts.
    number = pl.col(series).cast(pl.String).cast(pl.Categorical).to_physical().alias("series")
    rows = table.select(number, pl.col(time).to_physical().alias("time")).with_row_index("row")
    known = rows.drop_nulls().sort("series", "time", "row", maintain_order=False)
    apart = known.select(
        "row", apart=pl.when(pl.col("series") == pl.col("series").shift()).then(pl.col("time") - pl.col("time").shift())
    )
    counts = apart["apart"].filter(apart["apart"] > 0).value_counts().sort(["count", "apart"], descending=[True, False])
    spacing = np.zeros(table.height, np.int8)
    if not counts.is_empty():
        uneven = apart.filter((pl.col("apart") > 0) & (pl.col("apart") != counts["apart"][0]))
        spacing[uneven["row"].to_numpy()] = np.where(uneven["apart"].to_numpy() > counts["apart"][0], 1, -1)
    return table.with_columns(pl.Series(SPACING, spacing))


def _even(series: str, time: str) -> Iterator[Rule]:
    expected, across = "the usual distance from the moment before it", (series, time)
    gap, overlap = pl.col(SPACING) > 0, pl.col(SPACING) < 0
    yield Rule("gap", time, gap, expected, "Add the moments that are missing before it.", usual="warn", across=across)
    fix = "Join the moments that are too near, or leave one out."
    yield Rule("overlap", time, overlap, expected, fix, usual="warn", across=across)


def _adds_up(column: str, within: Sequence[str]) -> Rule:
    counted = (pl.col(column).clip(-10, 10) * _WHOLE).fill_nan(None).round().cast(pl.Int64)
    total = counted.sum().over(within)
    given = counted.is_not_null()
    broken = (given & ((total - _WHOLE).abs() > _SLACK)).fill_null(value=False)
    expected = f"shares that are 1 together for each {' and '.join(within)}"
    fix = "Add the row that is missing, or correct the shares."
    return Rule("shares_do_not_add_up", column, broken, expected, fix, across=(column, *within))
