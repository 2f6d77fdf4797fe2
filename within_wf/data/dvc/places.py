"""Files that DVC tracks, among the files of a folder: those that are there are read, the others are where their pointer leads.

A tracked file that is not there has a place like a URL, ``dvc:///data/ads.dvc#ads/may.csv``: its pointer, and its path from
there.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from urllib.parse import quote, unquote

from within_wf.data.dvc.pointer import SUFFIX, find_pointer

SCHEME = "dvc://"


def tracked_places(path: Path, kept: Path | None) -> dict[str, str]:
    """The files that a pointer of DVC leads to.

    Args:
        path: The pointer; or a file or folder that is not there itself, whose pointer lies beside it or above.
        kept: A folder that keeps what comes from a remote; none where nothing is to be kept.

    Returns:
        The path of each file, there or not, to its place: the path itself, or one of DVC. Nothing where there is no pointer.

    Raises:
        DatasetNotFoundError: The pointer tracks no such file, or the listing of a folder is in no cache and no remote.
        DatasetError: It cannot be followed.
    """
    found = find_pointer(path)
    if found is None:
        return {}
    from within_wf.data.dvc.fetch import tracked_names

    pointer, inside = found
    paths = {name: pointer.parent / name for name in tracked_names(pointer, inside, kept)}
    return {str(path): str(path.resolve()) if path.is_file() else _place(pointer, name) for name, path in paths.items()}


def is_tracked(place: str) -> bool:
    """Whether a place is one of DVC."""
    return place.startswith(SCHEME)


def is_pointer(path: str) -> bool:
    """Whether a path is named as a pointer is."""
    return path.endswith(SUFFIX)


def pointer_stamp(place: str) -> str:
    """What changes when the bytes that a place names do: the pointer's content."""
    return hashlib.sha256(_parts(place)[0].read_bytes()).hexdigest()


def fetch_tracked(place: str, kept: Path) -> Path:
    """The file that a place names, from the cache, from ``kept``, or from a remote into ``kept``.

    Raises:
        DatasetError: It cannot be had, or its bytes are not those that the pointer names.
    """
    from within_wf.data.dvc.fetch import fetch

    pointer, name = _parts(place)
    return fetch(pointer, name, kept)[name]


def _place(pointer: Path, name: str) -> str:
    return f"{SCHEME}{quote(str(pointer.resolve()))}#{quote(name)}"


def _parts(place: str) -> tuple[Path, str]:
    pointer, _, name = place.removeprefix(SCHEME).partition("#")
    return Path(unquote(pointer)), unquote(name)
