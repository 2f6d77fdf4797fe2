"""Recording an experiment by hand: from a notebook, or from training outside the workflow."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from within_wf.errors import Problem, TrackingError
from within_wf.tracking.client import connect, explained, locked
from within_wf.tracking.flat import chunks, flatten, name_of
from within_wf.tracking.target import Target

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.tracking import MlflowClient


class ExperimentTracker:
    """Runs of one experiment in MLflow.

    It holds a client of its own: MLflow's global state is neither read nor changed, and several trackers can be used
    side by side. A context manager: ``with tracker.run("first"):`` begins and ends a run.

    Args:
        experiment_name: The experiment; it is made where it is missing.
        tracking_uri: Where; by default ``MLFLOW_TRACKING_URI`` and, without it, a sqlite database beside the store.
        artifact_location: Where a new experiment keeps its files.
        tags: What every run is tagged with.

    Attributes:
        target: Where it records.
        client: The MLflow client.
        experiment_id: The experiment's id.
        active_run: The run that is being recorded; the innermost of nested ones.

    Raises:
        TrackingError: The target cannot be reached or refuses.
    """

    def __init__(
        self,
        experiment_name: str,
        tracking_uri: str | None = None,
        artifact_location: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        self.target = Target.resolve(experiment_name, tracking_uri, tags)
        self.client = connect(self.target)
        self._open: list[Run] = []
        with locked(self.target.lock), explained(self.target):
            self.experiment_id = open_experiment(self.client, experiment_name, artifact_location or self.target.artifacts)

    @property
    def active_run(self) -> Run | None:
        """The run that is being recorded."""
        return self._open[-1] if self._open else None

    def start_run(self, run_name: str | None = None, nested: bool = False) -> Run:
        """Begin a run.

        Args:
            run_name: Its name; MLflow makes one up by default.
            nested: Begin it inside the active one, as its child.

        Returns:
            MLflow's run.

        Raises:
            TrackingError: A run is active and this is not nested.
        """
        parent = self.active_run
        if parent is not None and not nested:
            raise TrackingError(f"the run {parent.info.run_name} is still active; end it, or say nested=True")
        tags = dict(self.target.tags)
        if parent is not None:
            tags["mlflow.parentRunId"] = parent.info.run_id
        with explained(self.target):
            run = self.client.create_run(self.experiment_id, tags=tags, run_name=run_name)
        self._open.append(run)
        return run

    def end_run(self, status: str = "FINISHED") -> None:
        """End the active run, if there is one.

        Args:
            status: ``FINISHED``, ``FAILED`` or ``KILLED``.
        """
        if self._open:
            with explained(self.target):
                self.client.set_terminated(self._open[-1].info.run_id, status)
            self._open.pop()

    @contextmanager
    def run(self, run_name: str | None = None, nested: bool = False) -> Iterator[Run]:
        """A run that ends with the block: as failed where the block raises."""
        run = self.start_run(run_name, nested)
        try:
            yield run
        except BaseException:
            self.end_run("FAILED")
            raise
        self.end_run()

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Record parameters; nested ones by dotted names."""
        from mlflow.entities import Param

        flat = [Param(name, value) for name, value in flatten(params).items()]
        with explained(self.target):
            for some in chunks(flat, 100):
                self.client.log_batch(self._run_id(), params=some)

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Record figures of one moment.

        Args:
            metrics: Name to value.
            step: The moment: an epoch, a batch.
        """
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        batch = [Metric(name_of(name), float(value), now, step or 0) for name, value in metrics.items()]
        with explained(self.target):
            for some in chunks(batch, 500):
                self.client.log_batch(self._run_id(), metrics=some)

    def log_model(self, model: Any, model_type: str, name: str = "model") -> None:
        """Record a model in files that nothing but data is loaded from.

        Args:
            model: A model that saves itself (``save(path)``), a torch module, an XGBoost or a scikit-learn model.
            model_type: ``within``, ``pytorch``, ``xgboost`` or ``sklearn``.
            name: The folder of the run that it is put in.

        Raises:
            TrackingError: The type is none of these; a pickle is never written.
        """
        with self._folder() as folder:
            _save_model(model, model_type, folder / name)

    def log_artifacts(self, local_dir: str | Path) -> None:
        """Record every file of a folder."""
        with explained(self.target):
            self.client.log_artifacts(self._run_id(), str(local_dir))

    def log_figure(self, figure: Any, artifact_path: str) -> None:
        """Record a figure of Altair (``save``) or Matplotlib (``savefig``); the suffix says the format.

        Raises:
            TrackingError: It cannot be saved, or its path leaves the run.
        """
        save = getattr(figure, "savefig", None) or getattr(figure, "save", None)
        if save is None:
            problem = Problem("figure", type(figure).__name__, "a chart of Altair or a figure of Matplotlib")
            raise TrackingError("the figure cannot be saved", [problem])
        with self._folder() as folder:
            path = (folder / artifact_path).resolve()
            if not path.is_relative_to(folder.resolve()):
                raise TrackingError(
                    "the figure cannot be saved", [Problem("artifact_path", artifact_path, "a path inside the run")]
                )
            path.parent.mkdir(parents=True, exist_ok=True)
            save(str(path))

    def log_confusion_matrix(self, cm: Any, class_names: Sequence[str], step: int | None = None) -> None:
        """Record a confusion matrix as a figure and as numbers.

        Args:
            cm: Counts, shape [classes, classes]: rows are true classes, columns predicted ones.
            class_names: The names of classes.
            step: The moment it is of.

        Raises:
            TrackingError: There is not one name for each row and column.
        """
        from within_wf.tracking.figures import confusion_chart

        rows = [[int(value) for value in row] for row in cm]
        if [len(row) for row in rows] != [len(class_names)] * len(class_names):
            found = f"shape {[len(rows), *{len(row) for row in rows}]}"
            raise TrackingError("the matrix cannot be drawn", [Problem("cm", found, f"{len(class_names)} rows and columns")])
        content = {"classes": list(class_names), "counts": rows}
        self._log_drawn("confusion_matrix", confusion_chart(rows, class_names), content, step)

    def log_feature_importance(self, importance: Any, feature_names: Sequence[str], step: int | None = None) -> None:
        """Record how much each feature counts, as a figure of the 40 that count most and as numbers.

        Args:
            importance: One number a feature.
            feature_names: Their names.
            step: The moment it is of.

        Raises:
            TrackingError: There is not one name for each number.
        """
        from within_wf.tracking.figures import importance_chart

        values = [float(value) for value in importance]
        if len(values) != len(feature_names):
            problem = Problem("feature_names", f"{len(feature_names)} names", f"{len(values)}, one a number")
            raise TrackingError("the importance cannot be drawn", [problem])
        ranked = dict(sorted(zip(feature_names, values, strict=True), key=lambda pair: (-pair[1], pair[0])))
        self._log_drawn("feature_importance", importance_chart(ranked), ranked, step)

    def _log_drawn(self, name: str, chart: Any, content: object, step: int | None) -> None:
        stem = name if step is None else f"{name}_step_{step}"
        with self._folder() as folder:
            chart.save(str(folder / f"{stem}.svg"))
            (folder / f"{stem}.json").write_text(json.dumps(content, indent=2), encoding="utf-8")

    @contextmanager
    def _folder(self) -> Iterator[Path]:
        """A folder whose files are recorded when the block ends."""
        self._run_id()
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder)
            self.log_artifacts(folder)

    def _run_id(self) -> str:
        if self.active_run is None:
            raise TrackingError("no run is active; begin one with start_run()")
        return str(self.active_run.info.run_id)


def open_experiment(client: MlflowClient, name: str, artifacts: str | Path | None) -> str:
    """The id of an experiment, which is made where it is missing and brought back where it was deleted."""
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        return str(client.create_experiment(name, artifact_location=None if artifacts is None else str(artifacts)))
    if experiment.lifecycle_stage == "deleted":
        client.restore_experiment(experiment.experiment_id)
    return str(experiment.experiment_id)


def _save_model(model: Any, model_type: str, path: Path) -> None:
    path.mkdir(parents=True)
    if model_type == "within":
        model.save(path)
    elif model_type == "pytorch":
        from safetensors.torch import save_model

        save_model(model, str(path / "weights.safetensors"))
    elif model_type == "xgboost":
        model.save_model(path / "model.ubj")
    elif model_type == "sklearn":
        import skops.io

        skops.io.dump(model, path / "model.skops")
    else:
        known = "within, pytorch, xgboost or sklearn"
        raise TrackingError("the model cannot be recorded", [Problem("model_type", repr(model_type), known)])
