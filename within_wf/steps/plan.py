"""Which steps a run needs, and the derivation key of each: known before anything runs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from within_wf.steps.catalog import STEPS, Step
from within_wf.steps.pretrained import identity

if TYPE_CHECKING:
    from within_wf.config.run import RunConfig
    from within_wf.steps.fingerprint import Sources
    from within_wf.steps.raw_files import RawFiles

MODELS = ("ad_score", "account_health")
FORMAT = 1
"""Part of every key: raise it where what a key means changes."""


@dataclass(frozen=True)
class Node:
    """One step of one run.

    Attributes:
        step: The step's name.
        name: ``<dataset>``, or ``<dataset>.<model>``.
        model: The model it is made for, if any.
        key: Its derivation key.
        parts: What its own part of the keys is made of: code, configuration, libraries, weights, core, raw files.
        inputs: Label to the id (``step/name``) of the node it reads.
        sources: Raw file to its path here; files of another table begin with its name and ``/``.
    """

    step: str
    name: str
    model: str | None
    key: str
    parts: dict[str, Any]
    inputs: dict[str, str]
    sources: dict[str, str]

    @property
    def id(self) -> str:
        """``step/name``."""
        return f"{self.step}/{self.name}"

    @property
    def ref(self) -> str:
        """The path of what its rule makes."""
        return f"out/{self.step}/{self.name}/{self.key}.ref.json"


Plan = dict[str, Node]


def build_plan(run: RunConfig, sources: Sources, raw: RawFiles, core: str) -> Plan:
    """Plan a run.

    Args:
        run: Its configuration.
        sources: The package's code.
        raw: The folder of raw files and the digests that are known of them.
        core: The digest of the compiled core.

    Returns:
        Id to node, in the order the data walks.

    Raises:
        DatasetNotFoundError: Raw files are missing; all of them are named.
    """
    plan: Plan = {}
    places = raw.find_all(run.dataset)
    for step in STEPS:
        for model in _models(step, run):
            config = _View(run, model)
            if all(config.holds(condition) for condition in step.when):
                node = _node(step, model, config, plan, sources, raw, places, core)
                plan[node.id] = node
    return plan


def digest_of(value: object) -> str:
    """SHA-256 of the canonical JSON of ``value``."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()).hexdigest()


def action_key(node: Node, inputs: Mapping[str, str]) -> str:
    """The key of what a node comes down to.

    Args:
        node: The node.
        inputs: Label to the digest of the artifact that was really made.
    """
    return digest_of({"format": FORMAT, "step": node.step, **node.parts, "inputs": dict(inputs)})


def plan_to_json(plan: Plan) -> str:
    """The plan as the step runner reads it."""
    return json.dumps({node.id: asdict(node) for node in plan.values()}, sort_keys=True)


def plan_from_json(text: str | bytes) -> Plan:
    """Read what :func:`plan_to_json` wrote."""
    return {key: Node(**value) for key, value in json.loads(text).items()}


def nodes_above(plan: Plan, node: Node) -> Iterator[Node]:
    """A node and all it is made from, in the order the data walks; what is reached twice comes twice."""
    for above in node.inputs.values():
        yield from nodes_above(plan, plan[above])
    yield node


class _View:
    """The configuration as a step of one model sees it."""

    def __init__(self, run: RunConfig, model: str | None) -> None:
        from within_wf.config.related import linked_columns

        self._whole = run.model_dump(mode="json")
        self._whole["dataset"]["linked"] = linked_columns(run.dataset.related)
        self._model = model
        self.dataset: str = run.dataset.name

    @property
    def _table(self) -> str:
        return "ads" if self._model == "ad_score" else "series"

    def get(self, path: str) -> Any:
        value: Any = self._whole
        parts = path.split(".")
        if parts == ["dataset", "related"]:
            return {name: table for name, table in value["dataset"]["related"].items() if table["to"] in (None, self._table)}
        if parts[:2] == ["dataset", "table"]:
            parts = ["dataset", self._table, *parts[2:]]
        elif parts[0] not in ("dataset", "reproducibility"):
            value = self._whole["models"][self._model]
        for part in parts:
            value = value.get(part) if isinstance(value, dict) else None
        return value

    def holds(self, condition: str) -> bool:
        path, _, wanted = condition.partition("=")
        value = self.get(path)
        return value == wanted if wanted else bool(value)


def _models(step: Step, run: RunConfig) -> list[str | None]:
    planned = [name for name in MODELS if getattr(run.models, name) is not None]
    if step.scope == "dataset":
        return [None]
    return [name for name in planned if step.scope in ("model", name)]


def _node(
    step: Step,
    model: str | None,
    config: _View,
    plan: Plan,
    sources: Sources,
    raw: RawFiles,
    places: Mapping[str, Mapping[str, str]],
    core: str,
) -> Node:
    name = config.dataset if model is None else f"{config.dataset}.{model}"
    inputs = {}
    for label, upstream in step.inputs.items():
        candidates = [node for node in (f"{upstream}/{name}", f"{upstream}/{config.dataset}") if node in plan]
        if candidates:
            inputs[label] = candidates[0]
    read = {path: config.get(path) for path in step.reads}
    files: dict[str, str] = {}
    if "dataset.source" in step.sources:
        files |= places[""]
        read["dataset.source"] = {**read["dataset.source"], "folder": ""}
    if "dataset.related" in step.sources:
        tables = [table for table in read["dataset.related"] if table in places]
        files |= {f"{table}/{file}": place for table in tables for file, place in places[table].items()}
    parts = {
        "code": sources.fingerprint(f"within_wf.steps.{step.name}"),
        "config": read,
        "libraries": versions(step.libraries),
        "weights": {weights: identity(weights, raw) for weights in map(config.get, step.weights) if weights is not None},
        "core": core if step.compiled else "",
        "raw": {file: raw.digest(path) for file, path in files.items()},
    }
    above = {label: plan[upstream].key for label, upstream in inputs.items()}
    key = digest_of({"format": FORMAT, "step": step.name, **parts, "derivations": above})
    return Node(step.name, name, model, key, parts, inputs, files)


_VERSIONS: dict[str, str] = {}


def versions(libraries: tuple[str, ...]) -> dict[str, str]:
    """Installed version by library, Python's own beside them; ``missing`` where it is not installed."""
    import sys
    from importlib import metadata

    for library in libraries:
        if library not in _VERSIONS:
            try:
                _VERSIONS[library] = metadata.version(library)
            except metadata.PackageNotFoundError:
                _VERSIONS[library] = "missing"
    return {"python": f"{sys.version_info[0]}.{sys.version_info[1]}", **{library: _VERSIONS[library] for library in libraries}}
