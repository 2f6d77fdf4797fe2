"""Rows held against their contract: what breaks it is counted, named and set aside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import polars as pl

from within_wf.config.dataset import AdTable, SeriesTable
from within_wf.config.quality import Severity
from within_wf.data.broken_rows import broken_rows
from within_wf.data.cross_rows import cross_row_rules
from within_wf.data.findings import NAMED
from within_wf.data.frames import as_frame
from within_wf.data.layout import Layout, contract_layout, key_texts, layout_of
from within_wf.data.rules import Rule, rules_of
from within_wf.data.schemas import CONTRACTS
from within_wf.data.validated import Validated, Violation
from within_wf.errors import ConfigError, DatasetValidationError, Problem
from within_wf.store.pieces import height_of, take


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
    table: pl.DataFrame | pl.LazyFrame,
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
        table: The table; of a file it is read piece by piece.
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
    rows, bad = found.rows, found.aside
    if rows == 0:
        raise DatasetValidationError(f"{name} is empty", [Problem(name, "no row", "at least one")])
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
    bad, rows = found.aside, found.rows
    if bad == rows or bad > max_quarantined_share * rows:
        limit = f"data.validation.max_quarantined_share allows {max_quarantined_share:.1%}"
        message = f"{bad:,} of {rows:,} rows of {name} ({bad / rows:.1%}) break its contract; {limit}"
        raise DatasetValidationError(message, problems)


def check_rows(
    table: pl.DataFrame | pl.LazyFrame,
    layout: Layout,
    name: str,
    *,
    on_violation: Literal["refuse", "quarantine"] = "quarantine",
    severity: Mapping[str, Severity] | None = None,
    more: Sequence[Rule] = (),
) -> Validated:
    """Hold every row against a layout.

    Args:
        table: The table; of a file it is read piece by piece.
        layout: What its columns mean.
        name: What messages call it.
        on_violation: What happens to broken rows where neither a rule nor ``severity`` says otherwise.
        severity: The name of a rule to what happens where it is broken.
        more: Rules besides.

    Raises:
        DatasetValidationError: Columns are missing or of another type; all of them are named.
        ConfigError: A rule would be warned of only though nothing can be made of rows that break it.
    """
    table = table.lazy()
    schema = table.collect_schema()
    problems = layout.missing(name, schema) + layout.wrong_types(name, schema)
    if problems:
        raise DatasetValidationError(f"the columns of {name} are not those it should have", problems)
    rules = [*rules_of(layout, schema), *cross_row_rules(layout, schema), *more]
    said = severity or {}
    severities = [said.get(rule.name) or rule.usual or on_violation for rule in rules]
    broken = broken_rows(table, rules)
    _refuse_needed(rules, severities, broken, name)
    kept = pl.repeat(True, height_of(table), dtype=pl.Boolean, eager=True)
    for rows, each in zip(broken, severities, strict=True):
        kept = kept & ~rows if each != "warn" else kept
    violations = _violations(table, rules, severities, broken, [key for key in layout.keys if key in schema])
    return Validated(table, violations, kept, [(rule, rows) for rule, rows in zip(rules, broken, strict=True) if rows.any()])


def _refuse_needed(rules: Sequence[Rule], severities: Sequence[Severity], broken: Sequence[pl.Series], name: str) -> None:
    problems = [
        Problem(f"{name}, column {rule.column}", f"{rule.name}: warn", "refuse or quarantine")
        for rule, severity, rows in zip(rules, severities, broken, strict=True)
        if rule.needed and severity == "warn" and rows.any()
    ]
    if problems:
        raise ConfigError("data.validation.severity warns of rows of which nothing can be made", problems)


def _violations(
    table: pl.LazyFrame,
    rules: Sequence[Rule],
    severities: Sequence[Severity],
    broken: Sequence[pl.Series],
    keys: Sequence[str],
) -> list[Violation]:
    """What is wrong; the keys of the first rows that break each rule are read at once."""
    first = [rows.arg_true().head(NAMED).cast(pl.Int64).to_list() for rows in broken]
    rows = sorted({row for rows in first for row in rows})
    texts = take(table.select(key_texts(keys)), np.array(rows, np.int64)).rows() if keys else [()] * len(rows)
    ids = dict(zip(rows, map(" ".join, texts), strict=True))
    return [
        Violation(rule, int(each.sum()), [row + 1 for row in named], [ids[row] for row in named], severity)
        for rule, severity, each, named in zip(rules, severities, broken, first, strict=True)
        if named
    ]


def _with_whole_numbers(frame: pl.DataFrame, layout: Layout) -> pl.DataFrame:
    """A pandas table, where whole numbers with gaps between them are floats."""
    whole = [
        name
        for name, kind in layout.kinds.items()
        if kind == "whole" and name in frame and frame[name].dtype.is_float() and (frame[name] % 1 == 0).all()
    ]
    return frame.with_columns(pl.col(whole).cast(pl.Int64))
