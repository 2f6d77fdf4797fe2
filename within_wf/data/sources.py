"""Where the raw files of a dataset are: in a folder, or under a URL that fsspec knows."""

from __future__ import annotations

import glob
import hashlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from within_wf.errors import DatasetError, DatasetNotFoundError, Problem
from within_wf.store.redaction import redact

_PATTERN = frozenset("*?[")
_CURE = "Correct WITHIN_DATA, or dataset.source.folder and files."
_CHUNK = 1 << 22


def is_remote(place: str) -> bool:
    """Whether a path is a URL."""
    return "://" in place


def find_files(dataset: str, folder: str, files: Sequence[str], base: Path | None) -> dict[str, str]:
    """The files that a dataset names.

    Args:
        dataset: Its name, for messages.
        folder: The folder they are in, or a URL; a relative one is looked for in ``base``.
        files: Files, folders and patterns (``2024-*.csv.gz``, ``**`` any depth), relative to ``folder``. Of a folder or a
            pattern all files are taken in the order of their names, but those that begin with ``_`` or ``.``.
        base: Where relative folders are.

    Returns:
        Name, relative to ``folder``, to absolute path or URL.

    Raises:
        DatasetNotFoundError: A file is missing, or nothing fits; all that is so is named.
        DatasetError: The URL cannot be asked.
    """
    if is_remote(folder):
        return _find_remote(dataset, folder.rstrip("/"), files)
    if not Path(folder).is_absolute():
        if base is None:
            problem = Problem("WITHIN_DATA", "nothing", f"the folder that holds {folder}/", "See docs/datasets.md.")
            raise DatasetNotFoundError(f"the dataset {dataset} is read from WITHIN_DATA, which is not set", [problem])
        folder = str(base / folder)
    found, missing = _expand(_Folder(), folder, files)
    if missing:
        raise DatasetNotFoundError(f"the dataset {dataset} is not whole", [_absent(folder, name) for name in missing])
    return {name: str(Path(path).resolve()) for name, path in found.items()}


def stamp(place: str) -> list[Any]:
    """What changes when a file does: of a file its inode, size and times, of a URL what its system says (of S3 the ETag).

    Raises:
        DatasetError: The URL cannot be asked.
    """
    if is_remote(place):
        system, path = _system(place)
        with _asking(place):
            return [system.ukey(path)]
    stat = Path(place).stat()
    return [stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns]


def fetch(url: str, folder: Path) -> tuple[Path, str]:
    """Bring the file at a URL here, under the name of its SHA-256.

    Returns:
        The file and its digest.

    Raises:
        DatasetError: It cannot be read.
    """
    system, path = _system(url)
    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    handle, draft = tempfile.mkstemp(dir=folder, prefix=".fetching-")
    try:
        with _asking(url), os.fdopen(handle, "wb") as out, system.open(path, "rb", cache_type="readahead") as content:
            while piece := content.read(_CHUNK):
                digest.update(piece)
                out.write(piece)
        here = folder / digest.hexdigest()
        Path(draft).replace(here)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
    return here, digest.hexdigest()


def _find_remote(dataset: str, folder: str, files: Sequence[str]) -> dict[str, str]:
    system, root = _system(folder)
    with _asking(folder):
        found, missing = _expand(system, root, files)
    if missing:
        problems = [_absent(redact(folder), name) for name in missing]
        raise DatasetNotFoundError(f"the dataset {dataset} is not whole", problems)
    return {name: f"{folder}/{name}" for name in found}


class _Folder:
    """What is asked of a file system, for files that are here: fsspec takes longer to import than a plan to make."""

    def glob(self, place: str) -> list[str]:
        return [path for path in glob.iglob(place, recursive=True) if self.isfile(path)]  # noqa: PTH207 - as fsspec's

    def find(self, place: str) -> list[str]:
        return self.glob(f"{glob.escape(place)}/**")

    isdir = staticmethod(os.path.isdir)
    isfile = staticmethod(os.path.isfile)


def _expand(system: Any, root: str, files: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Name to path; and what is not there."""
    root = root.rstrip("/")
    found: dict[str, str] = {}
    missing = []
    for name in files:
        place = f"{root}/{name}"
        if system.isfile(place):
            found[name] = place
            continue
        paths = system.find(place) if system.isdir(place) else system.glob(place) if _PATTERN & set(name) else []
        names = {path.removeprefix(f"{root}/"): path for path in sorted(paths)}
        names = {short: path for short, path in names.items() if not any(part[0] in "_." for part in short.split("/"))}
        found |= names
        missing += [] if names else [name]
    return found, missing


def _absent(folder: str, name: str) -> Problem:
    what = "a file that fits" if _PATTERN & set(name) else "a file of the dataset"
    return Problem(f"{folder}/{name}", "no file", what, _CURE)


def _system(url: str) -> tuple[Any, str]:
    import fsspec

    with _asking(url):
        options = {"use_listings_cache": False} if url.startswith("s3://") else {}
        system, path = fsspec.core.url_to_fs(url, **options)
    return system, path


@contextmanager
def _asking(url: str) -> Iterator[None]:
    """What a file system says of a URL that it cannot read, as an error of the dataset."""
    try:
        yield
    except DatasetError:
        raise
    except Exception as error:  # drivers raise what they like
        said = redact(str(error).strip().split("\n")[0]) or type(error).__name__
        cure = "Correct dataset.source.folder; credentials and end point are taken from where fsspec's driver looks for them."
        raise DatasetError(f"{redact(url)} cannot be read", [Problem(redact(url), said, "files", cure)]) from error
