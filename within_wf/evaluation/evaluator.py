"""The evaluator of the specification: truths and predictions in, a dictionary of metrics out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from within_wf.errors import EvaluationError, Problem
from within_wf.evaluation.binary import BinaryScores
from within_wf.evaluation.checks import Findings, check_labels, check_probabilities, check_weights
from within_wf.evaluation.curves import draw_curves
from within_wf.evaluation.metrics import PRIMARY, Task, check_task, choose, metric
from within_wf.evaluation.multiclass import MulticlassScores
from within_wf.evaluation.regression import RegressionScores
from within_wf.evaluation.scores import plain
from within_wf.evaluation.weighted import Groups
from within_wf.store.canonical import write_json

Floats = npt.NDArray[np.float64]


class ModelEvaluator:
    """Computes the metrics of a model's predictions.

    Args:
        task_type: ``regression``, ``binary_classification`` or ``multiclass``.
        metrics: Metrics to compute; all of the task where there are none.
        primary_metric: The metric that decides; the task's usual one where there is none.
        threshold: Probabilities from here on are called positive; for binary tasks.
        output_dir: Where ``{model_name}_{task_type}.json`` is written, and the curves beside it; nothing is written where
            there is none.

    Raises:
        EvaluationError: An unknown task or metric, or a threshold that is no probability.
    """

    def __init__(
        self,
        task_type: str,
        metrics: Sequence[str] | None = None,
        primary_metric: str | None = None,
        threshold: float = 0.5,
        output_dir: str | Path | None = None,
    ) -> None:
        self.task_type = check_task(task_type)
        self.primary_metric = primary_metric or PRIMARY[self.task_type]
        metric(self.task_type, self.primary_metric)
        self.metrics = choose(self.task_type, metrics or [])
        if not isinstance(threshold, int | float) or not 0 <= threshold <= 1:
            raise EvaluationError("nothing can be called so", [Problem("threshold", repr(threshold), "a probability, 0 to 1")])
        self.threshold = threshold
        self.output_dir = None if output_dir is None else Path(output_dir)

    def evaluate(
        self,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        y_prob: npt.ArrayLike | None = None,
        feature_names: Sequence[str] | None = None,
        class_names: Sequence[str] | None = None,
        model_name: str = "model",
        generate_plots: bool = True,
        *,
        weight: npt.ArrayLike | None = None,
        slices: Mapping[str, npt.ArrayLike] | None = None,
    ) -> dict[str, Any]:
        """The metrics of one model.

        Args:
            y_true: Numbers, shape [n]; classes 0 … k - 1 or their names for classification.
            y_pred: Numbers, shape [n]; for binary tasks probabilities where there is no ``y_prob``, classes otherwise.
            y_prob: Probabilities: of class 1, shape [n], or of both, shape [n, 2], for binary tasks; shape [n, k] for
                multiclass, where the metrics that need them are left out without them.
            feature_names: Kept in the written file for its reader.
            class_names: Names of the classes, in order.
            model_name: Kept in the written file, and its name.
            generate_plots: Whether the data of the plots is written too, where there is an ``output_dir``.
            weight: How much a row counts, shape [n].
            slices: Column to the value of each row: adds ``slices``, column to value to rows and metrics.

        Returns:
            Metric to value, none where it is undefined; for multiclass ``confusion`` too, rows are true classes.

        Raises:
            EvaluationError: Naming every row that cannot be judged.
        """
        if self.output_dir is not None and (not model_name or Path(model_name).name != model_name):
            problem = Problem("model_name", repr(model_name), "a name that can stand in a file's: no folder in it")
            raise EvaluationError("the metrics cannot be written", [problem])
        columns = self._check(y_true, y_pred, y_prob, class_names, weight)
        (result,) = columns.metrics(self.metrics)
        if slices is not None:
            result["slices"] = _by_slice(columns, self.metrics, slices)
        if self.output_dir is not None:
            about = {"model": model_name, "task": self.task_type, "primary_metric": self.primary_metric}
            features = {} if feature_names is None else {"features": list(feature_names)}
            self.output_dir.mkdir(parents=True, exist_ok=True)
            write_json(self.output_dir / f"{model_name}_{self.task_type}.json", {**about, **features, "metrics": result})
            if generate_plots and self.task_type != "multiclass":
                curves = draw_curves(self.task_type, columns.truth, columns.prediction, columns.weight)
                write_json(self.output_dir / f"{model_name}_{self.task_type}_curves.json", curves)
        return result

    def _check(
        self,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        y_prob: npt.ArrayLike | None,
        class_names: Sequence[str] | None,
        weight: npt.ArrayLike | None,
    ) -> _Columns:
        findings = Findings()
        if self.task_type == "multiclass":
            return _check_multiclass(findings, y_true, y_pred, y_prob, class_names, weight)
        if self.task_type == "regression":
            truth = findings.column("y_true", y_true)
            prediction = decision = findings.column("y_pred", y_pred, truth.size)
        else:
            truth = check_labels(findings, "y_true", _numbered(findings, "y_true", y_true, class_names), 2)
            if y_prob is None:
                prediction = check_probabilities(findings, "y_pred", y_pred, truth.size)
                decision = (prediction >= self.threshold).astype(np.float64)
            else:
                of_both = np.asarray(y_prob)
                of_one = of_both[:, 1] if of_both.ndim == 2 and of_both.shape[1] == 2 else of_both
                prediction = check_probabilities(findings, "y_prob", of_one, truth.size)
                called = _numbered(findings, "y_pred", y_pred, class_names)
                decision = check_labels(findings, "y_pred", called, 2, truth.size)
        weights = check_weights(findings, weight, truth.size)
        findings.finish(truth.size)
        return _Columns(self.task_type, truth, prediction, decision, weights)


@dataclass(frozen=True)
class _Columns:
    """Checked columns, ready to be scored; ``prediction`` is empty where there are no probabilities."""

    task: Task
    truth: Floats
    prediction: Floats
    decision: Floats
    weight: Floats
    classes: int = 2

    def metrics(self, names: Sequence[str], groups: Groups | None = None) -> list[dict[str, Any]]:
        """The metrics of all rows, or of each group of them."""
        found = self._scores(self.weight[:, None], [*names, "confusion"] if self.task == "multiclass" else names, groups)
        confusion = found.pop("confusion", None)
        places = [None] if groups is None else range(len(groups.names))
        result: list[dict[str, Any]] = [dict(plain(found, place)) for place in places]
        if confusion is not None:
            tables = confusion if groups is None else confusion[0, :-1]
            for metrics, table in zip(result, tables, strict=True):
                metrics["confusion"] = table.tolist()
        return result

    @cached_property
    def _scores(self) -> RegressionScores | BinaryScores | MulticlassScores:
        if self.task == "regression":
            return RegressionScores(self.truth, self.prediction)
        if self.task == "binary_classification":
            return BinaryScores(self.truth, self.prediction, self.decision)
        probability = self.prediction if self.prediction.size else None
        return MulticlassScores(self.truth.astype(np.int64), self.decision.astype(np.int64), probability, self.classes)


def _check_multiclass(
    findings: Findings,
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    y_prob: npt.ArrayLike | None,
    class_names: Sequence[str] | None,
    weight: npt.ArrayLike | None,
) -> _Columns:
    numbered = [_numbered(findings, name, values, class_names) for name, values in (("y_true", y_true), ("y_pred", y_pred))]
    table = np.zeros((0, 0)) if y_prob is None else np.asarray(y_prob, dtype=np.float64)
    if class_names is not None:
        classes = len(class_names)
    elif table.ndim == 2 and table.shape[1]:
        classes = table.shape[1]
    else:
        known = [float(np.max(values)) for values in numbered if values.size and np.isfinite(np.max(values))]
        classes = max(2, int(max(known, default=1)) + 1)
    truth = check_labels(findings, "y_true", numbered[0], classes)
    decision = check_labels(findings, "y_pred", numbered[1], classes, truth.size)
    if y_prob is not None:
        if table.shape != (truth.size, classes):
            expected = f"[{truth.size}, {classes}]: a row each, a class each"
            findings.problems.append(Problem("y_prob", f"shape {list(table.shape)}", expected))
        else:
            for number in range(classes):
                check_probabilities(findings, f"y_prob of class {number}", table[:, number], truth.size)
            findings.rows("sum of y_prob", table.sum(axis=1), ~(abs(table.sum(axis=1) - 1) > 1e-6), "1")
    weights = check_weights(findings, weight, truth.size)
    findings.finish(truth.size)
    return _Columns("multiclass", truth, table, decision, weights, classes)


def _numbered(findings: Findings, name: str, values: npt.ArrayLike, class_names: Sequence[str] | None) -> npt.NDArray[Any]:
    """Labels as numbers: names of classes by their place among ``class_names``."""
    labels = np.asarray(values)
    if labels.dtype.kind not in "USO" or class_names is None:
        return labels
    place = {called: number for number, called in enumerate(class_names)}
    unknown = sorted({str(label) for label in labels.ravel()} - set(place))
    if unknown:
        findings.problems.append(Problem(name, f"the classes {', '.join(unknown)}", f"some of {', '.join(class_names)}"))
        return np.zeros(labels.shape)
    return np.array([place[str(label)] for label in labels.ravel()], dtype=np.float64)


def _by_slice(columns: _Columns, names: Sequence[str], slices: Mapping[str, npt.ArrayLike]) -> dict[str, Any]:
    """Column to value to rows and metrics."""
    tables: dict[str, Any] = {}
    for column, given in slices.items():
        values = np.asarray(given).astype(str)
        if values.shape != columns.truth.shape:
            problem = Problem(f"slice {column}", f"{values.size} values", f"{columns.truth.size}, one a row")
            raise EvaluationError("a slice does not fit the rows", [problem])
        groups = Groups.of(values)
        each = zip(groups.names, groups.rows(), columns.metrics(names, groups), strict=True)
        tables[column] = {value: {"rows": rows, "metrics": metrics} for value, rows, metrics in each}
    return tables
