"""What a contract says of a row, as checks of whole columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from types import NoneType
from typing import Any, get_args

import annotated_types
import polars as pl
from pydantic.fields import FieldInfo

from within_wf.config.quality import Severity
from within_wf.data.layout import Layout, field_type

LARGEST = 1e100
"""What no measure of an advertiser exceeds, and whose squares can still be added up."""


@dataclass(frozen=True)
class Rule:
    """Something that is true of every row.

    Attributes:
        name: The rule's name, as reports show it.
        column: The column it speaks of.
        broken: True where a row breaks it; never null.
        expected: What is expected, in words.
        fix: What a person can do.
        needed: Whether nothing can be made of a row that breaks it, so that it is never only warned of.
        usual: What happens where nobody says otherwise; none for what holds for rows that break a contract.
        across: The columns in which it compares a row with others; none where it looks at each row alone.
    """

    name: str
    column: str
    broken: pl.Expr
    expected: str
    fix: str
    needed: bool = False
    usual: Severity | None = None
    across: tuple[str, ...] = ()


def rules_of(layout: Layout, schema: pl.Schema) -> list[Rule]:
    """The rules that hold for a table: those of its contract on the columns it has, and those of its roles.

    Args:
        layout: What its columns mean.
        schema: Their types, already found to be those of the layout.
    """
    found = [rule for name in schema if name in layout.kinds for rule in _column_rules(layout, name, schema[name])]
    rules = [replace(rule, needed=_is_needed(layout, rule)) for rule in found]
    for pair in layout.contract.ordered:
        if pair.low in schema and pair.high in schema:
            broken = (pl.col(pair.low) > pl.col(pair.high)).fill_null(value=False)
            expected = f"{pair.low} at most {pair.high}"
            rules.append(Rule(pair.rule, pair.column, broken, expected, "Correct the row, or leave it out."))
    return rules


def _is_needed(layout: Layout, rule: Rule) -> bool:
    """Whether a model's table cannot hold such a row: keys, labels and weights are sound, and every number is one."""
    if rule.name in ("not_finite", "too_large"):
        return rule.column in layout.required
    asked = {*layout.filled, *layout.keys}
    if rule.name in ("missing", "empty"):
        return rule.column in asked
    return rule.column in (layout.flag, layout.weight) and rule.column in asked


def _column_rules(layout: Layout, name: str, dtype: pl.DataType) -> Iterator[Rule]:
    column = pl.col(name)
    field = layout.contract.model_fields.get(name)
    if name in layout.filled or (field is not None and not _is_optional(field)):
        yield Rule("missing", name, column.is_null(), "a value", "Fill it in, or leave the row out.")
    if dtype.is_float():
        broken = (~column.is_finite()).fill_null(value=False)
        fix = "Leave the cell empty where nothing was measured."
        yield Rule("not_finite", name, broken, "a finite number", fix)
        beyond = (column.is_finite() & (column.abs() > LARGEST)).fill_null(value=False)
        yield Rule(
            "too_large", name, beyond, f"a number within ±{LARGEST:g}", "Correct the number, or write it in a larger unit."
        )
    if field is not None:
        yield from _constraints(name, field)
    if name == layout.weight and field is None:
        yield Rule("negative", name, (column < 0).fill_null(value=False), "at least 0", "A row that is not to count weighs 0.")
    if name in layout.keys and dtype == pl.String and not _asks_for_letters(field):
        yield _not_empty(name)
    if name == layout.flag and field is None:
        broken = (~column.is_in([0, 1])).fill_null(value=False)
        yield Rule("out_of_range", name, broken, "0 or 1", "Write 1 where it is so, else 0.")


def _constraints(name: str, field: FieldInfo) -> Iterator[Rule]:
    column = pl.col(name)
    bounds = _metadata(field)
    low: Any = next((bound.ge for bound in bounds if isinstance(bound, annotated_types.Ge)), None)
    high: Any = next((bound.le for bound in bounds if isinstance(bound, annotated_types.Le)), None)
    if low is not None:
        below = (column < low).fill_null(value=False)
        if high is None:
            fix = "Correct the number; a correction of an earlier row does not belong in a row of its own."
            yield Rule("negative", name, below, f"at least {low:g}", fix)
        else:
            outside = below | (column > high).fill_null(value=False)
            if field_type(field.annotation) is float:
                outside = outside & column.is_finite().fill_null(value=False)
            yield Rule("out_of_range", name, outside, f"{low:g} to {high:g}", "Correct the number.")
    if _asks_for_letters(field):
        yield _not_empty(name)


def _not_empty(name: str) -> Rule:
    broken = (pl.col(name) == "").fill_null(value=False)
    return Rule("empty", name, broken, "at least one letter", "Give the row a name of its own.")


def _asks_for_letters(field: FieldInfo | None) -> bool:
    return field is not None and any(isinstance(bound, annotated_types.MinLen) for bound in _metadata(field))


def _is_optional(field: FieldInfo) -> bool:
    """Whether a field may be missing."""
    return NoneType in get_args(field.annotation)


def _metadata(field: FieldInfo) -> Sequence[object]:
    """The constraints of a field, of an optional one too."""
    found = list(field.metadata)
    annotations = [field.annotation]
    while annotations:
        inner = annotations.pop()
        found += getattr(inner, "__metadata__", ())
        annotations += get_args(inner)
    return [bound for part in found for bound in _unpacked(part)]


def _unpacked(part: object) -> Sequence[object]:
    return part.metadata if isinstance(part, FieldInfo) else (part,)
