"""Who asked for an artifact, when, where and from what: kept beside its ref, and nothing depends on it."""

from __future__ import annotations

import getpass
import platform
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from within_wf.steps.place import CODE
from within_wf.steps.plan import Node, Plan, nodes_above
from within_wf.steps.refs import Ref, write_whole
from within_wf.store.canonical import to_json


def provenance_path(ref: Path) -> Path:
    """Where the provenance of the artifact of ``ref`` is."""
    return ref.with_name(ref.name.replace(".ref.json", ".provenance.json"))


def write_provenance(ref: Path, plan: Plan, node: Node, inputs: dict[str, Ref], cost: Mapping[str, float | int | None]) -> None:
    """Write down how an artifact came to be.

    Args:
        ref: The artifact's ref.
        plan: The plan it is part of.
        node: What was made.
        inputs: Label to what it was made from.
        cost: What :meth:`within_wf.tracking.meters.Meters.read` says.
    """
    content: dict[str, Any] = {
        "step": node.step,
        "name": node.name,
        "who": _user(),
        "host": socket.gethostname(),
        "processor": _processor(),
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(cost["started_seconds"])),
        **cost,
        "commit": _commit(),
        "libraries": node.parts["libraries"],
        "configuration": node.parts["config"],
        "raw": {file: digest for above in nodes_above(plan, node) for file, digest in above.parts["raw"].items()},
        "inputs": {label: {"step": above.step, "digest": above.digest} for label, above in inputs.items()},
    }
    write_whole(provenance_path(ref), to_json(content))


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - a file of the kernel
            return next((line.partition(":")[2].strip() for line in file if line.startswith("model name")), platform.machine())
    except OSError:
        return platform.machine()


def _commit() -> str:
    """The commit of the checkout, ``+`` behind it where files differ; empty outside a checkout."""
    try:
        command = ["git", "-C", str(CODE), "describe", "--always", "--abbrev=40", "--dirty=+"]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
