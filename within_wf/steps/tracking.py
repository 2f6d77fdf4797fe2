"""Recording what a run made: after a model's evaluation is committed or found in the store, and never from inside a step.

Recording cannot fail a run. Where it does not succeed, the marker says that it is pending, and the next run tries again.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import traceback
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from within_wf.errors import StoreError, TrackingError
from within_wf.steps.place import MEMORY, open_store
from within_wf.steps.plan import MODELS, Node, Plan, digest_of
from within_wf.steps.refs import read_ref, write_whole
from within_wf.steps.runner import read_plan
from within_wf.store.canonical import to_json
from within_wf.store.disk import replacing
from within_wf.store.redaction import redact
from within_wf.tracking.known import find_run
from within_wf.tracking.target import Target

if TYPE_CHECKING:
    from within_wf.config.run import TrackingConfig


@dataclass(frozen=True)
class Marker:
    """What the rule ``track`` makes of one model.

    Attributes:
        name: ``<dataset>.<model>``.
        model: The model.
        path: The marker's path.
        inputs: ``train``, ``evaluate`` and ``report`` to their nodes.
    """

    name: str
    model: str
    path: str
    inputs: dict[str, Node]


@dataclass(frozen=True)
class Tracking:
    """How a run is recorded, as the rules see it.

    Attributes:
        target: Where; none where nothing is recorded.
        settings: The file that tells the jobs where.
        markers: One a model.
    """

    target: Target | None
    settings: Path
    markers: tuple[Marker, ...]


def plan_tracking(plan: Plan, config: TrackingConfig) -> Tracking:
    """Decide what is recorded, and where.

    Raises:
        TrackingError: ``tracking.uri`` is nothing that can be recorded to.
    """
    if not config.enabled:
        return Tracking(None, MEMORY / "tracking.json", ())
    target = Target.resolve(config.experiment, config.uri, config.tags)
    settings = MEMORY / "tracking" / f"{digest_of([target.identity, config.tags])}.json"
    _write_settings(settings, config)
    markers = tuple(marker for model in MODELS if (marker := _marker(plan, model, target)) is not None)
    return Tracking(target, settings, markers)


def refresh(tracking: Tracking) -> None:
    """Bring the markers up to date before jobs are chosen.

    A marker is written where an embedded database has the run already, and removed where it has not (any more) or where
    recording is pending. A server is not asked: that would make every start wait for it.
    """
    for marker in tracking.markers:
        path, target = Path(marker.path), tracking.target
        if _read_marker(path) == "pending":
            path.unlink(missing_ok=True)
        if target is None or target.database is None:
            continue
        try:
            run = _known(marker, target)
        except sqlite3.Error:
            continue  # busy, or of another layout: the job asks MLflow
        if run is None:
            path.unlink(missing_ok=True)
        elif not path.exists():
            _write_marker(path, marker, target, run)


def track(name: str, plan: Path, settings: Path, marker: Path, log: Path) -> None:
    """Record a model, unless it is recorded already, and write its marker.

    Args:
        name: ``<dataset>.<model>``.
        plan: The plan that the workflow wrote.
        settings: Where to record.
        marker: The marker to write.
        log: Where to say what happens.
    """
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
    log.parent.mkdir(parents=True, exist_ok=True)
    try:
        target = _read_settings(settings)
        steps = read_plan(plan)
        found = _marker(steps, name.partition(".")[2], target)
        if found is None:
            raise StoreError(f"the plan {plan} judges no {name}; start the workflow again")
        run, said = _record(steps, found, target)
        _write_marker(marker, found, target, run)
        log.write_text(f"{said}\n", encoding="utf-8")
    except Exception as error:
        log.write_text(redact(traceback.format_exc()), encoding="utf-8")
        reason = redact(f"{error}" if isinstance(error, TrackingError | StoreError) else f"{type(error).__name__}: {error}")
        write_whole(marker, to_json({"pending": reason}))
        message = f"within-wf: {name} is not recorded yet; nothing else is lost, and the next run tries again. {reason}"
        print(message, file=sys.stderr)  # noqa: T201


def _record(plan: Plan, marker: Marker, target: Target) -> tuple[str, str]:
    """The id of the run of a marker, and what happened."""
    known = None
    with suppress(sqlite3.Error):
        known = _known(marker, target)
    if known:
        return known, f"{marker.name}: recorded before as run {known} at {target.shown}"
    quiet()
    from within_wf.steps.recorded import read_record
    from within_wf.tracking.record import log_record

    run = log_record(target, read_record(plan, marker.inputs, open_store()))
    return run, f"{marker.name}: recorded as run {run} of experiment {target.experiment} at {target.shown}"


def quiet() -> None:
    """Leave the terminal to what the run says itself: what goes wrong here is said in one message."""
    import logging

    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "ERROR")
    for name in ("mlflow", "alembic", "urllib3"):
        logging.getLogger(name).setLevel(logging.ERROR)


def _marker(plan: Plan, model: str, target: Target) -> Marker | None:
    nodes = {node.step: node for node in plan.values() if node.model == model}
    inputs = {
        "train": nodes.get(f"train_{model}"),
        "evaluate": nodes.get(f"evaluate_{model}"),
        "report": nodes.get("report_model"),
    }
    there = {label: node for label, node in inputs.items() if node is not None}
    evaluate = there.get("evaluate")
    if evaluate is None:
        return None
    key = digest_of({"derivation": evaluate.key, "target": target.identity})
    return Marker(evaluate.name, model, f"out/track/{evaluate.name}/{key}.run.json", there)


def _known(marker: Marker, target: Target) -> str | None:
    """The run of a marker, where an embedded database is known to have it."""
    ref = read_ref(Path(marker.inputs["evaluate"].ref))
    if ref is None or target.database is None:
        return None
    return find_run(target.database, target.experiment, marker.name, ref.action)


def _write_marker(path: Path, marker: Marker, target: Target, run: str) -> None:
    ref = read_ref(Path(marker.inputs["evaluate"].ref))
    content = {"run": run, "action": ref.action if ref else "", "experiment": target.experiment, "uri": target.shown}
    write_whole(path, to_json(content))


def _read_marker(path: Path) -> str | None:
    """``recorded`` or ``pending``; none where there is no marker."""
    try:
        return "recorded" if "run" in json.loads(path.read_bytes()) else "pending"
    except OSError:
        return None
    except ValueError:
        return "pending"


def _write_settings(path: Path, config: TrackingConfig) -> None:
    """Tell the jobs where to record, in a file that nobody else may read: a URI can hold a password."""
    text = config.model_dump_json()
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with (
        replacing(path) as draft,
        open(draft, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as file,
    ):
        file.write(text)


def _read_settings(path: Path) -> Target:
    from within_wf.config.run import TrackingConfig

    config = TrackingConfig.model_validate_json(path.read_bytes())
    return Target.resolve(config.experiment, config.uri, config.tags)
