"""Rows held against their contract: what breaks it is counted, named and set aside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from within_wf.config.dataset import AdTable, SeriesTable
from within_wf.data.findings import NAMED, rows_named
from within_wf.data.frames import as_frame
from within_wf.data.layout import Layout, contract_layout, layout_of
from within_wf.data.rules import Rule, rules_of
from within_wf.data.schemas import CONTRACTS
from within_wf.errors import DatasetValidationError, Problem


@dataclass(frozen=True)
class Violation:
    """One rule that rows break.

    Attributes:
        rule: The rule.
        count: Rows that break it.
        rows: The first of them; the first row of the table is 1.
        ids: Their keys, as people know them.
    """

    rule: Rule
    count: int
    rows: list[int]
    ids: list[str]


@dataclass(frozen=True)
class Validated:
    """A table, divided.

    Attributes:
        clean: The rows that keep the contract, in their order.
        quarantine: The others, in their order; the column ``rule`` names the rules each breaks.
        violations: What is wrong, by column and rule.
    """

    clean: pl.DataFrame
    quarantine: pl.DataFrame
    violations: list[Violation]

    def report(self, severity: Literal["quarantine", "refuse"] = "quarantine") -> dict[str, Any]:
        """The report of ``validate_data``, as JSON values."""
        return {
            "rows": self.clean.height + self.quarantine.height,
            "clean": self.clean.height,
            "quarantined": self.quarantine.height,
            "violations": [
                {
                    "rule": found.rule.name,
                    "column": found.rule.column,
                    "count": found.count,
                    "severity": severity,
                    "rows": found.ids,
                    "fix": found.rule.fix,
                }
                for found in self.violations
            ],
        }

    def problems(self, table: str) -> list[Problem]:
        """What is wrong, for a person; ``table`` is what the table is called."""
        return [
            Problem(
                f"{table}, column {found.rule.column}, {rows_named(found.rows, found.count)} ({', '.join(found.ids)})",
                found.rule.name.replace("_", " "),
                found.rule.expected,
                found.rule.fix,
            )
            for found in self.violations
        ]


class DataValidator:
    """Holds tables against their contracts."""

    def validate(self, data: Any, schema_type: str) -> bool:
        """Whether every row keeps a contract.

        Args:
            data: A polars or pandas table.
            schema_type: ``ad_performance`` or ``account_health``.

        Raises:
            DatasetValidationError: There is no such contract.
        """
        return not self.problems(data, schema_type)

    def problems(self, data: Any, schema_type: str) -> list[Problem]:
        """Everything that breaks a contract.

        Raises:
            DatasetValidationError: There is no such contract.
        """
        if schema_type not in CONTRACTS:
            known = ", ".join(sorted(CONTRACTS))
            problem = Problem("schema_type", repr(schema_type), f"one of {known}")
            raise DatasetValidationError("there is no such contract", [problem])
        layout = contract_layout(CONTRACTS[schema_type])
        frame = data if isinstance(data, pl.DataFrame) else _with_whole_numbers(as_frame(data, "data"), layout)
        try:
            found = check_rows(frame, layout, "data")
        except DatasetValidationError as error:
            return list(error.problems)
        return found.problems("data")


def validate_table(
    table: pl.DataFrame,
    roles: AdTable | SeriesTable,
    *,
    name: str,
    on_violation: Literal["refuse", "quarantine"],
    max_quarantined_share: float,
) -> Validated:
    """Divide a table into clean rows and quarantine.

    Args:
        table: The table.
        roles: What its columns mean.
        name: What messages call it.
        on_violation: ``refuse`` allows no broken row, ``quarantine`` sets them aside.
        max_quarantined_share: The largest share of rows that may be set aside, in [0, 1].

    Raises:
        DatasetValidationError: The columns are not those that the roles name, rows break the contract and may not, too many
            do, or none is left; with everything that is wrong.
    """
    found = check_rows(table, layout_of(roles), name)
    bad, rows = found.quarantine.height, table.height
    if rows == 0:
        raise DatasetValidationError(f"{name} is empty", [Problem(name, "no row", "at least one")])
    if bad and on_violation == "refuse":
        cure = "correct them, or set data.validation.on_violation to quarantine, which sets them aside"
        raise DatasetValidationError(f"{bad:,} of {rows:,} rows of {name} break its contract; {cure}", found.problems(name))
    if bad == rows or bad > max_quarantined_share * rows:
        limit = f"data.validation.max_quarantined_share allows {max_quarantined_share:.1%}"
        message = f"{bad:,} of {rows:,} rows of {name} ({bad / rows:.1%}) break its contract; {limit}"
        raise DatasetValidationError(message, found.problems(name))
    return found


def check_rows(table: pl.DataFrame, layout: Layout, name: str) -> Validated:
    """Hold every row against a layout.

    Raises:
        DatasetValidationError: Columns are missing or of another type; all of them are named.
    """
    problems = layout.missing(name, table.columns) + layout.wrong_types(name, table.schema)
    if problems:
        raise DatasetValidationError(f"the columns of {name} are not those it should have", problems)
    rules = rules_of(layout, table.schema)
    broken = table.select(rule.broken.alias(str(number)) for number, rule in enumerate(rules))
    clean = table.select(~pl.any_horizontal(rule.broken for rule in rules)).to_series() if rules else None
    violations = [_violation(table, rule, broken[str(number)], layout.keys) for number, rule in enumerate(rules)]
    kept = table if clean is None else table.filter(clean)
    aside = table.clear() if clean is None else table.filter(~clean)
    names = _names(broken.filter(~clean), rules) if clean is not None else []
    quarantine = aside.with_columns(pl.Series("rule", names, pl.String))
    return Validated(kept, quarantine, [found for found in violations if found.count])


def _with_whole_numbers(frame: pl.DataFrame, layout: Layout) -> pl.DataFrame:
    """A pandas table, where whole numbers with gaps between them are floats."""
    whole = [
        name
        for name, kind in layout.kinds.items()
        if kind == "whole" and name in frame and frame[name].dtype.is_float() and (frame[name] % 1 == 0).all()
    ]
    return frame.with_columns(pl.col(whole).cast(pl.Int64))


def _violation(table: pl.DataFrame, rule: Rule, broken: pl.Series, keys: Sequence[str]) -> Violation:
    rows = broken.arg_true().head(NAMED)
    named = table[rows.to_list()].select(pl.col(key).cast(pl.String).fill_null("?") for key in keys if key in table.columns)
    ids = [" ".join(row) for row in named.rows()]
    return Violation(rule, int(broken.sum()), [row + 1 for row in rows], ids)


def _names(broken: pl.DataFrame, rules: Sequence[Rule]) -> list[str]:
    """The rules each row breaks."""
    names = [f"{rule.column}: {rule.name}" for rule in rules]
    return ["; ".join(name for name, is_broken in zip(names, row, strict=True) if is_broken) for row in broken.rows()]
