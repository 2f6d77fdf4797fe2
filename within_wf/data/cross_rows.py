"""What is true of rows together: keys name one row, moments of a series follow evenly, shares add up, and names are known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import polars as pl

from within_wf.data.layout import Layout
from within_wf.data.rules import Rule

_WHOLE = 1_000_000_000
"""What shares are counted in: whole numbers add up to the same in any order."""
_SLACK = 5_000_000
"""How far from 1 the sum of published shares may be, which are rounded."""


def cross_row_rules(layout: Layout, schema: pl.Schema) -> Iterator[Rule]:
    """The rules that compare rows of one table.

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


def reference_rule(column: str, known: pl.Series, rule: str, table: str) -> Rule:
    """A name that another table must know.

    Args:
        column: The column of names; a missing one refers to nothing.
        known: The names there are.
        rule: What the rule is called.
        table: What the other table is called.
    """
    names = known.drop_nulls().unique().cast(pl.String).implode()
    unknown = (~pl.col(column).cast(pl.String).is_in(names)).fill_null(value=False)
    fix = f"Add it to {table}, or correct the name."
    return Rule(rule, column, unknown, f"one that {table} knows", fix, usual="warn")


def _even(series: str, time: str) -> Iterator[Rule]:
    # Numbers of the series in any order: neighbours are looked for within one alone, and numbers sort faster than texts.
    number = pl.col(series).cast(pl.String).cast(pl.Categorical).to_physical()
    columns = pl.struct(number.alias("series"), pl.col(time).to_physical().alias("time"))

    def broken(wider: bool) -> pl.Expr:
        return columns.map_batches(partial(_uneven, wider=wider), return_dtype=pl.Boolean)

    expected = "the usual distance from the moment before it"
    both: dict[str, Any] = {"usual": "warn", "across": (series, time)}
    yield Rule("gap", time, broken(True), expected, "Add the moments that are missing before it.", **both)
    yield Rule("overlap", time, broken(False), expected, "Join the moments that are too near, or leave one out.", **both)


def _uneven(columns: pl.Series, *, wider: bool) -> pl.Series:
    """Rows that are further from the moment before them in their series than is usual, or nearer.

    Usual is the most frequent distance of all, the least of several. The first moments, and those that are there twice, are
    never broken.
    """
    rows = columns.struct.unnest().with_row_index("row")
    known = rows.drop_nulls().sort("series", "time", "row", maintain_order=False)
    apart = known.select(
        "row", apart=pl.when(pl.col("series") == pl.col("series").shift()).then(pl.col("time") - pl.col("time").shift())
    )
    counts = apart["apart"].filter(apart["apart"] > 0).value_counts().sort(["count", "apart"], descending=[True, False])
    if counts.is_empty():
        return pl.repeat(False, len(columns), dtype=pl.Boolean, eager=True)
    usual = counts["apart"][0]
    distance = pl.col("apart")
    is_broken = distance > usual if wider else (distance > 0) & (distance < usual)
    found = apart.filter(is_broken)["row"]
    return pl.int_range(len(columns), eager=True).cast(found.dtype).is_in(found.implode())


def _adds_up(column: str, within: Sequence[str]) -> Rule:
    counted = (pl.col(column).clip(-10, 10) * _WHOLE).fill_nan(None).round().cast(pl.Int64)
    total = counted.sum().over(within)
    given = counted.is_not_null()
    broken = (given & ((total - _WHOLE).abs() > _SLACK)).fill_null(value=False)
    expected = f"shares that are 1 together for each {' and '.join(within)}"
    fix = "Add the row that is missing, or correct the shares."
    return Rule("shares_do_not_add_up", column, broken, expected, fix, across=(column, *within))
