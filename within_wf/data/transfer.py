"""Files brought here from elsewhere: whole, or not at all."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_CHUNK = 1 << 22


@contextmanager
def brought(system: Any, path: str, folder: Path) -> Iterator[tuple[Path, str]]:
    """A copy of a file of an fsspec file system, which is gone afterwards unless it was moved.

    Args:
        system: The file system.
        path: The file there.
        folder: Where the copy is made; what is moved within it is moved whole.

    Yields:
        The copy, and the SHA-256 of its bytes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    handle, draft = tempfile.mkstemp(dir=folder, prefix=".fetching-")
    try:
        with os.fdopen(handle, "wb") as out, system.open(path, "rb", cache_type="readahead") as content:
            while piece := content.read(_CHUNK):
                digest.update(piece)
                out.write(piece)
        yield Path(draft), digest.hexdigest()
    finally:
        Path(draft).unlink(missing_ok=True)
