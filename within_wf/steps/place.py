"""Where a run keeps what it makes: the store, and the files beside it."""

from __future__ import annotations

import os
from pathlib import Path

import within_wf
from within_wf.errors import Problem, StoreError
from within_wf.store.local import Store

CODE = Path(within_wf.__file__).resolve().parents[1]
"""The folder that holds the package."""
MEMORY = Path(".within")
"""What a run remembers; it can be deleted at any time."""


def open_store() -> Store:
    """The store that ``WITHIN_STORE`` names, or the one in the current folder; ``WITHIN_STORE_REMOTE`` is its second tier.

    Raises:
        StoreError: It cannot be opened.
    """
    return Store.open(_root(), os.environ.get("WITHIN_STORE_REMOTE") or None)


def find_store() -> Store:
    """:func:`open_store` for what only makes sense where there is a store: none is made.

    Raises:
        StoreError: There is none, or it cannot be opened.
    """
    root = _root()
    if not (root / "format.json").exists():
        problem = Problem(str(root), "no store", "the store of a run", "Run the workflow here first, or correct WITHIN_STORE.")
        raise StoreError("there is nothing to look at", [problem])
    return open_store()


def _root() -> Path:
    return Path(os.environ.get("WITHIN_STORE") or MEMORY / "store")
