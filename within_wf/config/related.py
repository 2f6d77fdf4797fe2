"""Other tables of a dataset, and what is true of their rows and those of a model's table together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from within_wf.config.section import Section

_AGGREGATE = re.compile(r"(mean|sum)\((.+)\)")
_SHARE = re.compile(r"(\d+(?:\.\d+)?) ?%")


@dataclass(frozen=True)
class Measure:
    """A column, or what rows of one key come to in it.

    Attributes:
        column: The column.
        how: ``mean``, ``sum``, or none for the value of each row.
    """

    column: str
    how: Literal["mean", "sum"] | None = None


@dataclass(frozen=True)
class Tolerance:
    """How far from a value another may be: ``absolute`` and ``share`` of it together."""

    absolute: float
    share: float


def measure(text: str) -> Measure:
    """What ``spend``, ``sum(spend)`` or ``mean(spend)`` means."""
    match = _AGGREGATE.fullmatch(text)
    if match is None:
        return Measure(text)
    return Measure(match[2].strip(), "mean" if match[1] == "mean" else "sum")


def tolerance(within: float | str) -> Tolerance:
    """What ``0.01`` or ``1 %`` means.

    Raises:
        ValueError: It is neither.
    """
    if not isinstance(within, str):
        return Tolerance(within, 0.0)
    match = _SHARE.fullmatch(within)
    if match is None:
        raise ValueError(f"{within!r} is neither a number nor a share of theirs, such as 1 %")
    return Tolerance(0.0, float(match[1]) / 100.0)


def _an_aggregate(text: str) -> str:
    if measure(text).how is None:
        raise ValueError(f"{text!r} says nothing of several rows: mean({text}) or sum({text})")
    return text


def _a_measure(text: str) -> str:
    if measure(text).how is None and re.fullmatch(r"\w+\(.*\)", text):
        raise ValueError(f"{text!r} is neither a column nor mean(…) or sum(…) of one")
    return text


def _a_tolerance(within: float | str) -> float | str:
    if tolerance(within).absolute < 0:
        raise ValueError(f"{within:g} is below 0, and no distance is")
    return within


class Agreement(Section):
    """Two columns that say the same, put together by a key."""

    ours: Annotated[str, Field(min_length=1), AfterValidator(_a_measure)]
    """A column of the model's table, each row by itself, or ``sum(spend)``, ``mean(spend)`` of its rows that share the key."""
    theirs: Annotated[str, Field(min_length=1), AfterValidator(_an_aggregate)]
    """``mean(score)`` or ``sum(score)`` of the other table's rows of that key."""
    by: Annotated[str, Field(min_length=1)] | Annotated[list[str], Field(min_length=1)]
    """The column of the key, or several; both tables have it."""
    within: Annotated[float | str, AfterValidator(_a_tolerance)] = 0.0
    """How far apart they may be: a number, or a share of theirs (``1 %``). What doubles leave open is always allowed."""

    @property
    def keys(self) -> list[str]:
        """The columns of the key."""
        return [self.by] if isinstance(self.by, str) else list(self.by)


class RelatedTable(Section):
    """Another table of the dataset."""

    to: Literal["ads", "series"] | None = None
    """The model's table it is held against; each one that the dataset has where it is not said."""
    files: list[str] = []
    """Files, folders and patterns, as ``source.files`` has them, in the same folder; a table of the sample world has none."""
    columns: dict[str, str] = {}
    """A column's name here to its name in the files, where they differ."""
    decimal: Literal[".", ","] = "."
    """The decimal mark of numbers in text."""
    skip_lines: int = Field(0, ge=0, le=1000)
    """Lines of CSV above the header."""
    contract: Literal["ad_performance", "account_health", "industry_benchmark", "annotated_training_set"] | None = None
    """The contract that its own rows have to keep."""
    references: dict[str, str] = {}
    """A column of the model's table to the column of this one in which each of its values must stand."""
    referenced_by: dict[str, str] = {}
    """A column of the model's table to the column of this one whose values must each stand in it."""
    agrees: list[Agreement] = []
    """What the model's table and this one say of the same thing."""

    def key_pairs(self) -> list[tuple[str, str]]:
        """The columns that hold the same names: the model's table's and this one's."""
        pairs = [*self.references.items(), *self.referenced_by.items()]
        return list(dict.fromkeys([*pairs, *((key, key) for each in self.agrees for key in each.keys)]))

    @model_validator(mode="after")
    def _says_something(self) -> RelatedTable:
        if not (self.contract or self.references or self.referenced_by or self.agrees):
            raise ValueError("nothing is said of it: contract, references, referenced_by or agrees")
        given = list(self.columns.values())
        twice = sorted({name for name in given if given.count(name) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)} has two names in columns: one is enough")
        return self


def linked_columns(related: Mapping[str, RelatedTable]) -> dict[str, Literal["text", "number"]]:
    """The columns of a model's table that other tables speak of, to what they hold where nobody else says it."""
    keys = [mine for table in related.values() for mine, _ in table.key_pairs()]
    measured = [measure(each.ours).column for table in related.values() for each in table.agrees]
    return {**dict.fromkeys(measured, "number"), **dict.fromkeys(keys, "text")}
