"""A model judged on parts of the rows: each industry, each age band."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from within_wf.evaluation.bootstrap import interval
from within_wf.evaluation.scores import Scores, pair, plain
from within_wf.evaluation.weighted import Groups

Floats = npt.NDArray[np.float64]
MIN_ROWS = 30
"""A slice with fewer rows is shown without an interval and takes no part in a gap: resampling so few says too little."""


class SliceScores:
    """The parts of the rows a model is judged on one by one: those of a column are measured together.

    Args:
        slices: Column to the value of each row, shape [n].
        weight: float64, shape [n].
        names: The metrics.
        scores: Those of the model.
    """

    def __init__(
        self,
        slices: Mapping[str, npt.NDArray[np.str_]],
        weight: Floats,
        names: tuple[str, ...],
        scores: Scores,
    ) -> None:
        self._groups = {column: Groups.of(values) for column, values in sorted(slices.items())}
        self._scores = scores
        self._points = {column: scores(weight[:, None], names, groups) for column, groups in self._groups.items()}
        self._drawn: dict[str, list[Floats]] = {column: [] for column in self._groups}

    def draw(self, weight: Floats, primary: str) -> None:
        """Take in a few resamples."""
        for column, groups in self._groups.items():
            self._drawn[column].append(self._scores(weight, [primary], groups)[primary])

    def tables(self, primary: str, confidence: float) -> dict[str, Any]:
        """Column to value to rows, metrics and the interval of the primary one."""
        return {column: self._table(column, primary, confidence) for column in self._groups}

    def _table(self, column: str, primary: str, confidence: float) -> dict[str, Any]:
        groups, drawn = self._groups[column], np.concatenate(self._drawn[column])
        return {
            value: {
                "rows": rows,
                "metrics": plain(self._points[column], number),
                "intervals": {primary: pair(interval(drawn[:, number], confidence)) if rows >= MIN_ROWS else None},
            }
            for number, (value, rows) in enumerate(zip(groups.names, groups.rows(), strict=True))
        }

    def gaps(self, sensitive: Collection[str], primary: str, better: str, confidence: float) -> dict[str, Any]:
        """Sensitive column to the distance between its best and its worst group on the primary metric."""
        gaps: dict[str, Any] = {}
        for column in sorted(set(sensitive) & set(self._groups)):
            groups = self._groups[column]
            points = self._points[column][primary][0].tolist()
            known = [g for g, rows in enumerate(groups.rows()) if rows >= MIN_ROWS and not np.isnan(points[g])]
            if len(known) < 2:
                continue
            ordered = sorted(known, key=lambda g: (points[g] if better == "lower" else -points[g], g))
            best, worst = ordered[0], ordered[-1]
            drawn = np.concatenate(self._drawn[column])
            gaps[column] = {
                "metric": primary,
                "best": groups.names[best],
                "worst": groups.names[worst],
                "gap": points[best] - points[worst],
                "interval": pair(interval(drawn[:, best] - drawn[:, worst], confidence)),
            }
        return gaps
