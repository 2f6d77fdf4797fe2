"""The data of the plots, thinned to what a plot can show; the same points every time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from within_wf.evaluation.metrics import Task
from within_wf.evaluation.ranks import Ranking
from within_wf.evaluation.weighted import divide, weighted_sum
from within_wf.ops.sums import group_sums

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
MAX_POINTS = 600
MAX_CURVE_POINTS = 200
HISTOGRAM_BINS = 24
CALIBRATION_BINS = 10
_DIGITS = 6
"""Digits after the point of what is drawn: a thousandth of a pixel."""


def draw_curves(
    task: Task,
    truth: Floats,
    prediction: Floats,
    weight: Floats,
    baselines: Mapping[str, Floats] | None = None,
) -> dict[str, Any]:
    """What the plots of a model show.

    Args:
        task: ``regression`` or ``binary_classification``.
        truth: float64, shape [n], n at least 1.
        prediction: float64, shape [n].
        weight: float64, shape [n].
        baselines: Each baseline's prediction, shape [n]; drawn as curves of a binary task.

    Returns:
        For regression ``scatter`` (predicted and actual of up to 600 rows), ``residuals`` (a histogram) and ``calibration``
        (mean prediction and mean truth by tenths of the predictions); for binary tasks ``roc`` and ``pr`` of the model and
        of each baseline, ``calibration`` and ``scores`` (histograms of the probability by class).
    """
    calibration = _calibration(truth, prediction, weight)
    if task == "regression":
        return {
            "scatter": _scatter(truth, prediction),
            "residuals": _histogram(prediction - truth, HISTOGRAM_BINS),
            "calibration": calibration,
        }
    columns = {"model": prediction, **(baselines or {})}
    curves = {name: _ranked_curves(truth, column, weight) for name, column in columns.items()}
    return {
        "roc": {name: roc for name, (roc, _) in curves.items()},
        "pr": {name: pr for name, (_, pr) in curves.items()},
        "calibration": calibration,
        "scores": _scores(truth, prediction),
        "positive_share": _list(divide(weighted_sum(weight[:, None], truth), weighted_sum(weight[:, None])))[0],
    }


def _scatter(truth: Floats, prediction: Floats) -> dict[str, list[float]]:
    """Rows at even distances in the order of their predictions."""
    order = np.lexsort((truth, prediction))
    kept = order[_even(order.size, MAX_POINTS)]
    return {"predicted": _list(prediction[kept]), "actual": _list(truth[kept])}


def _histogram(values: Floats, bins: int) -> dict[str, list[float] | list[int]]:
    """Counts in bins of equal width from the 0.5 % to the 99.5 % quantile; what lies beyond is counted in the outer bins."""
    low, high = (float(q) for q in np.quantile(values, [0.005, 0.995]))
    if low == high:
        low, high = low - 0.5, high + 0.5
    edges = np.round(np.linspace(low, high, bins + 1), _DIGITS)
    place = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, bins - 1)
    return {"edges": _list(edges), "counts": np.bincount(place, minlength=bins).tolist()}


def _scores(truth: Floats, prediction: Floats) -> dict[str, Any]:
    edges = np.linspace(0, 1, HISTOGRAM_BINS + 1)
    place = np.minimum((prediction * HISTOGRAM_BINS).astype(np.int64), HISTOGRAM_BINS - 1)
    counts = {
        name: np.bincount(place[truth == label], minlength=HISTOGRAM_BINS).tolist()
        for name, label in (("negative", 0), ("positive", 1))
    }
    return {"edges": _list(edges), **counts}


def _calibration(truth: Floats, prediction: Floats, weight: Floats) -> dict[str, Any]:
    """Means by tenths of the rows in the order of the predictions; equal predictions stay together."""
    ranking = Ranking(prediction)
    place = ranking.places()
    bins = np.minimum(place * CALIBRATION_BINS // prediction.size, CALIBRATION_BINS - 1)
    columns = np.stack([weight, weight * prediction, weight * truth], axis=1)
    sums = np.asarray(group_sums(np.ascontiguousarray(columns), bins, CALIBRATION_BINS))
    rows = np.bincount(bins, minlength=CALIBRATION_BINS)
    kept = sums[:, 0] > 0
    return {
        "predicted": _list(divide(sums[:, 1], sums[:, 0])[kept]),
        "actual": _list(divide(sums[:, 2], sums[:, 0])[kept]),
        "rows": rows[kept].tolist(),
    }


def _ranked_curves(truth: Floats, prediction: Floats, weight: Floats) -> tuple[dict[str, Any], dict[str, Any]]:
    """ROC and precision–recall curves, of whose points the operators give none; empty where a class is missing."""
    ranking = Ranking(prediction, descending=True)
    hits = ranking.cumulate((weight * truth)[:, None])[:, 0]
    misses = ranking.cumulate((weight * (1 - truth))[:, None])[:, 0]
    if hits[-1] == 0 or misses[-1] == 0:
        return {"x": [], "y": []}, {"x": [], "y": []}
    kept = _even(hits.size, MAX_CURVE_POINTS)
    recall, fallout = hits / hits[-1], misses / misses[-1]
    precision = divide(hits, hits + misses, 1.0)
    roc = {"x": [0.0, *_list(fallout[kept])], "y": [0.0, *_list(recall[kept])]}
    return roc, {"x": _list(recall[kept]), "y": _list(precision[kept])}


def _even(size: int, most: int) -> Ints:
    """Up to ``most`` places at even distances, the first and the last among them."""
    if size <= most:
        return np.arange(size, dtype=np.int64)
    return np.arange(most, dtype=np.int64) * (size - 1) // (most - 1)


def _list(values: Floats) -> list[float]:
    rounded: list[float] = (np.round(values, _DIGITS) + 0.0).tolist()
    return rounded
