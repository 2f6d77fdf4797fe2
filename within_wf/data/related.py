"""What other tables of a dataset say of a model's own: names that they know, and values that they come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from within_wf.config.related import Agreement, RelatedTable, measure, tolerance
from within_wf.data.findings import NAMED
from within_wf.data.layout import contract_layout, missing_columns
from within_wf.data.rules import Rule
from within_wf.data.schemas import CONTRACTS
from within_wf.data.validator import check_rows
from within_wf.errors import DatasetError, Problem
from within_wf.ops.sums import group_sums

DISAGREEMENT = "disagreement"
_UNKNOWN = "unknown_reference"
_ROUNDING = 1e-9
"""What doubles leave open, as a share of theirs: columns of money are sums of sums that were rounded."""


def related_rules(
    related: Mapping[str, RelatedTable], tables: Mapping[str, pl.DataFrame], name: str, ours: pl.Schema
) -> list[Rule]:
    """What other tables say of the rows of a model's table, as its rules.

    Args:
        related: What is said of each.
        tables: Their rows.
        name: What the model's table is called.
        ours: Its columns.

    Raises:
        DatasetError: Columns are missing on either side, or are of types that cannot be compared; all of them are named.
    """
    problems = [each for table, says in related.items() for each in _misfits(table, says, tables[table].schema, name, ours)]
    if problems:
        raise DatasetError("tables of the dataset cannot be put together", problems)
    rules = []
    for table, says in related.items():
        rows = tables[table]
        for mine, theirs in says.references.items():
            known = rows.select(_text(theirs, rows.schema[theirs])).to_series()
            rules.append(reference_rule(mine, known, table, ours[mine]))
        rules += [_agreement_rule(each, table, rows, ours) for each in says.agrees]
    return rules


def reference_rule(column: str, known: pl.Series, table: str, dtype: pl.DataType) -> Rule:
    """A name that another table must know.

    Args:
        column: The column of names; a missing one refers to nothing.
        known: The names there are, as text.
        table: What the other table is called.
        dtype: The type of ``column``.
    """
    unknown = (~_text(column, dtype).is_in(known.drop_nulls().unique().implode())).fill_null(value=False)
    fix = f"Add it to {table}, or correct the name."
    return Rule(_UNKNOWN, column, unknown, f"one that {table} knows", fix, usual="warn")


def related_reports(
    related: Mapping[str, RelatedTable], tables: Mapping[str, pl.DataFrame], name: str, table: pl.DataFrame | pl.LazyFrame
) -> dict[str, dict[str, Any]]:
    """What is wrong with rows of other tables; nothing is made of them, so nothing is refused or set aside.

    Args:
        related: What is said of each.
        tables: Their rows.
        name: What the model's table is called.
        table: Its rows; of a file the columns that are looked at are read alone.
    """
    ours, reports = table.lazy(), {}
    for other, says in related.items():
        rows = tables[other]
        violations: list[dict[str, Any]] = []
        if says.contract is not None:
            found = check_rows(rows, contract_layout(CONTRACTS[says.contract]), other).report()["violations"]
            violations = [{**entry, "severity": "warn"} for entry in found]
        for mine, theirs in says.referenced_by.items():
            known = ours.select(_text(mine, ours.collect_schema()[mine])).collect(engine="streaming").to_series()
            rule = reference_rule(theirs, known, name, rows.schema[theirs])
            broken = rows.filter(rule.broken)
            if broken.height:
                named = broken[theirs].cast(pl.String).unique(maintain_order=True).head(NAMED).to_list()
                entry = {"rule": rule.name, "column": theirs, "count": broken.height, "severity": "warn"}
                violations.append({**entry, "rows": named, "fix": rule.fix})
        if says.contract is not None or says.referenced_by:
            reports[other] = {"rows": rows.height, "violations": violations}
    return reports


def _misfits(table: str, says: RelatedTable, theirs: pl.Schema, name: str, ours: pl.Schema) -> list[Problem]:
    """What keeps a table from being put together with the model's."""
    measures = [(measure(each.ours).column, measure(each.theirs).column) for each in says.agrees]
    keys = says.key_pairs()
    problems = missing_columns(name, {mine for mine, _ in (*keys, *measures)}, ours.names())
    problems += missing_columns(table, {column for _, column in (*keys, *measures)}, theirs.names())
    for mine, column in keys:
        if mine in ours and column in theirs and ours[mine].is_temporal() != theirs[column].is_temporal():
            found, expected = f"the type {theirs[column]}", f"a type to compare with {ours[mine]}, as {mine} of {name} has"
            problems.append(Problem(f"{table}, column {column}", found, expected, "Write both in one form."))
    for where, schema, columns in ((name, ours, [m for m, _ in measures]), (table, theirs, [t for _, t in measures])):
        problems += [
            Problem(f"{where}, column {column}", f"the type {schema[column]}", "numbers, to compare or to add up")
            for column in dict.fromkeys(columns)
            if column in schema and not schema[column].is_numeric()
        ]
    return problems


