"""Rows held against their contract: what breaks it is counted, named and set aside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from within_wf.config.dataset import AdTable, SeriesTable
from within_wf.config.quality import Severity
from within_wf.data.cross_rows import cross_row_rules, with_spacing
from within_wf.data.findings import NAMED, rows_named
from within_wf.data.frames import as_frame
from within_wf.data.layout import Layout, contract_layout, key_texts, layout_of
from within_wf.data.rules import Rule, rules_of
from within_wf.data.schemas import CONTRACTS
from within_wf.errors import ConfigError, DatasetValidationError, Problem


@dataclass(frozen=True)
class Violation:
    """One rule that rows break.

    Attributes:
        rule: The rule.
        count: Rows that break it.
        rows: The first of them; the first row of the table is 1.
        ids: Their keys, as people know them.
        severity: What happens to them.
    """

    rule: Rule
    count: int
    rows: list[int]
    ids: list[str]
    severity: Severity = "quarantine"


@dataclass(frozen=True)
class Validated:
    """A table, divided.

    Attributes:
        clean: The rows that keep the contract, or break only rules that are warned of, in their order.
        quarantine: The others, in their order; the column ``rule`` names the rules each breaks.
        violations: What is wrong, by column and rule.
        kept: Whether each row of the table is in ``clean``, bool, shape [rows].
    """

    clean: pl.DataFrame
    quarantine: pl.DataFrame
    violations: list[Violation]
    kept: pl.Series

    def set_aside(self, reasons: Mapping[int, str]) -> Validated:
        """Move clean rows to the quarantine.

        Args:
            reasons: Row of the table, from 0, to why; rows that are in quarantine already are passed over.
        """
        positions = self.kept.cast(pl.Int64).cum_sum() - 1
        chosen = [row for row in sorted(reasons) if self.kept[row]]
        if not chosen:
            return self
        rows = self.clean[positions.gather(chosen).to_list()].with_columns(
            pl.Series("rule", [reasons[row] for row in chosen], pl.String)
        )
        order = pl.concat([(~self.kept).arg_true().cast(pl.Int64), pl.Series(chosen, dtype=pl.Int64)]).arg_sort()
        kept = self.kept & ~pl.int_range(len(self.kept), eager=True).is_in(pl.Series(chosen, dtype=pl.Int64).implode())
        clean = self.clean.filter(kept.filter(self.kept))
        return Validated(clean, pl.concat([self.quarantine, rows])[order], self.violations, kept)

    def report(self) -> dict[str, Any]:
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
                    "severity": found.severity,
                    "rows": found.ids,
                    "fix": found.rule.fix,
                }
                for found in self.violations
            ],
        }

    def problems(self, table: str) -> list[Problem]:
        """What is wrong and more than a warning, for a person; ``table`` is what the table is called."""
        return [
            Problem(
                f"{table}, column {found.rule.column}, {rows_named(found.rows, found.count)} ({', '.join(found.ids)})",
                found.rule.name.replace("_", " "),
                found.rule.expected,
                found.rule.fix,
            )
            for found in self.violations
            if found.severity != "warn"
        ]


class DataValidator:
    """Holds tables against their contracts."""

    def validate(self, data: Any, schema_type: str) -> bool:
        """Whether every row keeps a contract.

        Args:
            data: A polars or pandas table.
            schema_type: ``ad_performance``, ``account_health``, ``industry_benchmark`` or ``annotated_training_set``.

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
    severity: Mapping[str, Severity] | None = None,
    more: Sequence[Rule] = (),
) -> Validated:
    """Divide a table into clean rows and quarantine.

    Args:
        table: The table.
        roles: What its columns mean.
        name: What messages call it.
        on_violation: ``refuse`` allows no broken row, ``quarantine`` sets them aside.
        max_quarantined_share: The largest share of rows that may be set aside, in [0, 1].
        severity: The name of a rule to what happens where it is broken, if not what ``on_violation`` says.
        more: Rules besides, such as what other tables say.

    Raises:
        ConfigError: A rule would be warned of only though nothing can be made of rows that break it.
        DatasetValidationError: The columns are not those that the roles name, rows break the contract and may not, too many
            do, or none is left; with everything that is wrong.
    """
    said = dict(severity or {})
    found = check_rows(table, layout_of(roles), name, on_violation=on_violation, severity=said, more=more)
    rows = table.height
    if rows == 0:
        raise DatasetValidationError(f"{name} is empty", [Problem(name, "no row", "at least one")])
    bad = found.quarantine.height
    if any(each.severity == "refuse" for each in found.violations):
        cure = "correct them, or set data.validation.on_violation to quarantine, which sets them aside"
        if "refuse" in said.values():
            cure = "correct them, or change data.validation.severity"
        raise DatasetValidationError(f"{bad:,} of {rows:,} rows of {name} break its contract; {cure}", found.problems(name))
    refuse_many(found, name, max_quarantined_share, found.problems(name))
    return found


