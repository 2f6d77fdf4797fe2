"""One run as it is recorded: found again by what it is, so that recording it twice makes no second one."""

from __future__ import annotations

import json
import math
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from within_wf.store.redaction import redact
from within_wf.tracking.client import connect, explained, locked
from within_wf.tracking.flat import LONGEST_VALUE, chunks, flatten, name_of
from within_wf.tracking.known import ACTION_TAG, NAME_TAG
from within_wf.tracking.target import Target
from within_wf.tracking.tracker import open_experiment

if TYPE_CHECKING:
    from mlflow.entities import Metric
    from mlflow.tracking import MlflowClient


@dataclass(frozen=True)
class DatasetVersion:
    """Data that a run was made from.

    Attributes:
        name: What it is called.
        digest: SHA-256 of its content, hexadecimal.
        source: Where it came from, in words.
    """

    name: str
    digest: str
    source: str


@dataclass(frozen=True)
class RunRecord:
    """What is recorded of one judged model.

    Attributes:
        name: ``<dataset>.<model>``.
        action: The action key of its evaluation; with the name, what the run is found again by.
        params: The configuration, nested as it likes.
        history: ``history.json`` of its training.
        metrics: ``metrics.json`` of its evaluation.
        tags: Further tags.
        datasets: What it was made from.
        files: Name in the run to the file that is kept there; ``config.json`` is made from the parameters.
        started: When its training began, seconds since 1970; now by default.
        ended: When its evaluation ended; now by default.
    """

    name: str
    action: str
    params: Mapping[str, object]
    history: Mapping[str, Any]
    metrics: Mapping[str, Any]
    tags: Mapping[str, str] = field(default_factory=dict)
    datasets: Sequence[DatasetVersion] = ()
    files: Mapping[str, Path] = field(default_factory=dict)
    started: float | None = None
    ended: float | None = None


def log_record(target: Target, record: RunRecord) -> str:
    """Record a run, unless it is recorded already.

    A run that was begun and not finished, because its process was killed, is finished. Processes that share the target's
    lock file take turns, so that they cannot both begin one.

    Returns:
        The id of the MLflow run.

    Raises:
        TrackingError: The target cannot be reached or refuses.
    """
    client = connect(target)
    with locked(target.lock), explained(target):
        experiment = open_experiment(client, target.experiment, target.artifacts)
        run = _find(client, experiment, record)
        if run is None:
            started = _milliseconds(record.started)
            tags = {name_of(name): value[:LONGEST_VALUE] for name, value in {**target.tags, **record.tags}.items()}
            tags |= {ACTION_TAG: record.action, NAME_TAG: record.name}
            name = f"{record.name} {record.action[:8]}"
            run = client.create_run(experiment, start_time=started, tags=tags, run_name=name)
        run_id = str(run.info.run_id)
        if run.info.status != "FINISHED":
            _fill(client, run_id, run.info.start_time, record)
            client.set_terminated(run_id, "FINISHED", _milliseconds(record.ended))
    return run_id


def scores(metrics: Mapping[str, Any]) -> dict[str, float]:
    """The figures of a ``metrics.json`` that are worth comparing across runs; slices stay in the file.

    Returns:
        ``test.<metric>`` with ``.low`` and ``.high`` of its interval, ``baseline.<name>.<metric>``, and
        ``baseline.<name>.difference`` (the model's score minus the baseline's) with its interval.
    """
    return {name_of(name): value for name, value in _scores(metrics) if value is not None and math.isfinite(value)}


def _scores(metrics: Mapping[str, Any]) -> Iterator[tuple[str, float | None]]:
    for name, value in metrics.get("test", {}).items():
        yield f"test.{name}", value
    for name, (low, high) in metrics.get("intervals", {}).items():
        yield f"test.{name}.low", low
        yield f"test.{name}.high", high
    for baseline, judged in metrics.get("baselines", {}).items():
        for name, value in judged.get("metrics", {}).items():
            yield f"baseline.{baseline}.{name}", value
        difference = judged.get("difference") or {}
        for part, suffix in (("value", ""), ("low", ".low"), ("high", ".high")):
            yield f"baseline.{baseline}.difference{suffix}", difference.get(part)


def _find(client: MlflowClient, experiment: str, record: RunRecord) -> Any:
    """The run of a record: a finished one before one that was left half done."""
    wanted = f"tags.`{ACTION_TAG}` = '{record.action}' AND tags.`{NAME_TAG}` = '{record.name}'"
    from mlflow.entities import ViewType

    runs = client.search_runs([experiment], wanted, run_view_type=ViewType.ALL, order_by=["attributes.start_time ASC"])
    return min(runs, key=lambda run: run.info.status != "FINISHED", default=None)


def _fill(client: MlflowClient, run_id: str, started: int, record: RunRecord) -> None:
    """Write everything of a record; writing it again changes nothing, for it bears the same times."""
    from mlflow.entities import Param

    for some in chunks(flatten(record.params).items(), 100):
        client.log_batch(run_id, params=[Param(name, redact(value)) for name, value in some])
    for metrics in chunks(_metrics(record, started), 500):
        client.log_batch(run_id, metrics=metrics)
    _log_datasets(client, run_id, record.datasets)
    with tempfile.TemporaryDirectory() as folder:
        for name, path in record.files.items():
            copy = Path(folder, name)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)  # as a new file: those of the store are read-only, and bear digests for names
        config = json.dumps(record.params, indent=2, sort_keys=True, default=str)
        Path(folder, "config.json").write_text(redact(config), encoding="utf-8")
        client.log_artifacts(run_id, folder)


def _metrics(record: RunRecord, started: int) -> Iterator[Metric]:
    from mlflow.entities import Metric

    for name, value in scores(record.metrics).items():
        yield Metric(name, float(value), started, 0)
    for position, epoch in enumerate(record.history.get("epochs", ())):
        step = int(epoch.get("epoch", position))
        for name, value in epoch.items():
            if name != "epoch" and isinstance(value, int | float) and math.isfinite(value):
                yield Metric(name_of(f"training.{name}"), float(value), started, step)


def _log_datasets(client: MlflowClient, run_id: str, datasets: Sequence[DatasetVersion]) -> None:
    """Name what a run was made from; MLflow keeps 36 characters of a digest."""
    from mlflow.entities import Dataset, DatasetInput

    if datasets:
        inputs = [DatasetInput(Dataset(data.name, data.digest[:36], "within_wf", data.source)) for data in datasets]
        client.log_inputs(run_id, inputs)


def _milliseconds(seconds: float | None) -> int:
    return int((time.time() if seconds is None else seconds) * 1000)
