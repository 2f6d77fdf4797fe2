"""The one output of a rule: a small file that names an artifact. A pure function of content."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from within_wf.steps.plan import Node
from within_wf.store.canonical import to_json
from within_wf.store.disk import replacing
from within_wf.store.manifest import Manifest


@dataclass(frozen=True)
class Ref:
    """What ``ref.json`` says.

    Attributes:
        step: The step's name.
        name: The node's name.
        action: The action key.
        digest: The digest of the artifact.
        files: Path in the artifact to its SHA-256.
    """

    step: str
    name: str
    action: str
    digest: str
    files: dict[str, str]


def write_ref(path: Path, node: Node, action: str, manifest: Manifest) -> None:
    """Write the ref of a node, all at once."""
    files = {file: entry.sha256 for file, entry in manifest.files.items()}
    content = {"step": node.step, "name": node.name, "action": action, "digest": manifest.digest, "files": files}
    write_whole(path, to_json(content))


def read_ref(path: Path) -> Ref | None:
    """Read a ref; none where there is none, or where it is damaged."""
    try:
        return Ref(**json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def write_whole(path: Path, text: str) -> None:
    """Write a file so that nobody ever sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as draft:
        draft.write_text(text, encoding="utf-8")
