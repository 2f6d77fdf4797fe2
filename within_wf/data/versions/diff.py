"""What differs between two versions: columns, rows, distributions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from within_wf.data.schemas import CONTRACTS
from within_wf.data.versions.catalog import rows_of
from within_wf.data.versions.drift import column_drift
from within_wf.data.versions.row_digest import row_hashes
from within_wf.data.versions.statistics import value_of
from within_wf.data.versions.version import Version
from within_wf.errors import DatasetError, Problem
from within_wf.store.local import Store


@dataclass(frozen=True)
class Difference:
    """What differs from one version to another.

    Attributes:
        before: ``name@`` and the first digits of the one.
        after: Of the other.
        same_content: Whether the rows are the same in the same order.
        same_rows: Whether they are the same in any order, by the order-free digest.
        key: The columns that name a row; none where rows are compared whole.
        rows: How many rows each has.
        added: How many rows are only in ``after``.
        removed: How many are only in ``before``.
        changed: How many have the same key and other values; none without a key.
        columns_added: Columns that only ``after`` has, to their types.
        columns_removed: Columns that only ``before`` has, to their types.
        columns_retyped: Columns to both types; their values are not compared.
        changes: Column to how many rows it changed in.
        examples: The first rows that were added, removed and changed.
        drift: Column to how far its distribution moved.
    """

    before: str
    after: str
    same_content: bool
    same_rows: bool
    key: tuple[str, ...]
    rows: tuple[int, int]
    added: int
    removed: int
    changed: int | None
    columns_added: dict[str, str]
    columns_removed: dict[str, str]
    columns_retyped: dict[str, tuple[str, str]]
    changes: dict[str, int]
    examples: dict[str, list[dict[str, Any]]]
    drift: dict[str, dict[str, Any]]


def diff(store: Store, before: Version, after: Version, key: Sequence[str] = (), examples: int = 5) -> Difference:
    """Compare two versions.

    Args:
        store: Where they are.
        before: The one.
        after: The other.
        key: The columns that name a row; by default those of the contract, where both have the same. Without, rows are
            compared whole: a changed row is one removed and one added.
        examples: How many rows of each kind are named.

    Raises:
        DatasetError: A key is not in both, has two types, or does not name a row; everything wrong is named.
        StoreError: A version is damaged.
    """
    old, new = rows_of(store, before), rows_of(store, after)
    names = tuple(key) or _contract_key(before, after)
    common = [column for column in before.schema if after.schema.get(column) == before.schema[column]]
    _check_key(names, (before, after), (old, new))
    rows = _by_key(old, new, names, common, examples) if names else _whole(old, new, common, examples)
    retyped = (column for column in before.schema if column in after.schema and column not in common)
    return Difference(
        before=before.short,
        after=after.short,
        same_content=before.content == after.content,
        same_rows=before.rows_digest == after.rows_digest,
        key=names,
        rows=(before.rows, after.rows),
        columns_added={column: word for column, word in after.schema.items() if column not in before.schema},
        columns_removed={column: word for column, word in before.schema.items() if column not in after.schema},
        columns_retyped={column: (before.schema[column], after.schema[column]) for column in retyped},
        drift={column: column_drift(old[column], new[column]) for column in common if column not in names},
        **rows,
    )


def _contract_key(before: Version, after: Version) -> tuple[str, ...]:
    if before.contract is None or before.contract != after.contract or before.contract not in CONTRACTS:
        return ()
    keys = CONTRACTS[before.contract].keys
    return keys if all(column in version.schema for column in keys for version in (before, after)) else ()


def _check_key(key: Sequence[str], versions: Sequence[Version], tables: Sequence[pl.DataFrame]) -> None:
    problems = []
    for version in versions:
        problems += [
            Problem(f"{version.short}, column {column}", "no such column", f"one of {', '.join(version.schema)}")
            for column in key
            if column not in version.schema
        ]
    if not problems:
        one, other = versions
        problems += [
            Problem(f"{other.short}, column {column}", other.schema[column], f"{one.schema[column]}, as in {one.short}")
            for column in key
            if one.schema[column] != other.schema[column]
        ]
    if not problems and key:
        for version, table in zip(versions, tables, strict=True):
            repeated = table.height - table.select(key).n_unique() if table.height else 0
            if repeated:
                where = f"{version.short}, {' and '.join(key)}"
                cure = "Give further columns with --key."
                problems.append(Problem(where, f"{repeated:,} rows whose key another row has", "one row a key", cure))
    if problems:
        raise DatasetError("the versions cannot be compared row by row", problems)


def _by_key(old: pl.DataFrame, new: pl.DataFrame, key: Sequence[str], common: Sequence[str], examples: int) -> dict[str, Any]:
    names = list(key)
    values = [column for column in common if column not in key]
    both = old.select(*names, *values).join(
        new.select(*names, *values), on=names, how="inner", suffix=_AFTER, nulls_equal=True, maintain_order="left"
    )
    differs = {column: both[column].ne_missing(both[column + _AFTER]) for column in values}
    changed = both.filter(pl.any_horizontal(list(differs.values()))) if values else both.clear()
    added = new.join(old, on=names, how="anti", nulls_equal=True, maintain_order="left")
    removed = old.join(new, on=names, how="anti", nulls_equal=True, maintain_order="left")
    return {
        "added": added.height,
        "removed": removed.height,
        "changed": changed.height,
        "changes": {column: int(where.sum()) for column, where in differs.items() if where.any()},
        "examples": {
            "added": _named(added.select(names), examples),
            "removed": _named(removed.select(names), examples),
            "changed": [_change(row, names, values) for row in changed.head(examples).iter_rows(named=True)],
        },
    }


_AFTER = "\0after"


def _change(row: dict[str, Any], key: Sequence[str], values: Sequence[str]) -> dict[str, Any]:
    """A changed row: its key, and the values that differ."""
    pairs = {column: (row[column], row[column + _AFTER]) for column in values}
    return {
        "key": {column: value_of(row[column]) for column in key},
        "values": {
            column: [value_of(old), value_of(new)]
            for column, (old, new) in pairs.items()
            if old != new and (value_of(old), value_of(new)) != ("nan", "nan")
        },
    }


def _whole(old: pl.DataFrame, new: pl.DataFrame, common: Sequence[str], examples: int) -> dict[str, Any]:
    """Rows that one side has more often than the other, by the columns both have."""
    sides = [table.select(common) for table in (old, new)]
    times = [_numbered(side) for side in sides]
    removed, added = _beyond(sides[0], *times), _beyond(sides[1], *reversed(times))
    named = {"added": _named(added, examples), "removed": _named(removed, examples), "changed": []}
    return {"added": added.height, "removed": removed.height, "changed": None, "changes": {}, "examples": named}


def _beyond(table: pl.DataFrame, mine: pl.DataFrame, other: pl.DataFrame) -> pl.DataFrame:
    """The rows of a table but for as many equal ones as the other has, the first of equal rows left out first."""
    extra = mine.join(other, on=["high", "low", "time"], how="anti", maintain_order="left")
    return table[extra["row"]] if table.width else table


def _numbered(table: pl.DataFrame) -> pl.DataFrame:
    """Half of the hash of each row (128 bits), and which of the rows of that hash it is."""
    words = row_hashes(table).view("<u8") if table.width else np.empty((0, 2), np.uint64)
    hashed = pl.DataFrame({"high": words[:, 0], "low": words[:, 1]}, schema={"high": pl.UInt64, "low": pl.UInt64})
    return hashed.with_row_index("row").with_columns(time=pl.int_range(pl.len()).over("high", "low"))


def _named(rows: pl.DataFrame, examples: int) -> list[dict[str, Any]]:
    return [{column: value_of(value) for column, value in row.items()} for row in rows.head(examples).iter_rows(named=True)]
