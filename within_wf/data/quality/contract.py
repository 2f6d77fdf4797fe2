"""What a quality check is told of a table: a contract of the project, or a JSON file of columns, types and ranges."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from within_wf.data.findings import NAMED
from within_wf.data.schemas import CONTRACTS, Contract
from within_wf.data.validator import DataValidator
from within_wf.errors import ConfigError, DatasetNotFoundError, Problem

_KINDS = ("numeric", "text", "boolean", "moment")


class Range(BaseModel):
    """The bounds of a column, both included."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    min: float | None = None
    max: float | None = None


class TableSchema(BaseModel):
    """What a JSON file says of a table.

    Attributes:
        required_columns: Columns that must be there.
        column_types: Column to ``numeric``, ``text``, ``boolean`` or ``moment``.
        value_ranges: Column to its bounds.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    required_columns: list[str] = []
    column_types: dict[str, str] = {}
    value_ranges: dict[str, Range] = Field(default_factory=dict)


def read_schema(source: str | Path | type[Contract]) -> TableSchema | str:
    """A JSON file's schema, or the name of a contract.

    Raises:
        DatasetNotFoundError: There is no such file and no such contract.
        ConfigError: The file is no JSON, or not of this form; everything wrong with it is named.
    """
    if isinstance(source, type):
        return next(name for name, contract in CONTRACTS.items() if contract is source)
    if str(source) in CONTRACTS:
        return str(source)
    path = Path(source)
    if not path.is_file():
        expected = f"a JSON file, or one of the contracts {', '.join(sorted(CONTRACTS))}"
        raise DatasetNotFoundError("there is no such schema", [Problem("schema_path", str(source), expected)])
    try:
        schema = TableSchema.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ConfigError("a schema cannot be read", [Problem(str(path), str(error), "JSON in UTF-8")]) from error
    except ValidationError as error:
        problems = [
            Problem(f"{path}, {'.'.join(map(str, found['loc']))}", str(found["input"])[:40], found["msg"])
            for found in error.errors(include_url=False)
        ]
        raise ConfigError("a schema is not of the form it should have", problems) from error
    wrong = {name: kind for name, kind in schema.column_types.items() if kind not in _KINDS}
    if wrong:
        expected = f"one of {', '.join(_KINDS)}"
        problems = [Problem(f"{path}, column_types.{name}", repr(kind), expected) for name, kind in sorted(wrong.items())]
        raise ConfigError("a schema names types that there are not", problems)
    return schema


def schema_violations(table: pl.DataFrame, schema: TableSchema | str) -> list[dict[str, Any]]:
    """What breaks a schema or a contract, as JSON values; rows count from 0."""
    if isinstance(schema, str):
        found = DataValidator().problems(table, schema)
        return [{"type": "contract", "where": p.where, "found": p.found, "expected": p.expected, "fix": p.cure} for p in found]
    columns = table.columns
    violations: list[dict[str, Any]] = [
        {"type": "missing_column", "column": name} for name in schema.required_columns if name not in columns
    ]
    for name, kind in schema.column_types.items():
        if name in columns and not _is_kind(table.schema[name], kind):
            violations.append({"type": "wrong_type", "column": name, "expected": kind, "actual": str(table.schema[name])})
    for name, bounds in schema.value_ranges.items():
        if name in columns and table.schema[name].is_numeric():
            violations += _beyond(table[name], bounds)
    return violations


def _beyond(column: pl.Series, bounds: Range) -> list[dict[str, Any]]:
    sides = [(bounds.min, "min", column < bounds.min if bounds.min is not None else None)]
    sides += [(bounds.max, "max", column > bounds.max if bounds.max is not None else None)]
    found = []
    for bound, word, broken in sides:
        rows = broken.fill_null(value=False).arg_true().to_list() if broken is not None else []
        if rows:
            first = rows[:NAMED]
            entry = {"type": "out_of_range", "column": column.name, "constraint": f"{word}: {bound:g}", "count": len(rows)}
            found.append({**entry, "rows": first, "values": [column[row] for row in first]})
    return found


def _is_kind(dtype: pl.DataType, kind: str) -> bool:
    return {
        "numeric": dtype.is_numeric(),
        "text": dtype == pl.String or isinstance(dtype, pl.Categorical | pl.Enum),
        "boolean": dtype == pl.Boolean,
        "moment": dtype.is_temporal(),
    }[kind]
