"""What every kind of prediction has in common once it is scored."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from within_wf.evaluation.binary import BinaryScores
from within_wf.evaluation.metrics import Task
from within_wf.evaluation.regression import RegressionScores

Floats = npt.NDArray[np.float64]
Scores = RegressionScores | BinaryScores


def make_scores(task: Task, truth: Floats, prediction: Floats, threshold: float) -> Scores:
    """The metrics of one column of predictions of a regression or binary task."""
    if task == "regression":
        return RegressionScores(truth, prediction)
    return BinaryScores(truth, prediction, (prediction >= threshold).astype(np.float64))


def plain(values: Mapping[str, Floats], group: int | None = None) -> dict[str, float | None]:
    """The values under the first weighting, or those of a group, none where they are undefined."""
    place = 0 if group is None else (0, group)
    return {name: None if np.isnan(value[place]) else float(value[place]) for name, value in values.items()}


def pair(bounds: tuple[float, float] | None) -> list[float] | None:
    """An interval as JSON has it."""
    return None if bounds is None else list(bounds)
