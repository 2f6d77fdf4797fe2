"""A Parquet file of any size held against a contract: one pass that keeps no rows, and a second where something is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from within_wf.data.cross_rows import compared_columns, cross_row_rules, with_spacing
from within_wf.data.findings import NAMED
from within_wf.data.layout import Layout, contract_layout, key_texts
from within_wf.data.rules import Rule, rules_of
from within_wf.data.schemas import CONTRACTS
from within_wf.data.validator import Violation
from within_wf.errors import DatasetNotFoundError, DatasetValidationError, Problem


def scan_violations(path: Path, schema_type: str) -> list[Violation]:
    """What breaks a contract, by column and rule, as :class:`within_wf.data.DataValidator` finds it in a table.

    Rules of rows are judged in batches. Of rules across rows only the columns they compare are held; keys are held as hashes of
    64 bits, and compared themselves only where two hashes are equal.

    Args:
        path: A Parquet file.
        schema_type: The name of a contract.

    Raises:
        DatasetNotFoundError: There is no such file.
        DatasetValidationError: There is no such contract, or the columns are not those it asks for.
    """
    if schema_type not in CONTRACTS:
        problem = Problem("schema_type", repr(schema_type), f"one of {', '.join(sorted(CONTRACTS))}")
        raise DatasetValidationError("there is no such contract", [problem])
    if not path.is_file():
        raise DatasetNotFoundError("there is nothing to validate", [Problem(str(path), "no file", "a Parquet file")])
    layout = contract_layout(CONTRACTS[schema_type])
    frame = pl.scan_parquet(path)
    schema = frame.collect_schema()
    problems = layout.missing(path.name, schema.names()) + layout.wrong_types(path.name, schema)
    if problems:
        raise DatasetValidationError(f"the columns of {path.name} are not those it should have", problems)
    rules = rules_of(layout, schema)
    keys = [key for key in (*layout.keys, *layout.contract.optional_keys) if key in schema]
    known = pl.all_horizontal(pl.col(key).is_not_null() for key in layout.keys)
    named = (pl.col(keys[0]) if len(keys) == 1 else pl.struct(keys)).filter(known)
    counts = frame.select(
        pl.any_horizontal(rule.broken for rule in rules).any().alias("broken"),
        named.hash().n_unique().alias("distinct"),
        known.sum().alias("named"),
    ).collect(engine="streaming")
    found = _of_rows(frame, rules, layout) if counts["broken"][0] else []
    # As many hashes as keys: no two keys are equal. Fewer can be chance, and the rule itself decides.
    is_unique = counts["distinct"][0] == counts["named"][0]
    across: dict[tuple[str, ...], list[Rule]] = {}
    for rule in cross_row_rules(layout, schema):
        if rule.name != "duplicate" or not is_unique:
            across.setdefault(tuple(compared_columns(rule, layout)), []).append(rule)
    return found + [violation for columns, alike in across.items() for violation in _across(frame, columns, alike, layout)]


def _of_rows(frame: pl.LazyFrame, rules: Sequence[Rule], layout: Layout) -> list[Violation]:
    """The rules that rows break, counted in a pass of its own: most files are sound."""
    counts = frame.select(rule.broken.sum().alias(str(number)) for number, rule in enumerate(rules)).collect(engine="streaming")
    counted = zip(rules, counts.row(0), strict=True)
    return [_violation(frame, rule, layout, int(count)) for rule, count in counted if count]


def _violation(frame: pl.LazyFrame, rule: Rule, layout: Layout, count: int) -> Violation:
    first = frame.with_row_index("__row").filter(rule.broken).select("__row", *key_texts(layout.keys)).head(NAMED)
    return _named(first.collect(engine="streaming"), rule, count)


def _across(frame: pl.LazyFrame, columns: Sequence[str], rules: Sequence[Rule], layout: Layout) -> Iterator[Violation]:
    """Rules that compare rows, on the columns that they compare."""
    table = frame.select(*dict.fromkeys((*layout.keys, *columns))).collect(engine="streaming")
    broken = with_spacing(table, layout).select(rule.broken.alias(str(number)) for number, rule in enumerate(rules))
    for number, rule in enumerate(rules):
        rows = broken[str(number)].arg_true()
        if rows.len():
            first = table[rows.head(NAMED).to_list()].select(pl.Series("__row", rows.head(NAMED)), *key_texts(layout.keys))
            yield _named(first, rule, rows.len())


def _named(first: pl.DataFrame, rule: Rule, count: int) -> Violation:
    rows = [int(row) + 1 for row in first["__row"]]
    ids = [" ".join(row) for row in first.drop("__row").rows()]
    return Violation(rule, count, rows, ids, rule.usual or "quarantine")
