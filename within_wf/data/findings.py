"""What is found wrong in the cells of one file: every kind counted, the first rows of each named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
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
        self._units: dict[str, set[str]] = {}

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

    def add_units(self, column: str, units: Set[str]) -> None:
        """Note what the numbers of a column count: currencies, ``%``, or ``""`` where they do not say."""
        self._units.setdefault(column, set()).update(units)

    @property
    def units(self) -> Mapping[str, Set[str]]:
        """What was noted of each column's units."""
        return self._units

    def mixed_units(self) -> list[Problem]:
        """The columns whose numbers count several things."""
        return [_mixed(self.file, *each) for each in self._units.items() if _is_mixed(each[1])]

    def problems(self) -> list[Problem]:
        """All that was noted, in the order it was met."""
        problems = [*self._whole, *self.mixed_units()]
        for (column, expected, cure), finding in self._cells.items():
            place = f"{self.file}, column {column}" if column else self.file
            where = f"{place}, {rows_named(finding.rows, finding.count)}"
            problems.append(Problem(where, ", ".join(dict.fromkeys(finding.found)), expected, cure))
        return problems


def _is_mixed(units: Set[str]) -> bool:
    """Several currencies, or shares in per cent among others: one of the two is a hundred times the other."""
    return len(units - {""}) > 1 or {"", "%"} <= units


def _mixed(file: str, column: str, units: Set[str]) -> Problem:
    found = " and ".join(f"numbers in {unit}" if unit else "numbers without a unit" for unit in sorted(units))
    return Problem(f"{file}, column {column}", found, "one unit", "Convert them to one before they are exported.")


def rows_named(rows: list[int], count: int) -> str:
    """``row 7``, or ``rows 7, 9 and 3 more``."""
    named = ", ".join(map(str, rows))
    more = f" and {count - len(rows):,} more" if count > len(rows) else ""
    return f"row{'s' if count > 1 else ''} {named}{more}"


def shown(value: object) -> str:
    """A value as a message shows it, cut where it is long."""
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
