"""What is recorded of one judged model, gathered from committed artifacts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from within_wf.errors import StoreError
from within_wf.steps.plan import Node, Plan, nodes_above
from within_wf.steps.provenance import provenance_path
from within_wf.steps.refs import Ref, read_ref
from within_wf.store.local import Store
from within_wf.tracking.record import DatasetVersion, RunRecord

_FILES = {"train": ("history.json",), "evaluate": ("metrics.json", "curves.json"), "report": ("report.html",)}
"""What of each artifact is kept with the run; models stay in the store, which the run's tags name."""


def read_record(plan: Plan, nodes: Mapping[str, Node], store: Store) -> RunRecord:
    """Gather what is recorded of a model.

    Args:
        plan: The run.
        nodes: ``evaluate`` and, where they are planned, ``train`` and ``report``.
        store: Where the artifacts are.

    Raises:
        StoreError: An artifact is not made, not there any more, or damaged.
    """
    files = {name: path for label, node in nodes.items() for name, path in _files(store, node, _FILES[label])}
    evaluate = nodes["evaluate"]
    lineage = list(dict.fromkeys(node.id for node in nodes_above(plan, evaluate)))
    refs = {node.step: _ref(node) for node in (plan[name] for name in lineage)}
    train, judged = _provenance(nodes.get("train", evaluate)), _provenance(evaluate)
    started = train.get("started_seconds")
    ended = judged["started_seconds"] + judged["seconds"] if "seconds" in judged else None
    return RunRecord(
        name=evaluate.name,
        action=refs[evaluate.step].action,
        params=_params(plan, lineage, evaluate.model),
        history=_read(files.get("history.json")),
        metrics=_read(files.get("metrics.json")),
        tags={**_tags(plan, lineage, refs), **_who(train)},
        datasets=_datasets(plan, lineage, refs),
        files=files,
        started=started,
        ended=ended if started is not None and ended is not None and ended >= started else None,
    )


def _files(store: Store, node: Node, names: tuple[str, ...]) -> Iterator[tuple[str, Path]]:
    manifest = store.get(_ref(node).action)
    if manifest is None:
        raise StoreError(f"{node.id} left the store; start the workflow again")
    store.check(manifest, node.id)
    for name in names:
        if name in manifest.files:
            yield name, store.blob(manifest.files[name].sha256)


def _params(plan: Plan, lineage: list[str], model: str | None) -> dict[str, Any]:
    """Every section of the configuration that had a say."""
    table = "dataset.ads" if model == "ad_score" else "dataset.series"
    read = {path: value for name in lineage for path, value in plan[name].parts["config"].items()}
    return {table if path == "dataset.table" else path: value for path, value in sorted(read.items())}


def _datasets(plan: Plan, lineage: list[str], refs: Mapping[str, Ref]) -> list[DatasetVersion]:
    """The raw data: files by their bytes, a drawn world by what it came to."""
    found = []
    for node in (plan[name] for name in lineage):
        dataset = node.name.partition(".")[0]
        found += [DatasetVersion(f"{dataset}/{file}", digest, file) for file, digest in node.parts["raw"].items()]
        if not node.inputs and not node.parts["raw"]:
            source = json.dumps(node.parts["config"].get("dataset.source"), sort_keys=True)
            found.append(DatasetVersion(dataset, refs[node.step].digest, source))
    return found


def _tags(plan: Plan, lineage: list[str], refs: Mapping[str, Ref]) -> dict[str, str]:
    """What leads from the run back to the store: for every step the digest of what it made and its derivation key."""
    tags = {"mlflow.source.name": "within_wf", "mlflow.source.type": "PROJECT"}
    for node in (plan[name] for name in lineage):
        tags[f"within_wf.artifact.{node.step}"] = refs[node.step].digest
        tags[f"within_wf.key.{node.step}"] = node.key
        for file, digest in node.parts["raw"].items():
            tags[f"within_wf.raw.{file}"] = digest
    return tags


def _who(provenance: Mapping[str, Any]) -> dict[str, str]:
    named = {"mlflow.user": provenance.get("who"), "mlflow.source.git.commit": provenance.get("commit")}
    return {name: value for name, value in named.items() if value}


def _provenance(node: Node) -> dict[str, Any]:
    """How an artifact came to be; empty where it was found in the store."""
    try:
        return dict(json.loads(provenance_path(Path(node.ref)).read_bytes()))
    except (OSError, ValueError):
        return {}


def _read(path: Path | None) -> dict[str, Any]:
    return {} if path is None else dict(json.loads(path.read_bytes()))


def _ref(node: Node) -> Ref:
    ref = read_ref(Path(node.ref))
    if ref is None:
        raise StoreError(f"{node.id} is not made yet; start the workflow again")
    return ref
