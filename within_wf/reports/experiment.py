"""What is known of an experiment, read from the files of its steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from within_wf.errors import DatasetNotFoundError, EvaluationError, Problem
from within_wf.reports.wording import MODEL_TITLES
from within_wf.store.canonical import read_json


@dataclass(frozen=True)
class Experiment:
    """One model of one dataset, judged.

    Attributes:
        dataset: The dataset's name.
        model: ``ad_score`` or ``account_health``, or any other name.
        metrics: ``metrics.json`` of its evaluation.
        curves: ``curves.json`` of its evaluation; empty where there is none.
        description: The dataset in one sentence.
        validation: ``report.json`` of the validation; empty where there is none.
        split: ``summary.json`` of the split; empty where there is none.
        history: ``history.json`` of the training; empty where there is none.
        config: The sections of the configuration that made it, by path.
    """

    dataset: str
    model: str
    metrics: Mapping[str, Any]
    curves: Mapping[str, Any] = field(default_factory=dict)
    description: str = ""
    validation: Mapping[str, Any] = field(default_factory=dict)
    split: Mapping[str, Any] = field(default_factory=dict)
    history: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, object] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The model's name for people."""
        return MODEL_TITLES.get(self.model, self.model.replace("_", " ").capitalize())


def read_experiment(
    dataset: str,
    model: str,
    evaluation: Path,
    training: Path | None = None,
    validation: Path | None = None,
    split: Path | None = None,
    description: str = "",
    config: Mapping[str, object] | None = None,
) -> Experiment:
    """Read an experiment from the folders of its steps.

    Raises:
        DatasetNotFoundError: There is no ``metrics.json`` in ``evaluation``.
        EvaluationError: A file is not JSON, or ``metrics.json`` lacks what a report needs.
    """
    if not (evaluation / "metrics.json").is_file():
        problem = Problem(
            str(evaluation / "metrics.json"), "no such file", "the metrics of a model", "Run its evaluation first."
        )
        raise DatasetNotFoundError("there is nothing to report on", [problem])
    experiment = Experiment(
        dataset=dataset,
        model=model,
        metrics=_read(evaluation / "metrics.json"),
        curves=_read(evaluation / "curves.json"),
        description=description,
        validation=_read(validation / "report.json") if validation else {},
        split=_read(split / "summary.json") if split else {},
        history=_read(training / "history.json") if training else {},
        config=config or {},
    )
    wanted = ("task", "primary_metric", "better", "rows", "verdict", "test", "intervals", "baselines", "slices", "fairness")
    missing = [
        Problem(str(evaluation / "metrics.json"), f"no {key!r}", "the file an evaluation writes", "Evaluate again.")
        for key in wanted
        if key not in experiment.metrics
    ]
    if missing:
        raise EvaluationError("the metrics are not complete", missing)
    return experiment


def create_experiment_report(experiment_dir: str | Path, template_path: str | Path | None = None) -> str:
    """Write ``report.html`` into the folder of an experiment.

    Args:
        experiment_dir: One folder a step: ``evaluate_…`` is needed; ``train_…``, ``validate_data`` and ``split_data`` are
            used where they are. Its name and its parent's are those of model and dataset.
        template_path: A Jinja template that is used instead of the package's, with the same names.

    Returns:
        Path of the report.

    Raises:
        DatasetNotFoundError: No step of the folder has metrics.
        EvaluationError: A file of a step is not what the step writes.
    """
    from within_wf.reports.page import render_page

    folder = Path(experiment_dir)
    steps = {path.name: path for path in sorted(folder.iterdir()) if path.is_dir()} if folder.is_dir() else {}

    def find(prefix: str) -> Path | None:
        return next((path for name, path in steps.items() if name.startswith(prefix)), None)

    where = folder.resolve()
    experiment = read_experiment(
        where.parent.name,
        where.name,
        find("evaluate_") or folder / "evaluate",
        find("train_"),
        find("validate_data"),
        find("split_data"),
    )
    report = folder / "report.html"
    report.write_text(render_page(experiment, None if template_path is None else Path(template_path)), encoding="utf-8")
    return str(report)


def _read(path: Path) -> dict[str, Any]:
    """A JSON object; an empty one where there is no file."""
    if not path.is_file():
        return {}
    try:
        value = read_json(path)
    except ValueError as error:
        problem = Problem(str(path), f"text that is no JSON ({error})", "a JSON object")
        raise EvaluationError("a file of the experiment cannot be read", [problem]) from error
    if not isinstance(value, dict):
        raise EvaluationError(
            "a file of the experiment cannot be read", [Problem(str(path), type(value).__name__, "a JSON object")]
        )
    return value
