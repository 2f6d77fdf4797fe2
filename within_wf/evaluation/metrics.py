"""The metrics: their names, which way is better, and which task they are for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from within_wf.errors import EvaluationError, Problem

Task = Literal["regression", "binary_classification", "multiclass"]
TASKS: tuple[str, ...] = get_args(Task)


@dataclass(frozen=True)
class Metric:
    """One way to put a number on predictions.

    Attributes:
        name: Its name in files.
        title: Its name for people.
        better: Whether a higher or a lower value is better.
    """

    name: str
    title: str
    better: Literal["higher", "lower"]


_METRICS: dict[Task, tuple[Metric, ...]] = {
    "regression": (
        Metric("rmse", "Root mean squared error", "lower"),
        Metric("mae", "Mean absolute error", "lower"),
        Metric("r2", "R²", "higher"),
        Metric("pearson_correlation", "Pearson correlation", "higher"),
        Metric("spearman_correlation", "Spearman correlation", "higher"),
        Metric("explained_variance", "Explained variance", "higher"),
        Metric("mape", "Mean absolute error in percent", "lower"),
    ),
    "binary_classification": (
        Metric("auc", "Area under the ROC curve", "higher"),
        Metric("average_precision", "Average precision", "higher"),
        Metric("f1", "F1", "higher"),
        Metric("f1_macro", "F1, mean of both classes", "higher"),
        Metric("accuracy", "Accuracy", "higher"),
        Metric("precision", "Precision", "higher"),
        Metric("recall", "Recall", "higher"),
        Metric("ks", "Kolmogorov–Smirnov distance", "higher"),
        Metric("log_loss", "Log loss", "lower"),
        Metric("brier", "Brier score", "lower"),
        Metric("ece", "Expected calibration error", "lower"),
    ),
    "multiclass": (
        Metric("f1_macro", "F1, mean of the classes", "higher"),
        Metric("f1_weighted", "F1, weighted by class", "higher"),
        Metric("accuracy", "Accuracy", "higher"),
        Metric("precision_macro", "Precision, mean of the classes", "higher"),
        Metric("recall_macro", "Recall, mean of the classes", "higher"),
        Metric("top_k", "Accuracy of the top k classes", "higher"),
        Metric("roc_auc_ovr", "Area under the ROC curve, one class against the rest", "higher"),
        Metric("log_loss", "Log loss", "lower"),
    ),
}

PRIMARY: dict[Task, str] = {"regression": "rmse", "binary_classification": "auc", "multiclass": "f1_macro"}
"""The metric that decides where nobody says otherwise. For binary tasks the specification has f1, which asks for a threshold
that suits every baseline; auc asks for none."""


def metrics_of(task: Task) -> tuple[Metric, ...]:
    """The metrics of a task, the most telling first."""
    return _METRICS[task]


def metric(task: Task, name: str) -> Metric:
    """One metric of a task.

    Raises:
        EvaluationError: The task has no metric of that name.
    """
    choose(task, [name])
    return next(m for m in _METRICS[task] if m.name == name)


def choose(task: Task, names: Sequence[str]) -> tuple[str, ...]:
    """The metrics to compute: ``names``, or all of the task where there are none.

    Raises:
        EvaluationError: Naming every name the task does not know.
    """
    known = [m.name for m in _METRICS[task]]
    unknown = [Problem(f"metric {name}", f"{name!r}", f"one of {', '.join(known)}") for name in names if name not in known]
    if unknown:
        raise EvaluationError(f"a {task} task does not know these metrics", unknown)
    return tuple(names) or tuple(known)


def check_task(task: str) -> Task:
    """``task``, known to be one.

    Raises:
        EvaluationError: There is no such task.
    """
    for known in _METRICS:
        if task == known:
            return known
    raise EvaluationError(f"unknown task {task!r}", [Problem("task_type", repr(task), f"one of {', '.join(TASKS)}")])
