"""What quality checks find, as entries of a report and rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from within_wf.config.quality import Severity
from within_wf.data.findings import NAMED, rows_named
from within_wf.errors import Problem

SCHEMA = {
    "check": pl.String,
    "column": pl.String,
    "method": pl.String,
    "id": pl.String,
    "score": pl.Float64,
    "note": pl.String,
}


@dataclass(frozen=True)
class Suspect:
    """One row that a check suspects.

    Attributes:
        row: Its place in the table, from 0.
        id: Its keys, as people know them.
        score: How far it is off; none where a check has no scale.
        note: What stands there, or what it is like.
        spare: Whether it is set aside where the check sets rows aside.
    """

    row: int
    id: str
    score: float | None
    note: str
    spare: bool = True


@dataclass(frozen=True)
class Finding:
    """What one check found in one column, or in rows as a whole.

    Attributes:
        check: ``outliers``, ``near_duplicates``, ``leakage`` or ``wrong_labels``.
        column: The column; none for rows as a whole.
        method: How it was found.
        severity: What happens.
        expected: What would be right, in words.
        fix: What a person can do.
        suspects: The rows; none where the column itself is suspected.
        score: The column's score, where it is.
    """

    check: str
    column: str | None
    method: str
    severity: Severity
    expected: str
    fix: str
    suspects: list[Suspect] = field(default_factory=list)
    score: float | None = None

    def ranked(self) -> list[Suspect]:
        """The suspects, the furthest off first; the same for any order of the table's rows."""
        return sorted(self.suspects, key=lambda each: (-(each.score or 0.0), each.id, each.note))

    def entry(self) -> dict[str, Any]:
        """What the report says, as JSON values."""
        return {
            "check": self.check,
            "column": self.column,
            "method": self.method,
            "severity": self.severity,
            "count": len(self.suspects),
            "rows": [each.id for each in self.ranked()[:NAMED]],
            "score": self.score,
            "fix": self.fix,
        }

    def problem(self, table: str) -> Problem:
        """What is wrong, for a person; ``table`` is what the table is called."""
        first = self.ranked()[:NAMED]
        where = f"{table}, column {self.column}" if self.column else table
        if first:
            rows = rows_named([each.row + 1 for each in first], len(self.suspects))
            where = f"{where}, {rows} ({', '.join(each.id for each in first)})"
        what = self.check.replace("_", " ")
        found = what if self.score is None else f"{what}, a score of {self.score:.3f}"
        return Problem(where, f"{found} by {self.method.replace('_', ' ')}", self.expected, self.fix)


def suspects_table(findings: Sequence[Finding]) -> pl.DataFrame:
    """Every suspect row, by check and column, the furthest off first."""
    rows = [
        (found.check, found.column, found.method, each.id, each.score, each.note)
        for found in findings
        for each in found.ranked()
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def rows_to_set_aside(findings: Sequence[Finding]) -> dict[int, str]:
    """Row to why it is set aside, of the findings whose severity says so."""
    reasons: dict[int, list[str]] = {}
    for found in findings:
        if found.severity == "quarantine":
            name = f"{found.column or 'row'}: {found.check}"
            for row in sorted({each.row for each in found.suspects if each.spare}):
                known = reasons.setdefault(row, [])
                if name not in known:
                    known.append(name)
    return {row: "; ".join(names) for row, names in reasons.items()}
