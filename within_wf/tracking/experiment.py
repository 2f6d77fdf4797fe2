"""A folder and a tracker for an experiment outside the workflow."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from within_wf.errors import ConfigError, Problem
from within_wf.store.redaction import redact
from within_wf.tracking.tracker import ExperimentTracker

FOLDERS = ("checkpoints", "logs", "metrics", "predictions", "artifacts")


def setup_experiment(config: Mapping[str, Any]) -> dict[str, Any]:
    """Make a new folder for an experiment, write its configuration there and open its tracker.

    Args:
        config: ``model.name``; optionally ``experiment_id``, ``output_dir`` (default ``experiments``) and ``tracking`` with
            ``uri``, ``experiment`` (default: the model's name) and ``tags``.

    Returns:
        ``name`` (``<model>_<moment>[_<experiment_id>]``), ``dir``, ``tracker`` and ``config``.

    Raises:
        ConfigError: The model has no name, or a name is no folder's name.
        TrackingError: The tracker cannot be reached.
    """
    model, suffix, tracking = _read(config)
    tracker = ExperimentTracker(tracking.get("experiment") or model, tracking.get("uri"), tags=tracking.get("tags"))
    folder = _new_folder(Path(config.get("output_dir") or "experiments"), model, suffix)
    for name in FOLDERS:
        (folder / name).mkdir()
    _write_yaml(folder / "config.yaml", config)
    return {"name": folder.name, "dir": folder, "tracker": tracker, "config": config}


def _read(config: Mapping[str, Any]) -> tuple[str, str, Mapping[str, Any]]:
    model = (config.get("model") or {}).get("name")
    suffix = f"_{config['experiment_id']}" if "experiment_id" in config else ""
    names = {"model.name": model, "experiment_id": suffix}
    problems = [
        Problem(path, repr(name), "a name without slashes")
        for path, name in names.items()
        if not isinstance(name, str) or "/" in name or (path == "model.name" and not name.strip("."))
    ]
    tracking = config.get("tracking") or {}
    problems += [
        Problem("tracking", repr(key), "uri, experiment or tags")
        for key in tracking
        if key not in ("uri", "experiment", "tags")
    ]
    if problems:
        raise ConfigError("the experiment cannot be set up", problems)
    return str(model), suffix, tracking


def _new_folder(root: Path, model: str, suffix: str) -> Path:
    """A folder that nobody else has: two experiments that begin in one second get two."""
    moment = time.strftime("%Y%m%d_%H%M%S")
    count = 1
    while True:
        again = "" if count == 1 else f"_{count}"
        folder = root / f"{model}_{moment}{suffix}{again}"
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            count += 1
        else:
            return folder


def _write_yaml(path: Path, config: Mapping[str, Any]) -> None:
    from ruamel.yaml import YAML

    yaml = YAML(typ="safe")
    yaml.default_flow_style = False
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(_plain(config), file)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, int | float) or value is None:
        return value
    return redact(str(value))
