"""Working directories inside the store's file system, which say who works there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from within_wf.store.disk import explain, is_full, remove_tree, writing
from within_wf.store.owner import Owner

OWNER_FILE = "owner.json"


@contextmanager
def scratch_directory(store_root: Path, key: str) -> Iterator[Path]:
    """An empty directory, removed at the end; one that a killed process left is found by its owner file."""
    with writing(store_root):
        home = store_root / "scratch" / f"{key[:16]}-{os.urandom(8).hex()}"
        home.mkdir(parents=True)
        (home / OWNER_FILE).write_text(Owner.me().to_json(), encoding="utf-8")
        work = home / "work"
        work.mkdir()
    try:
        yield work
    except OSError as error:
        if is_full(error):
            raise explain(store_root, error) from error
        raise
    finally:
        remove_tree(home)


def owner_of(home: Path) -> Owner | None:
    """Who works in a scratch directory; none where the note is missing or cut short."""
    try:
        return Owner.from_json((home / OWNER_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
