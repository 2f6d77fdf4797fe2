"""Where a run keeps what it makes: the store, and the files beside it."""

from __future__ import annotations

import os
from pathlib import Path

import within_wf
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
    return Store.open(os.environ.get("WITHIN_STORE") or MEMORY / "store", os.environ.get("WITHIN_STORE_REMOTE") or None)
