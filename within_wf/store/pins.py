"""What is kept on purpose: a pin names artifacts that the collector leaves alone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from within_wf.errors import Problem, StoreError
from within_wf.store.disk import write_over, writing
from within_wf.store.manifest import is_digest

if TYPE_CHECKING:
    from within_wf.store.local import Store


def pin(store: Store, name: str, action_keys: Sequence[str]) -> None:
    """Keep artifacts under a name: a registered model, a published report. A pin of that name is replaced.

    Args:
        store: The store.
        name: Letters, digits, ``.``, ``-``, ``_`` and ``@``; a registered model's name and version, say.
        action_keys: The actions that made them; all of them known to the store.

    Raises:
        StoreError: The name cannot be one of a file, or the store does not know an action; all of them are named.
    """
    path = _path(store, name)
    missing = [key for key in action_keys if not store.knows(key)]
    if missing:
        problems = [Problem(key, "no record in the store", "a committed action") for key in missing]
        raise StoreError(f"{name} cannot be pinned", problems)
    text = json.dumps({"actions": sorted(action_keys), "name": name}, indent=1, sort_keys=True) + "\n"
    with writing(store.root):
        path.parent.mkdir(exist_ok=True)
        (store.root / "scratch").mkdir(exist_ok=True)
        write_over(path, text.encode(), store.root / "scratch")


def unpin(store: Store, name: str) -> bool:
    """Remove a pin; whether there was one.

    Raises:
        StoreError: The store cannot be written.
    """
    path = _path(store, name)
    was_there = path.exists()
    with writing(store.root):
        path.unlink(missing_ok=True)
    return was_there


def pins(store: Store) -> Mapping[str, tuple[str, ...]]:
    """All pins: name to action keys.

    Raises:
        StoreError: A pin is damaged; all of them are named. Nothing should be collected then.
    """
    found: dict[str, tuple[str, ...]] = {}
    problems = []
    for path in sorted((store.root / "roots").glob("*.json")):
        keys = _read(path)
        if keys is None:
            problems.append(Problem(str(path), "a damaged pin", "a pin", "Write it again with `pin`, or remove the file."))
        else:
            found[path.stem] = keys
    if problems:
        raise StoreError(f"pins of the store at {store.root} cannot be read", problems)
    return found


def _path(store: Store, name: str) -> Path:
    if not name or name.startswith(".") or not all(letter.isalnum() or letter in ".-_@" for letter in name):
        raise StoreError(f"a pin's name is made of letters, digits and . - _ @, found {name!r}")
    return store.root / "roots" / f"{name}.json"


def _read(path: Path) -> tuple[str, ...] | None:
    try:
        keys = json.loads(path.read_bytes())["actions"]
    except (ValueError, KeyError, TypeError):
        return None
    if not isinstance(keys, list) or not all(isinstance(key, str) and is_digest(key) for key in keys):
        return None
    return tuple(keys)