def refuse_many(found: Validated, name: str, max_quarantined_share: float, problems: Sequence[Problem]) -> None:
    """Refuse a table of which too much is set aside.

    Raises:
        DatasetValidationError: More than the share is, or every row.
    """
    bad, rows = found.quarantine.height, found.clean.height + found.quarantine.height
    if bad == rows or bad > max_quarantined_share * rows:
        limit = f"data.validation.max_quarantined_share allows {max_quarantined_share:.1%}"
        message = f"{bad:,} of {rows:,} rows of {name} ({bad / rows:.1%}) break its contract; {limit}"
        raise DatasetValidationError(message, problems)


def check_rows(
    table: pl.DataFrame,
    layout: Layout,
    name: str,
    *,
    on_violation: Literal["refuse", "quarantine"] = "quarantine",
    severity: Mapping[str, Severity] | None = None,
    more: Sequence[Rule] = (),
) -> Validated:
    """Hold every row against a layout.

    Args:
        table: The table.
        layout: What its columns mean.
        name: What messages call it.
        on_violation: What happens to broken rows where neither a rule nor ``severity`` says otherwise.
        severity: The name of a rule to what happens where it is broken.
        more: Rules besides.

    Raises:
        DatasetValidationError: Columns are missing or of another type; all of them are named.
        ConfigError: A rule would be warned of only though nothing can be made of rows that break it.
    """
    problems = layout.missing(name, table.columns) + layout.wrong_types(name, table.schema)
    if problems:
        raise DatasetValidationError(f"the columns of {name} are not those it should have", problems)
    rules = [*rules_of(layout, table.schema), *cross_row_rules(layout, table.schema), *more]
    said = severity or {}
    severities = [said.get(rule.name) or rule.usual or on_violation for rule in rules]
    broken = with_spacing(table, layout).select(rule.broken.alias(str(number)) for number, rule in enumerate(rules))
    _refuse_needed(rules, severities, broken, name)
    strict = [str(number) for number, each in enumerate(severities) if each != "warn"]
    bad = broken.select(pl.any_horizontal(strict)).to_series() if strict else pl.repeat(False, table.height, eager=True)
    violations = [
        _violation(table, rule, broken[str(number)], layout.keys, severities[number]) for number, rule in enumerate(rules)
    ]
    quarantine = table.filter(bad).with_columns(pl.Series("rule", _names(broken.filter(bad), rules), pl.String))
    return Validated(table.filter(~bad), quarantine, [found for found in violations if found.count], ~bad)


def _refuse_needed(rules: Sequence[Rule], severities: Sequence[Severity], broken: pl.DataFrame, name: str) -> None:
    problems = [
        Problem(f"{name}, column {rule.column}", f"{rule.name}: warn", "refuse or quarantine")
        for number, rule in enumerate(rules)
        if rule.needed and severities[number] == "warn" and broken[str(number)].any()
    ]
    if problems:
        raise ConfigError("data.validation.severity warns of rows of which nothing can be made", problems)


def _with_whole_numbers(frame: pl.DataFrame, layout: Layout) -> pl.DataFrame:
    """A pandas table, where whole numbers with gaps between them are floats."""
    whole = [
        name
        for name, kind in layout.kinds.items()
        if kind == "whole" and name in frame and frame[name].dtype.is_float() and (frame[name] % 1 == 0).all()
    ]
    return frame.with_columns(pl.col(whole).cast(pl.Int64))


def _violation(table: pl.DataFrame, rule: Rule, broken: pl.Series, keys: Sequence[str], severity: Severity) -> Violation:
    rows = broken.arg_true().head(NAMED)
    named = table[rows.to_list()].select(key_texts(key for key in keys if key in table.columns))
    ids = [" ".join(row) for row in named.rows()]
    return Violation(rule, int(broken.sum()), [row + 1 for row in rows], ids, severity)


def _names(broken: pl.DataFrame, rules: Sequence[Rule]) -> list[str]:
    """The rules each row breaks."""
    names = [f"{rule.column}: {rule.name}" for rule in rules]
    return ["; ".join(name for name, is_broken in zip(names, row, strict=True) if is_broken) for row in broken.rows()]
