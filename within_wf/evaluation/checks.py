"""What must hold of truths, predictions and weights before anything is computed from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from within_wf.errors import EvaluationError, Problem

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
_MOST_NAMED = 20


@dataclass
class Findings:
    """Collects all that is wrong with one input, so that it is told at once.

    Attributes:
        ids: What the rows are called; their numbers where there is nothing better.
    """

    ids: Sequence[str] | None = None
    problems: list[Problem] = field(default_factory=list)

    def column(self, name: str, values: object, rows: int | None = None) -> Floats:
        """``values`` as float64, shape [n]; what is no number or not as long as it should be is noted."""
        try:
            column = np.asarray(values, dtype=np.float64)
        except (TypeError, ValueError):
            self.problems.append(Problem(name, "values that are no numbers", "numbers"))
            return np.zeros(rows or 0)
        if column.ndim != 1 or (rows is not None and column.size != rows):
            wanted = "one number a row" if rows is None else f"{rows} numbers, one a row"
            self.problems.append(Problem(name, f"shape {list(column.shape)}", wanted))
            return np.zeros(rows or 0)
        self.rows(name, column, np.isfinite(column), "a finite number")
        return column

    def rows(self, name: str, column: Floats, good: npt.NDArray[np.bool_], expected: str) -> None:
        """Note the rows of ``column`` that are not ``good``."""
        bad = np.flatnonzero(~good)
        for row in bad[:_MOST_NAMED]:
            called = f" ({self.ids[row]})" if self.ids is not None else ""
            self.problems.append(Problem(f"{name}, row {row}{called}", str(column[row]), expected))
        if bad.size > _MOST_NAMED:
            self.problems.append(Problem(name, f"{bad.size - _MOST_NAMED} more such rows", expected))

    def finish(self, rows: int) -> None:
        """Raise what was found.

        Raises:
            EvaluationError: With every problem.
        """
        if rows == 0 and not self.problems:
            self.problems.append(Problem("rows to judge", "none", "at least one"))
        if self.problems:
            raise EvaluationError("predictions cannot be judged", self.problems)


def check_weights(findings: Findings, weight: object | None, rows: int) -> Floats:
    """Weights as float64, shape [n]; ones where there are none."""
    if weight is None:
        return np.ones(rows)
    weights = findings.column("weight", weight, rows)
    findings.rows("weight", weights, ~(weights < 0), "a weight of 0 or more")
    if rows and not findings.problems and weights.max() == 0:
        findings.problems.append(Problem("weight", "0 in every row", "a positive weight in at least one row"))
    return weights


def check_probabilities(findings: Findings, name: str, values: object, rows: int) -> Floats:
    """Probabilities as float64, shape [n]."""
    column = findings.column(name, values, rows)
    findings.rows(name, column, ~((column < 0) | (column > 1)), "a probability from 0 to 1")
    return column


def check_labels(findings: Findings, name: str, values: object, classes: int, rows: int | None = None) -> Floats:
    """Labels 0 … classes - 1 as float64, shape [n]."""
    column = findings.column(name, values, rows)
    with np.errstate(invalid="ignore"):
        good = ~np.isfinite(column) | ((column >= 0) & (column < classes) & (column == np.floor(column)))
    findings.rows(name, column, good, "0 or 1" if classes == 2 else f"a class from 0 to {classes - 1}")
    return column


Check = Callable[[Findings, str, object, int], Floats]
