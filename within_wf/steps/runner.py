"""``within-wf step``: what every rule calls. Where the store knows the step's result, nothing of the step is imported."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from within_wf.errors import StoreError
from within_wf.steps.place import open_store
from within_wf.steps.plan import Node, Plan, action_key, plan_from_json
from within_wf.steps.refs import Ref, read_ref, write_ref


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line of ``within-wf step``."""
    parser = argparse.ArgumentParser(prog="within-wf step", description="Make one artifact, or find it in the store.")
    parser.add_argument("step", help="the step's name, as in within_wf/steps/catalog.py")
    parser.add_argument("--name", required=True, help="the node: <dataset> or <dataset>.<model>")
    parser.add_argument("--plan", required=True, type=Path, help="the plan that the workflow wrote")
    parser.add_argument("--ref", required=True, type=Path, help="the file to write")
    parser.add_argument("--log", required=True, type=Path, help="where to say what happens")
    parser.add_argument("--threads", type=int, default=1, help="cores the step may use; never changes its bytes")
    return parser.parse_args(arguments)


def run(arguments: Sequence[str]) -> int:
    """Write the ref of a node, from the store or by computing it; returns the exit code.

    Raises:
        WithinError: The step cannot be run.
    """
    options = parse_arguments(arguments)
    plan = read_plan(options.plan)
    node = find_node(plan, options.step, options.name)
    inputs = upstream(plan, node)
    action = action_key(node, {label: ref.digest for label, ref in inputs.items()})
    store = open_store()
    manifest = store.get(action)
    if manifest is None:
        from within_wf.steps.environment import step_environment

        sys.stdout.flush()
        sys.stderr.flush()
        command = [sys.executable, "-P", "-m", "within_wf.steps.execute", *arguments]
        os.execve(sys.executable, command, step_environment())  # noqa: S606 - the same program, in its pinned environment
    store.derive(node.key, action)
    write_ref(options.ref, node, action, manifest)
    options.log.parent.mkdir(parents=True, exist_ok=True)
    options.log.write_text(f"{node.id}: found in the store as {action}\n")
    store.flush()
    return 0


def read_plan(path: Path) -> Plan:
    """The plan the workflow wrote.

    Raises:
        StoreError: It is not there any more.
    """
    try:
        return plan_from_json(path.read_bytes())
    except (OSError, ValueError, TypeError) as error:
        raise StoreError(f"the plan {path} cannot be read ({error}); start the workflow again") from error


def find_node(plan: Plan, step: str, name: str) -> Node:
    """The node of a step.

    Raises:
        StoreError: The plan has none.
    """
    node = plan.get(f"{step}/{name}")
    if node is None:
        raise StoreError(f"the plan has no {step}/{name}; it has {', '.join(plan)}")
    return node


def upstream(plan: Plan, node: Node) -> dict[str, Ref]:
    """Label to what the steps before really made.

    Raises:
        StoreError: A step before has made nothing yet.
    """
    refs = {label: read_ref(Path(plan[name].ref)) for label, name in node.inputs.items()}
    missing = [node.inputs[label] for label, ref in refs.items() if ref is None]
    if missing:
        raise StoreError(f"{node.id} reads {', '.join(missing)}, which is not made yet; start the workflow again")
    return {label: ref for label, ref in refs.items() if ref is not None}
