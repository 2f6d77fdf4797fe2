"""Which columns a table must have, and what kind each is."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, get_args

import polars as pl

from within_wf.config.dataset import AdTable, SeriesTable
from within_wf.data.schemas import AccountHealthSchema, AdPerformanceSchema, Contract
from within_wf.errors import Problem

Kind = Literal["text", "whole", "number", "moment"]
EXPECTED: Mapping[Kind, str] = {
    "text": "text",
    "whole": "a whole number",
    "number": "a number",
    "moment": "a date as YYYY-MM-DD, a time as YYYY-MM-DD hh:mm:ss, or a whole number",
}
_KINDS: dict[type, Kind] = {str: "text", int: "whole", float: "number", datetime: "moment"}


@dataclass(frozen=True)
class Layout:
    """The columns of a table.

    Attributes:
        kinds: Every column that has a meaning, to its kind.
        required: Those that the table must have.
        keys: Those that name a row.
        contract: The contract whose rules hold for the columns it names.
        filled: Columns that have a value in every row, besides those of which the contract says so.
        flag: The column that is 0 or 1, if there is one.
        weight: The column that says how much a row counts, if there is one.
        moments: The columns that name a series and order it, if the rows are moments of series.
    """

    kinds: Mapping[str, Kind]
    required: frozenset[str]
    keys: tuple[str, ...]
    contract: type[Contract]
    filled: frozenset[str] = frozenset()
    flag: str | None = None
    weight: str | None = None
    moments: tuple[str, str] | None = None

    def missing(self, where: str, columns: Iterable[str]) -> list[Problem]:
        """A problem for each required column that is not there."""
        return missing_columns(where, self.required, list(columns))

    def wrong_types(self, where: str, schema: pl.Schema) -> list[Problem]:
        """A problem for each column that is of another kind."""
        return [
            Problem(f"{where}, column {name}", f"the type {schema[name]}", EXPECTED[kind], "Write the column with that type.")
            for name, kind in sorted(self.kinds.items())
            if name in schema and not is_kind(schema[name], kind)
        ]


def is_kind(dtype: pl.DataType, kind: Kind) -> bool:
    """Whether a column of this type holds values of the kind."""
    if kind == "text":
        return dtype == pl.String or isinstance(dtype, pl.Categorical | pl.Enum)
    if kind == "whole":
        return dtype.is_integer()
    if kind == "number":
        return dtype.is_integer() or dtype.is_float()
    return dtype in (pl.Date, pl.Datetime) or dtype.is_integer()


def field_type(annotation: Any) -> type:
    """The type of a field, without None and constraints."""
    inner = [part for part in get_args(annotation) if part is not type(None)]
    return field_type(inner[0]) if inner else annotation


def contract_kinds(contract: type[Contract]) -> dict[str, Kind]:
    """Every field of a contract, to its kind."""
    return {name: _KINDS[field_type(field.annotation)] for name, field in contract.model_fields.items()}


def contract_layout(contract: type[Contract]) -> Layout:
    """The columns a contract asks for."""
    required = frozenset(name for name, field in contract.model_fields.items() if field.is_required())
    layout = Layout(contract_kinds(contract), required, contract.keys, contract, frozenset(contract.keys))
    return replace(layout, moments=("account_id", "date")) if contract is AccountHealthSchema else layout


def ads_layout(roles: AdTable) -> Layout:
    """The columns of a table of ads, by what the dataset says they mean; the contract adds what it knows of others."""
    kinds: dict[str, Kind] = {roles.id: "text", roles.target: "number"}
    kinds |= dict.fromkeys((*roles.text, *roles.categorical, *roles.sensitive), "text")
    kinds |= dict.fromkeys(roles.numeric, "number")
    for column, kind in ((roles.image, "text"), (roles.group, "text"), (roles.weight, "number"), (roles.time, "moment")):
        if column is not None:
            kinds.setdefault(column, kind)  # type: ignore[arg-type]
    filled = {column for column in (roles.id, roles.target, roles.group, roles.time, roles.weight) if column is not None}
    return replace(_with_contract(kinds, (roles.id,), AdPerformanceSchema, frozenset(filled)), weight=roles.weight)


def series_layout(roles: SeriesTable) -> Layout:
    """The columns of a table of series, by what the dataset says they mean; the contract adds what it knows of others."""
    kinds: dict[str, Kind] = {roles.series: "text", roles.time: "moment", roles.label: "whole"}
    kinds |= dict.fromkeys(roles.channels, "number")
    for column in roles.slices:
        kinds.setdefault(column, "text")
    filled = frozenset((roles.series, roles.time, roles.label, *roles.channels))
    layout = _with_contract(kinds, (roles.series, roles.time), AccountHealthSchema, filled, roles.label)
    return replace(layout, moments=(roles.series, roles.time))


def layout_of(roles: AdTable | SeriesTable) -> Layout:
    """The layout of a table whose columns mean what ``roles`` says."""
    return ads_layout(roles) if isinstance(roles, AdTable) else series_layout(roles)


def _with_contract(
    kinds: dict[str, Kind],
    keys: tuple[str, ...],
    contract: type[Contract],
    filled: frozenset[str],
    flag: str | None = None,
) -> Layout:
    """Roles say more than a contract, but a count stays whole though a role takes any number."""
    required = frozenset(kinds)
    for name, kind in contract_kinds(contract).items():
        if kinds.get(name, "number") == "number":
            kinds[name] = kind
    return Layout(kinds, required, keys, contract, filled, flag)


def missing_columns(where: str, required: Iterable[str], given: list[str], *, fixed: bool = False) -> list[Problem]:
    """A problem for each required column that is not there; the names may be ``fixed``, not those of a configuration."""
    return [_missing(where, name, given, fixed) for name in sorted(set(required).difference(given))]


def _missing(where: str, name: str, given: list[str], fixed: bool) -> Problem:
    near = difflib.get_close_matches(name.lower(), [column.lower() for column in given], n=1)
    nearest = next((column for column in given if near and column.lower() == near[0]), None)
    if nearest is None:
        return Problem(f"{where}, column {name}", "no such column", f"one among {', '.join(given) or 'none at all'}")
    cure = f"Rename {nearest} to {name}" + ("." if fixed else f", or name {nearest} in the dataset's configuration.")
    return Problem(f"{where}, column {name}", "no such column", "one of that name", cure)


def key_texts(keys: Iterable[str]) -> list[pl.Expr]:
    """Keys as people know them; ``?`` where one is missing."""
    return [pl.col(key).cast(pl.String).fill_null("?") for key in keys]
