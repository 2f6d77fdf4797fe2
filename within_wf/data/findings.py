"""What is found wrong in the cells of one file: every kind counted, the first rows of each named."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from within_wf.errors import Problem

NAMED = 5
"""Rows of one kind that are named."""
_LONGEST = 40


@dataclass
class _Finding:
    found: list[str] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    count: int = 0


class Findings:
    """Counts what is wrong in a file while it is read.

    Args:
        file: Its name.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self._whole: list[Problem] = []
        self._cells: dict[tuple[str, str, str], _Finding] = {}

    def add(self, problem: Problem) -> None:
        """Note what is wrong with the file as a whole."""
        self._whole.append(problem)

    def add_cells(self, column: str, expected: str, rows: Iterable[int], values: Iterable[object], cure: str = "") -> None:
        """Note cells that are not as expected.

        Args:
            column: The column; empty for whole rows.
            expected: What should stand there.
            rows: Their rows; the first below the header is 1.
            values: What stands there.
            cure: What to do.
        """
        for row, value in zip(rows, values, strict=True):
            finding = self._cells.setdefault((column, expected, cure), _Finding())
            finding.count += 1
            if len(finding.rows) < NAMED:
                finding.rows.append(row)
                finding.found.append(shown(value))

    def problems(self) -> list[Problem]:
        """All that was noted, in the order it was met."""
        problems = list(self._whole)
        for (column, expected, cure), finding in self._cells.items():
            place = f"{self.file}, column {column}" if column else self.file
            where = f"{place}, {rows_named(finding.rows, finding.count)}"
            problems.append(Problem(where, ", ".join(dict.fromkeys(finding.found)), expected, cure))
        return problems


def rows_named(rows: list[int], count: int) -> str:
    """``row 7``, or ``rows 7, 9 and 3 more``."""
    named = ", ".join(map(str, rows))
    more = f" and {count - len(rows):,} more" if count > len(rows) else ""
    return f"row{'s' if count > 1 else ''} {named}{more}"


def shown(value: object) -> str:
    """A value as a message shows it, cut where it is long."""
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
