"""What the Snakefile asks: the plan, the path of each ref, and the refs of what is already made."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from within_wf.errors import ConfigError, Problem, StoreError, WithinError
from within_wf.steps.place import CODE, MEMORY, open_store
from within_wf.steps.plan import Node, Plan, build_plan, digest_of, plan_from_json, plan_to_json
from within_wf.steps.raw_files import RawFiles
from within_wf.steps.refs import read_ref, write_ref, write_whole
from within_wf.steps.tracking import Tracking, plan_tracking
from within_wf.store.local import Store

KEYS = ("dataset", "set")
"""What ``--config`` takes."""


@dataclass(frozen=True, repr=False)  # Snakemake reads what it shows of input functions as paths, and doubts URLs in them
class Workflow:
    """A run as the rules see it.

    Attributes:
        plan: Id to node.
        plan_path: Where the plan is written for the step runner.
        dataset: The dataset's name.
        tracking: What of it is recorded, and where.
    """

    plan: Plan
    plan_path: Path
    dataset: str
    tracking: Tracking

    def inputs(self, step: str) -> Callable[[Any], dict[str, str]]:
        """The input function of a rule: label to the ref of the step before."""

        def of(wildcards: Any) -> dict[str, str]:
            node = self.plan.get(f"{step}/{wildcards.name}")
            return {} if node is None else _ancient({label: self.plan[name].ref for label, name in node.inputs.items()})

        return of

    def command(self, step: str) -> str:
        """The one shell command of a step's rule."""
        return (
            f"{_runner()} step {step} --name {{wildcards.name}} --plan {self.plan_path}"
            " --ref {output} --log {log} --threads {threads}"
        )

    def track_command(self) -> str:
        """The shell command of the rule that records."""
        return (
            f"{_runner()} track --name {{wildcards.name}} --plan {self.plan_path} --settings {self.tracking.settings}"
            " --marker {output} --log {log}"
        )

    def refs(self, *steps: str, model: str | None = None) -> list[str]:
        """The refs of some steps, of one model or of all."""
        return [node.ref for node in self.plan.values() if node.step in steps and model in (None, node.model)]

    def judged(self, wildcards: Any) -> dict[str, str]:
        """The input function of the rule that records: what is recorded of a model."""
        found = (marker for marker in self.tracking.markers if marker.name == wildcards.name)
        return _ancient({label: node.ref for marker in found for label, node in marker.inputs.items()})

    def markers(self, *, model: str | None = None) -> list[str]:
        """The markers of one model or of all, where runs are recorded."""
        return [marker.path for marker in self.tracking.markers if model in (None, marker.model)]

    def finished(self) -> bool:
        """Whether every step of the plan is made, and recorded."""
        return all(Path(path).exists() for path in (*(node.ref for node in self.plan.values()), *self.markers()))


def open_workflow(given: Mapping[str, object], configs: Path) -> Workflow:
    """Plan the run that the command line asks for, and write the refs of what is already made.

    Args:
        given: What stands behind ``--config``.
        configs: The folder of configurations.

    Raises:
        WithinError: The configuration, the raw files or the store cannot be used.
    """
    unknown = [Problem("--config", key, f"one of {', '.join(KEYS)}") for key in given if key not in KEYS]
    if unknown:
        raise ConfigError("the command line configures what is unknown", unknown)
    dataset = str(given.get("dataset", "sample_world"))
    plan, tracking = _plan(dataset, given.get("set"), configs)
    text = plan_to_json(plan)
    path = MEMORY / "plans" / f"{digest_of(text)}.json"
    if path.exists():
        os.utime(path)
    else:
        write_whole(path, text)
    prefetch(plan, open_store())
    return Workflow(plan, path, next(iter(plan.values())).name.partition(".")[0], tracking)


def plan_or_exit(given: Mapping[str, object], configs: Path) -> Workflow:
    """:func:`open_workflow` for the Snakefile: an error is one message and its exit code, no traceback."""
    try:
        return open_workflow(given, configs)
    except WithinError as error:
        print(f"within-wf: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(error.exit_code)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        cure = "the workflow writes out/, results/, logs/ and .within/ here"
        print(f"within-wf: {where}{error.strerror}; {cure}", file=sys.stderr)  # noqa: T201
        sys.exit(StoreError.exit_code)


def prefetch(plan: Plan, store: Store) -> None:
    """Write the ref of every node whose artifact the store has, and remove those whose artifact it has no longer."""
    for node in plan.values():
        path = Path(node.ref)
        ref = read_ref(path)
        if ref is not None and store.get(ref.action) is not None:
            continue
        path.unlink(missing_ok=True)
        action = store.derived(node.key)
        manifest = store.get(action) if action else None
        if action and manifest:
            write_ref(path, node, action, manifest)


def _ancient(refs: Mapping[str, str]) -> dict[str, str]:
    """Refs whose file times mean nothing: whatever matters is part of the path of what is made from them."""
    from snakemake.io import ancient

    return {label: ancient(ref) for label, ref in refs.items()}


def _runner() -> str:
    """The step runner beside the interpreter, whether or not its environment is activated; as a rule's shell quotes it."""
    path = shlex.quote(str(Path(sys.executable).with_name("within-wf")))
    return path.replace("{", "{{").replace("}", "}}")


def _plan(dataset: str, overrides: object, configs: Path) -> tuple[Plan, Tracking]:
    from within_wf.config.load import experiment_path, load_run
    from within_wf.config.overrides import split_overrides
    from within_wf.ops.fingerprint import core_digest
    from within_wf.steps.fingerprint import Sources

    run = load_run(experiment_path(dataset, configs), split_overrides(overrides))
    sources = Sources(CODE, MEMORY / "sources.json")
    folder = os.environ.get("WITHIN_DATA")
    raw = RawFiles(Path(folder) if folder else None, MEMORY / "raw.json")
    plan = build_plan(run, sources, raw, core_digest())
    sources.save()
    return plan, plan_tracking(plan, run.tracking)


def latest_plans() -> list[Plan]:
    """The plans that were made here, newest first."""
    paths = sorted((MEMORY / "plans").glob("*.json"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    plans = []
    for path in paths:
        with suppress(ValueError, TypeError):  # one that was damaged, or written by another version, says nothing
            plans.append(plan_from_json(path.read_bytes()))
    return plans


def find_latest(plans: list[Plan], step: str, dataset: str | None, model: str | None) -> list[Node]:
    """The nodes of a step in some plans, in their order."""
    return [
        node
        for plan in plans
        for node in plan.values()
        if node.step == step and dataset in (None, node.name.partition(".")[0]) and model in (None, node.model)
    ]
