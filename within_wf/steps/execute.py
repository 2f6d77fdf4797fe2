"""Runs one step in the pinned environment and commits what it made."""

from __future__ import annotations

import importlib
import sys
import traceback
from pathlib import Path
from typing import TextIO, cast

from within_wf.errors import StaleCodeError, WithinError
from within_wf.ops.fingerprint import core_digest
from within_wf.steps.context import StepContext
from within_wf.steps.fingerprint import Sources
from within_wf.steps.place import CODE, MEMORY, open_store
from within_wf.steps.plan import Node, action_key
from within_wf.steps.pretrained import identity
from within_wf.steps.provenance import write_provenance
from within_wf.steps.raw_files import RawFiles
from within_wf.steps.refs import Ref, write_ref
from within_wf.steps.runner import find_node, parse_arguments, read_plan, upstream
from within_wf.store.local import Store
from within_wf.store.manifest import Manifest
from within_wf.tracking.meters import Meters


def main(arguments: list[str]) -> int:
    """Compute a node, unless somebody else just did; returns the exit code."""
    options = parse_arguments(arguments)
    options.log.parent.mkdir(parents=True, exist_ok=True)
    with options.log.open("w", encoding="utf-8") as log:
        sys.stderr = cast(TextIO, _Tee(sys.__stderr__, log))
        try:
            _make(options.plan, options.step, options.name, options.ref, options.threads)
        except WithinError as error:
            print(f"{options.step}: {error}", file=sys.stderr)  # noqa: T201
            return error.exit_code
        except Exception as error:
            traceback.print_exc(file=log)
            message = (
                f"{options.step}: {type(error).__name__}: {error}\n  This is a fault of the step; {options.log} says where."
            )
            print(message, file=sys.stderr)  # noqa: T201
            return 1
        finally:
            sys.stderr = sys.__stderr__
    return 0


def _make(plan_path: Path, step: str, name: str, ref: Path, threads: int) -> None:
    plan = read_plan(plan_path)
    node = find_node(plan, step, name)
    inputs = upstream(plan, node)
    action = action_key(node, {label: above.digest for label, above in inputs.items()})
    store = open_store()
    meters = Meters()
    with store.claim(action, label=node.id, needs=[above.action for above in inputs.values()]) as claim:
        manifest = store.get(action)
        if manifest is None and claim.held:
            manifest = _compute(store, node, action, inputs, threads)
            write_provenance(ref, plan, node, inputs, meters.read())
    if manifest is None:
        raise StaleCodeError(f"{node.id} was made by another run and is gone again; start the workflow again")
    store.derive(node.key, action)
    write_ref(ref, node, action, manifest)
    store.flush()


def _compute(store: Store, node: Node, action: str, inputs: dict[str, Ref], threads: int) -> Manifest:
    with store.scratch(action) as scratch:
        folders = {}
        for label, above in inputs.items():
            manifest = store.get(above.action)
            if manifest is None:
                raise StaleCodeError(
                    f"{node.id} reads {above.step}/{above.name}, which left the store; start the workflow again"
                )
            folders[label] = store.materialize(manifest, scratch / "inputs" / label)
        output = scratch / "output"
        output.mkdir()
        check_unchanged(node)
        raw = RawFiles(None, MEMORY / "raw.json")
        context = StepContext(
            inputs=folders,
            output=output,
            config=node.parts["config"],
            model=cast(None, node.model),
            sources={name: raw.local(place, node.parts["raw"][name]) for name, place in node.sources.items()},
            threads=threads,
            name=node.name,
        )
        importlib.import_module(f"within_wf.steps.{node.step}").run(context)
        check_unchanged(node)
        return store.commit(action, output, node.step)


def check_unchanged(node: Node) -> None:
    """Refuse to go on where what the key was made of is not what is here.

    Raises:
        StaleCodeError: Code, the compiled core or raw files changed since the workflow was read; all that did are named.
    """
    code = Sources(CODE).fingerprint(f"within_wf.steps.{node.step}")
    planned = node.parts["code"]
    changed = sorted(name for name in code.keys() | planned.keys() if code.get(name) != planned.get(name))
    if node.parts["core"] not in ("", core_digest()):
        changed.append("csrc/")
    raw = RawFiles(None, MEMORY / "raw.json")
    changed += [file for file, path in node.sources.items() if raw.digest(path) != node.parts["raw"][file]]
    changed += [name for name, planned in node.parts["weights"].items() if identity(name, raw) != planned]
    if changed:
        (MEMORY / "sources.json").unlink(missing_ok=True)  # should it be what is wrong
        raise StaleCodeError(
            f"{', '.join(changed)} changed while the workflow ran, so nothing of {node.id} was kept; start the workflow again"
        )


class _Tee:
    """Writes to the terminal and to the log."""

    def __init__(self, *streams: TextIO | None) -> None:
        self._streams = [stream for stream in streams if stream is not None]

    def write(self, text: str) -> int:
        for stream in self._streams:
            stream.write(text)
            stream.flush()
        return len(text)

    def flush(self) -> None:
        for stream in self._streams:
            stream.flush()

    def isatty(self) -> bool:
        return False

    def fileno(self) -> int:
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
