"""A model beside its baselines: the numbers, how sure they are, and a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from within_wf.config.training import EvaluationConfig
from within_wf.errors import EvaluationError, Problem
from within_wf.evaluation.bootstrap import Verdict, interval, overall, resamples, row_units, verdict
from within_wf.evaluation.checks import Findings, check_labels, check_probabilities, check_weights
from within_wf.evaluation.metrics import PRIMARY, Task, choose, metric
from within_wf.evaluation.scores import make_scores, pair, plain
from within_wf.evaluation.slices import SliceScores

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
MODEL = "model"


@dataclass(frozen=True)
class Predictions:
    """What is judged: the test rows alone.

    Attributes:
        truth: Shape [n]; 0 or 1 for binary tasks.
        model: The model's prediction, shape [n]; a probability for binary tasks.
        baselines: Each baseline's prediction, shape [n].
        weight: How much a row counts, shape [n]; ones where there is none.
        units: What is resampled together, int64, shape [n] (`within_wf.evaluation.bootstrap`); rows where there is none.
        slices: Column to the value of each row, shape [n].
        sensitive: The columns of ``slices`` that name groups of people.
        ids: What the rows are called in errors.
    """

    truth: object
    model: object
    baselines: Mapping[str, object] = field(default_factory=dict)
    weight: object | None = None
    units: Ints | None = None
    slices: Mapping[str, npt.NDArray[np.str_]] = field(default_factory=dict)
    sensitive: frozenset[str] = frozenset()
    ids: list[str] | None = None


@dataclass(frozen=True)
class _Checked:
    truth: Floats
    scores: dict[str, Floats]
    weight: Floats
    units: Ints


def judge(task: Task, predictions: Predictions, config: EvaluationConfig) -> dict[str, Any]:
    """Judge a model's predictions beside its baselines'.

    Args:
        task: ``regression`` or ``binary_classification``.
        predictions: What is judged.
        config: Which metrics, threshold and resamples.

    Returns:
        What stands in ``metrics.json``: ``task``, ``primary_metric``, ``better``, ``rows``, ``verdict``, ``test`` (metrics),
        ``intervals``, ``baselines``, ``slices`` and ``fairness``; a metric that is undefined is none.

    Raises:
        EvaluationError: Naming every row that cannot be judged, or every metric that is not known.
    """
    primary = config.primary_metric or PRIMARY[task]
    names = tuple(dict.fromkeys((primary, *choose(task, config.metrics))))
    better = metric(task, primary).better
    checked = _check(task, predictions)
    scorers = {name: make_scores(task, checked.truth, column, config.threshold) for name, column in checked.scores.items()}
    parts = SliceScores(predictions.slices, checked.weight, names, scorers[MODEL])
    drawn: dict[str, dict[str, list[Floats]]] = {name: {m: [] for m in names} for name in scorers}
    boot = config.bootstrap
    for counts in resamples(checked.units, boot.resamples, boot.seed):
        weight = counts * checked.weight[:, None]
        for name, scorer in scorers.items():
            for m, values in scorer(weight, names).items():
                drawn[name][m].append(values)
        parts.draw(weight, primary)
    resampled = {name: {m: np.concatenate(v) for m, v in metrics.items()} for name, metrics in drawn.items()}

    whole = checked.weight[:, None]
    points = {name: plain(scorer(whole, names)) for name, scorer in scorers.items()}
    intervals = {
        name: {m: pair(interval(v, boot.confidence)) for m, v in metrics.items()} for name, metrics in resampled.items()
    }
    baselines: dict[str, Any] = {}
    for name in predictions.baselines:
        difference = _difference(points, resampled, name, primary, boot.confidence)
        low, high = difference["low"], difference["high"]
        side: Verdict = "level" if low is None or high is None else verdict(low, high, better)
        baselines[name] = {
            "metrics": points[name],
            "intervals": intervals[name],
            "difference": difference,
            "verdict": side,
        }
    return {
        "task": task,
        "primary_metric": primary,
        "better": better,
        "rows": int(checked.truth.size),
        "confidence": boot.confidence,
        "resamples": boot.resamples,
        "units": int(checked.units.max()) + 1,
        "threshold": config.threshold if task == "binary_classification" else None,
        "verdict": overall([b["verdict"] for b in baselines.values() if b["difference"]["value"] is not None]),
        "test": points[MODEL],
        "intervals": intervals[MODEL],
        "baselines": baselines,
        "slices": parts.tables(primary, boot.confidence),
        "fairness": parts.gaps(predictions.sensitive, primary, better, boot.confidence),
    }


def _check(task: Task, predictions: Predictions) -> _Checked:
    if task == "multiclass":
        raise EvaluationError("a multiclass model is judged by ModelEvaluator, without baselines or intervals")
    if MODEL in predictions.baselines:
        raise EvaluationError(
            "a baseline has the model's name",
            [Problem("baselines", repr(MODEL), "another name", "Rename the column of the baseline.")],
        )
    findings = Findings(predictions.ids)
    if task == "regression":
        truth = findings.column("target", predictions.truth)
    else:
        truth = check_labels(findings, "target", predictions.truth, 2)
    rows = truth.size
    scores = {}
    for name, values in {MODEL: predictions.model, **predictions.baselines}.items():
        called = f"prediction of {name}"
        scores[name] = (
            findings.column(called, values, rows)
            if task == "regression"
            else check_probabilities(findings, called, values, rows)
        )
    weight = check_weights(findings, predictions.weight, rows)
    for column, labels in predictions.slices.items():
        if len(labels) != rows:
            findings.problems.append(Problem(f"slice {column}", f"{len(labels)} values", f"{rows}, one a row"))
    findings.finish(rows)
    return _Checked(truth, scores, weight, row_units(rows) if predictions.units is None else predictions.units)


def _difference(
    points: Mapping[str, dict[str, float | None]],
    resampled: Mapping[str, Mapping[str, Floats]],
    baseline: str,
    primary: str,
    confidence: float,
) -> dict[str, float | None]:
    """Model less baseline on the primary metric, both on the same resamples."""
    ours, theirs = points[MODEL][primary], points[baseline][primary]
    bounds = interval(resampled[MODEL][primary] - resampled[baseline][primary], confidence)
    if ours is None or theirs is None or bounds is None:
        return {"value": None, "low": None, "high": None}
    return {"value": ours - theirs, "low": bounds[0], "high": bounds[1]}