def _agreement_rule(agreement: Agreement, table: str, theirs: pl.DataFrame, ours: pl.Schema) -> Rule:
    mine = measure(agreement.ours)
    there = measure(agreement.theirs)
    keys = [str(number) for number in range(len(agreement.keys))]
    known = theirs.select(*_keys(agreement.keys, theirs.schema), pl.col(there.column).cast(pl.Float64).alias("value"))
    compare = partial(_apart, how=mine.how, keys=keys, theirs=_aggregated(known, keys, there.how), within=agreement.within)
    columns = pl.struct(*_keys(agreement.keys, ours), pl.col(mine.column).cast(pl.Float64).alias("value"))
    expected = f"{agreement.theirs} of {table}, by {' and '.join(agreement.keys)}"
    if agreement.within:
        expected += f", within {agreement.within}"
    fix = f"Correct it, or the rows of {table} that say otherwise."
    broken = columns.map_batches(compare, return_dtype=pl.Boolean)
    across = tuple(dict.fromkeys((*agreement.keys, mine.column)))
    return Rule(DISAGREEMENT, mine.column, broken, expected, fix, usual="warn", across=across)


def _keys(columns: Sequence[str], schema: pl.Schema) -> list[pl.Expr]:
    return [_text(column, schema[column]).alias(str(number)) for number, column in enumerate(columns)]


def _text(column: str, dtype: pl.DataType) -> pl.Expr:
    """Names as they compare: a number is what it is written as, and a day is its first moment."""
    value = pl.col(column)
    if dtype.is_temporal():
        return value.cast(pl.Datetime("us")).to_physical().cast(pl.String)
    if dtype.is_float():
        whole = value.cast(pl.Int64, strict=False)
        return pl.when(whole == value).then(whole.cast(pl.String)).otherwise(value.cast(pl.String))
    return value.cast(pl.String)


def _apart(columns: pl.Series, *, how: str | None, keys: list[str], theirs: pl.DataFrame, within: float | str) -> pl.Series:
    """Rows whose value, or what the rows of their key come to, is not theirs; a key that they do not have is not judged.

    Args:
        columns: Struct of the keys and ``value``.
        how: What rows of one key are taken together by; none where each is compared by itself.
        keys: The fields of the key.
        theirs: ``value`` by key; each key once.
        within: How far apart both may be.
    """
    rows = columns.struct.unnest()
    if how is not None:
        rows = rows.select(keys).join(_aggregated(rows, keys, how), on=keys, how="left", maintain_order="left")
    both = rows.join(theirs, on=keys, how="left", suffix=" theirs", maintain_order="left")
    allowed, value = tolerance(within), pl.col("value theirs")
    apart = (pl.col("value") - value).abs()
    most = allowed.absolute + (allowed.share + _ROUNDING) * value.abs()
    # NaN is above every number here and equal to itself: what is not finite agrees with nothing.
    agree = apart.is_finite() & (apart <= most)
    return both.select((~agree).fill_null(value=False).alias(columns.name)).to_series()


def _aggregated(rows: pl.DataFrame, keys: list[str], how: str | None) -> pl.DataFrame:
    """What the known values of each key come to, its sum exact before it is rounded: ``value`` by key, each key once."""
    known = rows.drop_nulls()
    named = known.select(keys).unique(maintain_order=True)
    index = known.join(named.with_row_index("at"), on=keys, how="left", maintain_order="left")["at"].to_numpy()
    sums = group_sums(known["value"].to_numpy(), index, named.height)
    value = sums / np.bincount(index, minlength=named.height) if how == "mean" else sums
    return named.with_columns(pl.Series("value", value, pl.Float64))
