"""A table held against its contract: what breaks it, and its rows divided, which stay in their file until they are read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl

from within_wf.config.quality import Severity
from within_wf.data.findings import rows_named
from within_wf.data.rules import Rule
from within_wf.errors import Problem
from within_wf.store.pieces import pieces


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
        table: The table; of a file it is read piece by piece.
        violations: What is wrong, by column and rule.
        kept: Whether each row is clean: keeps the contract, or breaks only rules that are warned of; bool, shape [rows].
        broken: The rules that rows break, and whether each row does, bool, shape [rows].
        reasons: Rows that were set aside besides, from 0, to why.
    """

    table: pl.LazyFrame
    violations: list[Violation]
    kept: pl.Series
    broken: Sequence[tuple[Rule, pl.Series]]
    reasons: Mapping[int, str] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Rows of the table."""
        return self.kept.len()

    @property
    def aside(self) -> int:
        """Rows in quarantine."""
        return self.rows - int(self.kept.sum())

    @property
    def clean(self) -> pl.DataFrame:
        """The clean rows, in their order."""
        return self.table.collect() if self.kept.all() else pl.concat(self.clean_pieces(), rechunk=True)

    @property
    def quarantine(self) -> pl.DataFrame:
        """The other rows, in their order; the column ``rule`` names the rules each breaks."""
        return pl.concat(self.quarantine_pieces(), rechunk=True)

    def clean_pieces(self) -> Iterator[pl.DataFrame]:
        """The clean rows, some after the others."""
        begin = 0
        for piece in pieces(self.table):
            yield piece.filter(self.kept.slice(begin, piece.height))
            begin += piece.height

    def quarantine_pieces(self, columns: Sequence[str] | None = None) -> Iterator[pl.DataFrame]:
        """The rows in quarantine, some after the others.

        Args:
            columns: The columns to read; all where it is not said.
        """
        begin = 0
        for piece in pieces(self.table if columns is None else self.table.select(columns)):
            rows = (~self.kept.slice(begin, piece.height)).arg_true()
            why = [self.reasons.get(begin + row) or self._broken_by(begin + row) for row in rows]
            yield piece[rows.to_list()].with_columns(pl.Series("rule", why, pl.String))
            begin += piece.height

    def _broken_by(self, row: int) -> str:
        """The rules that a row breaks."""
        return "; ".join(f"{rule.column}: {rule.name}" for rule, rows in self.broken if rows[row])

    def set_aside(self, reasons: Mapping[int, str]) -> Validated:
        """Move clean rows to the quarantine.

        Args:
            reasons: Row of the table, from 0, to why; rows that are in quarantine already are passed over.
        """
        chosen = {row: why for row, why in reasons.items() if self.kept[row]}
        if not chosen:
            return self
        kept = np.array(self.kept)
        kept[list(chosen)] = False
        return replace(self, kept=pl.Series(kept), reasons={**self.reasons, **chosen})

    def report(self) -> dict[str, Any]:
        """The report of ``validate_data``, as JSON values."""
        return {
            "rows": self.rows,
            "clean": self.rows - self.aside,
            "quarantined": self.aside,
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
