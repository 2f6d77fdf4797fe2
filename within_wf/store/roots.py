"""What results, references and pins reach in a store: nothing of it may be collected."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from within_wf.errors import Problem, StoreError
from within_wf.store.manifest import Record, is_digest
from within_wf.store.pins import pins

if TYPE_CHECKING:
    from within_wf.store.local import Store

_DIGEST = re.compile(rb"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
_LARGEST_REFERENCE = 2**20


def named_digests(roots: Iterable[str | Path]) -> set[str]:
    """Every digest that roots name.

    A root is a key, a file, or a folder that is searched: of links the last part of where they point, of JSON files
    (references, up to 1 MB each) whatever in them looks like a SHA-256. Naming too much only keeps too much.

    Raises:
        StoreError: A root is not there; a typing error must not cost what it meant to keep.
    """
    found: set[str] = set()
    missing = []
    for root in roots:
        if is_digest(str(root)):
            found.add(str(root))
        elif Path(root).is_dir() and not Path(root).is_symlink():
            for folder, names, files in os.walk(root):
                for name in [*names, *files]:
                    found |= _digests_of(Path(folder, name))
        elif os.path.lexists(root):
            found |= _digests_of(Path(root))
        else:
            missing.append(Problem(str(root), "nothing", "a folder, a reference or a key whose artifacts are kept"))
    if missing:
        raise StoreError("what should be kept is not there, so nothing was collected", missing)
    return found


def _digests_of(path: Path) -> set[str]:
    if path.is_symlink():
        return {part for part in path.readlink().parts if is_digest(part)}
    if path.suffix == ".json" and path.is_file() and path.stat().st_size <= _LARGEST_REFERENCE:
        return {match.decode() for match in _DIGEST.findall(path.read_bytes())} | {
            part for part in path.name.split(".") if is_digest(part)
        }
    return set()


def reached_actions(store: Store, records: Mapping[str, Record], named: set[str]) -> set[str]:
    """The actions that digests reach: by key, derivation key, manifest's digest, or a blob they hold."""
    wanted = named | {key for keys in pins(store).values() for key in keys}
    wanted |= {action for key in named if (action := store.derivation(key)) is not None}
    return {
        key
        for key, record in records.items()
        if key in wanted
        or record.manifest.digest in wanted
        or any(file.sha256 in named for file in record.manifest.files.values())
    }
