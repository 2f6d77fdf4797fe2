"""Who took a snapshot, and when: beside a version, and nothing of it depends on this."""

from __future__ import annotations

import getpass
import json
import time
from pathlib import Path

from within_wf.store.canonical import to_json
from within_wf.store.disk import write_once, writing
from within_wf.store.local import Store


def provenance_path(store: Store, version: str) -> Path:
    """Where the record of a version is."""
    return store.root / "versions" / f"{version}.provenance.json"


def write_provenance(store: Store, version: str, source: str) -> None:
    """Note who took a snapshot, when and of what, unless it was noted before.

    Args:
        store: The store.
        version: The version's id.
        source: What the person named.

    Raises:
        StoreError: The store cannot be written.
    """
    path = provenance_path(store, version)
    said = {"who": _user(), "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "at": time.time(), "source": source}
    with writing(store.root):
        path.parent.mkdir(exist_ok=True)
        (store.root / "scratch").mkdir(exist_ok=True)
        write_once(path, to_json(said).encode(), store.root / "scratch")


def read_provenance(store: Store, version: str) -> dict[str, str | float]:
    """What was noted; empty where nothing was, or where it is damaged."""
    try:
        said = json.loads(provenance_path(store, version).read_bytes())
        return {"who": str(said["who"]), "when": str(said["when"]), "at": float(said["at"]), "source": str(said["source"])}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
