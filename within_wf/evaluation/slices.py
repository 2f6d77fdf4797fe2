"""A model judged on parts of the rows: each industry, each age band."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from within_wf.evaluation.bootstrap import interval
from within_wf.evaluation.scores import Scores, pair, plain

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
MIN_ROWS = 30
"""A slice with fewer rows is shown without an interval and takes no part in a gap: resampling so few says too little."""


class SliceScores:
    """The parts of the rows a model is judged on one by one.

    Args:
        slices: Column to the value of each row, shape [n].
        weight: float64, shape [n].
        make: The scores of some rows, given their numbers.
    """

    def __init__(self, slices: Mapping[str, npt.NDArray[np.str_]], weight: Floats, make: Callable[[Ints], Scores]) -> None:
        self._weight = weight[:, None]
        self._rows: dict[str, dict[str, Ints]] = {}
        self._scores: dict[tuple[str, str], Scores] = {}
        self._drawn: dict[tuple[str, str], list[Floats]] = {}
        for column, values in sorted(slices.items()):
            self._rows[column] = {str(value): np.flatnonzero(values == value).astype(np.int64) for value in np.unique(values)}
            for value, rows in self._rows[column].items():
                self._scores[column, value] = make(rows)
                self._drawn[column, value] = []

    def draw(self, weight: Floats, primary: str) -> None:
        """Take in a few resamples."""
        for (column, value), scorer in self._scores.items():
            rows = self._rows[column][value]
            self._drawn[column, value].append(scorer(weight[rows], [primary])[primary])

    def tables(self, names: tuple[str, ...], primary: str, confidence: float) -> dict[str, Any]:
        """Column to value to rows, metrics and the interval of the primary one."""
        return {
            column: {value: self._row(column, value, names, primary, confidence) for value in values}
            for column, values in self._rows.items()
        }

    def _row(self, column: str, value: str, names: tuple[str, ...], primary: str, confidence: float) -> dict[str, Any]:
        rows = self._rows[column][value]
        drawn = np.concatenate(self._drawn[column, value])
        return {
            "rows": int(rows.size),
            "metrics": plain(self._scores[column, value](self._weight[rows], names)),
            "intervals": {primary: pair(interval(drawn, confidence)) if rows.size >= MIN_ROWS else None},
        }

    def gaps(self, sensitive: Collection[str], primary: str, better: str, confidence: float) -> dict[str, Any]:
        """Sensitive column to the distance between its best and its worst group on the primary metric."""
        gaps: dict[str, Any] = {}
        for column in sorted(set(sensitive) & set(self._rows)):
            points = {
                value: self._scores[column, value](self._weight[rows], [primary])[primary][0]
                for value, rows in self._rows[column].items()
                if rows.size >= MIN_ROWS
            }
            known = {value: float(point) for value, point in points.items() if not np.isnan(point)}
            if len(known) < 2:
                continue
            ordered = sorted(known, key=lambda value: (known[value] if better == "lower" else -known[value], value))
            best, worst = ordered[0], ordered[-1]
            drawn = np.concatenate(self._drawn[column, best]) - np.concatenate(self._drawn[column, worst])
            gaps[column] = {
                "metric": primary,
                "best": best,
                "worst": worst,
                "gap": known[best] - known[worst],
                "interval": pair(interval(drawn, confidence)),
            }
        return gaps
