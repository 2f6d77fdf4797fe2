"""The pictures of a report with what is said about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from within_wf.reports import charts
from within_wf.reports.wording import called, count, number, words


@dataclass(frozen=True)
class Figure:
    """A picture.

    Attributes:
        svg: The picture.
        title: What it is.
        caption: How to read it.
        keys: Colour class of the style sheet (``model``, ``baseline``, ``accent``) and what it stands for.
    """

    svg: Markup
    title: str
    caption: str
    keys: tuple[tuple[str, str], ...] = ()


def baseline_figure(metrics: Mapping[str, Any], title: str) -> Figure | None:
    """The main score of model and baselines with intervals."""
    primary = metrics["primary_metric"]
    sign = 1 if metrics["better"] == "lower" else -1
    entries = [("model", metrics["test"], metrics["intervals"])]
    others = [(name, b["metrics"], b["intervals"]) for name, b in metrics["baselines"].items()]
    others.sort(key=lambda entry: (entry[1].get(primary) is None, sign * (entry[1].get(primary) or 0), entry[0]))
    rows = [
        _interval_row(called(name), values.get(primary), bounds.get(primary), name == "model")
        for name, values, bounds in [*entries, *others]
    ]
    if all(row["value"] is None for row in rows):
        return None
    said = "; ".join(f"{row['label']} {number(row['value'])}" for row in rows if row["value"] is not None)
    way = "Further left is better." if metrics["better"] == "lower" else "Further right is better."
    return Figure(
        charts.intervals(rows, "baselines", title, f"{title} of model and baselines: {said}"),
        f"{title}, with intervals",
        way,
    )


def slice_figure(
    column: str, rows: Sequence[Mapping[str, Any]], position: int, title: str, overall: float | None
) -> Figure | None:
    """The main score of each slice with intervals."""
    shown = [_interval_row(row["value"], row["score"], row["interval"], True) for row in rows if row["score"] is not None]
    if len(shown) < 2:
        return None
    said = "; ".join(f"{row['label']} {number(row['value'])}" for row in shown)
    return Figure(
        charts.intervals(shown, f"slice-{position + 1}", title, f"{title} by {words(column)}: {said}", overall),
        f"{title} by {words(column)}",
        "The dashed line is the score of all test rows.",
    )


def training_figure(history: Mapping[str, Any]) -> Figure | None:
    """The losses by epoch."""
    epochs = history.get("epochs") or []
    losses = [epoch for epoch in epochs if epoch.get("validation_loss") is not None]
    if not losses:
        return None
    best = history.get("best_epoch")
    least = min(epoch["validation_loss"] for epoch in losses)
    said = f"{len(epochs)} epochs; the least validation loss is {number(least)}"
    return Figure(
        charts.training_curve(epochs, best, f"Training and validation loss by epoch: {said}"),
        "Loss by epoch",
        "The ring marks the epoch whose weights were kept.",
        (("baseline", "training"), ("model", "validation"), ("accent", "kept")),
    )


def split_figure(split: Mapping[str, Any]) -> Figure | None:
    """How the rows are divided."""
    sizes = split.get("sizes") or {}
    if not sum(sizes.values()):
        return None
    said = ", ".join(f"{name} {count(size)}" for name, size in sizes.items())
    svg = charts.split_bar(sizes, f"Rows in each part: {said}")
    return Figure(svg, "Parts", "", (("baseline", "train"), ("accent", "validation"), ("model", "test")))


def prediction_figures(task: str, curves: Mapping[str, Any]) -> list[Figure]:
    """How predictions and truth lie to each other."""
    if not curves:
        return []
    return _regression(curves) if task == "regression" else _binary(curves)


def _regression(curves: Mapping[str, Any]) -> list[Figure]:
    return [
        Figure(
            charts.predicted_actual(curves["scatter"], curves["calibration"], "Predicted against actual values"),
            "Predicted and actual",
            f"Each small dot is one test row ({count(len(curves['scatter']['actual']))} of them are drawn). "
            "On the dashed line the prediction is exact.",
            (("model", "rows"), ("accent", "means by tenths of the predictions")),
        ),
        Figure(
            charts.residuals(curves["residuals"], "How often which error is made"),
            "Errors",
            "Bars to the right of the dashed line are predictions that are too high; the outer bars hold everything beyond.",
        ),
    ]


def _binary(curves: Mapping[str, Any]) -> list[Figure]:
    keys = (("model", "model"), ("baseline", "baselines"))
    figures = []
    if curves["roc"].get("model", {}).get("x"):
        figures += [
            Figure(
                charts.ranked_curves(
                    curves["roc"], "roc", "false positive rate", "true positive rate", None, "ROC curves of model and baselines"
                ),
                "ROC curve",
                "The dashed diagonal is chance.",
                keys,
            ),
            Figure(
                charts.ranked_curves(
                    curves["pr"],
                    "pr",
                    "recall",
                    "precision",
                    curves["positive_share"],
                    "Precision against recall of model and baselines",
                ),
                "Precision and recall",
                "The dashed line is the share of positives: what chance reaches.",
                keys,
            ),
        ]
    return [
        *figures,
        Figure(
            charts.calibration_curve(curves["calibration"], "How often predicted probabilities come true"),
            "Calibration",
            "By tenths of the predictions. On the dashed line probabilities come true as often as they say.",
        ),
        Figure(
            charts.score_histogram(curves["scores"], "Which probabilities each class is given"),
            "Probabilities by class",
            "The further apart the two, the better they can be told.",
            (("model", "positive"), ("baseline", "negative")),
        ),
    ]


def _interval_row(label: str, value: float | None, bounds: list[float] | None, model: bool) -> dict[str, Any]:
    low, high = bounds or (None, None)
    return {"label": label, "value": value, "low": low, "high": high, "model": model}
