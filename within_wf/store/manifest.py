"""What an artifact holds, and the record that commits it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from within_wf.errors import Problem, StoreError
from within_wf.store.canonical import to_json

_HEX = frozenset("0123456789abcdef")


class File(NamedTuple):
    """The content of one file: its SHA-256 in hex and its size in bytes."""

    sha256: str
    size: int


@dataclass(frozen=True)
class Manifest:
    """The files of an artifact.

    Attributes:
        files: Path inside the artifact (``/`` between its parts) to what the file holds, sorted by path.
    """

    files: Mapping[str, File]

    @property
    def digest(self) -> str:
        """SHA-256 of the paths and contents: equal for artifacts that are equal, and for no others."""
        text = json.dumps({path: list(file) for path, file in self.files.items()}, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def size(self) -> int:
        """Bytes of all files; a content that stands there twice counts twice."""
        return sum(file.size for file in self.files.values())


@dataclass(frozen=True)
class Record:
    """One committed action: its key, what kind of artifact it made, and the artifact."""

    action: str
    kind: str
    manifest: Manifest

    def to_json(self) -> str:
        """The text of ``actions/<key>.json``, a pure function of the record."""
        files = {path: {"sha256": file.sha256, "size": file.size} for path, file in self.manifest.files.items()}
        return to_json({"action": self.action, "digest": self.manifest.digest, "files": files, "kind": self.kind})


def is_digest(text: str) -> bool:
    """Whether ``text`` is a SHA-256 in lower-case hex."""
    return len(text) == 64 and _HEX.issuperset(text)


def check_key(key: str, what: str = "an action key") -> None:
    """Refuse what is not a SHA-256 in hex, before it becomes a path.

    Raises:
        StoreError: ``key`` is not one.
    """
    if not is_digest(key):
        raise StoreError(f"{what} is 64 hexadecimal digits (SHA-256, lower case), found {key!r}")


def _is_inside(path: str) -> bool:
    parts = path.split("/")
    return bool(path) and "\\" not in path and "\0" not in path and all(part not in ("", ".", "..") for part in parts)


def read_record(text: str | bytes, action_key: str, where: str) -> Record:
    """The record in ``text``.

    Args:
        text: What ``actions/<key>.json`` holds.
        action_key: The key it should be of.
        where: Where it was read, for the message.

    Raises:
        StoreError: It is damaged, or of another action.
    """
    try:
        value = json.loads(text)
        files = {path: File(entry["sha256"], entry["size"]) for path, entry in sorted(value["files"].items())}
        record = Record(value["action"], value["kind"], Manifest(files))
        whole = (
            record.action == action_key
            and value["digest"] == record.manifest.digest
            and isinstance(record.kind, str)
            and all(_is_inside(path) and is_digest(file.sha256) and type(file.size) is int for path, file in files.items())
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        whole = False
    if not whole:
        problem = Problem(
            where,
            "a damaged record",
            f"the record of action {action_key[:12]}",
            "Run `within-wf store verify --repair`: it moves the record aside, and the step runs again.",
        )
        raise StoreError("an action record of the store cannot be trusted", [problem])
    return record
