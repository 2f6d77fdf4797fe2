"""Where the raw files of a dataset are: in a folder, under a URL that fsspec knows, or where DVC keeps what it tracks."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from within_wf.data.dvc.places import fetch_tracked, is_pointer, is_tracked, pointer_stamp, tracked_places
from within_wf.data.dvc.pointer import SUFFIX
from within_wf.data.transfer import brought
from within_wf.errors import DatasetError, DatasetNotFoundError, Problem
from within_wf.store.disk import digest_file
from within_wf.store.redaction import redact

_PATTERN = frozenset("*?[")
_CURE = "Correct WITHIN_DATA, or dataset.source.folder and files."


def is_remote(place: str) -> bool:
    """Whether a place is no file here, but one to fetch: a URL, or a file that DVC tracks."""
    return "://" in place


def find_files(dataset: str, folder: str, files: Sequence[str], base: Path | None, kept: Path | None = None) -> dict[str, str]:
    """The files that a dataset names.

    Args:
        dataset: Its name, for messages.
        folder: The folder they are in, or a URL; a relative one is looked for in ``base``.
        files: Files, folders and patterns (``2024-*.csv.gz``, ``**`` any depth), relative to ``folder``. Of a folder or a
            pattern all files are taken in the order of their names, but those that begin with ``_`` or ``.``. In a folder
            here, what DVC tracks is found by its pointer where it is not there itself; a pointer's name means what it tracks.
        base: Where relative folders are.
        kept: A folder that keeps listings of tracked folders that come from a remote.

    Returns:
        Name, relative to ``folder``, to absolute path, URL or place of DVC.

    Raises:
        DatasetNotFoundError: A file is missing, or nothing fits; all that is so is named.
        DatasetError: The URL cannot be asked, or a pointer of DVC cannot be followed.
    """
    if is_remote(folder):
        return _find_remote(dataset, folder.rstrip("/"), files)
    if not Path(folder).is_absolute():
        if base is None:
            problem = Problem("WITHIN_DATA", "nothing", f"the folder that holds {folder}/", "See docs/datasets.md.")
            raise DatasetNotFoundError(f"the dataset {dataset} is read from WITHIN_DATA, which is not set", [problem])
        folder = str(base / folder)
    here, folder = _Folder(kept), str(Path(folder))
    found, missing = _expand(here, folder, files)
    if missing:
        problems = [each for name in missing for each in here.said.get(f"{folder}/{name}") or [_absent(folder, name)]]
        raise DatasetNotFoundError(f"the dataset {dataset} is not whole", problems)
    return {name: here.tracked.get(path) or str(Path(path).resolve()) for name, path in found.items()}


def stamp(place: str) -> list[Any]:
    """What changes when a file does: of a file its inode, size and times, of a URL what its system says (of S3 the ETag), of
    what DVC tracks the content of its pointer.

    Raises:
        DatasetError: The URL cannot be asked.
    """
    if is_tracked(place):
        return [pointer_stamp(place)]
    if is_remote(place):
        system, path = _system(place)
        with _asking(place):
            return [system.ukey(path)]
    stat = Path(place).stat()
    return [stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns]


def fetch(place: str, folder: Path) -> tuple[Path, str]:
    """Bring the file at a URL here, under the name of its SHA-256; one that DVC tracks, by its MD5, unless it is in the cache.

    Returns:
        The file and its SHA-256.

    Raises:
        DatasetError: It cannot be read.
    """
    if is_tracked(place):
        here = fetch_tracked(place, folder)
        return here, digest_file(here)
    system, path = _system(place)
    with _asking(place), brought(system, path, folder) as (draft, digest):
        here = folder / digest
        draft.replace(here)
    return here, digest


def fetch_all(places: Mapping[str, str], folder: Path) -> dict[str, Path]:
    """Each file here, fetched into ``folder`` if it is elsewhere.

    Raises:
        DatasetError: One cannot be read.
    """
    return {name: fetch(place, folder)[0] if is_remote(place) else Path(place) for name, place in places.items()}


def _find_remote(dataset: str, folder: str, files: Sequence[str]) -> dict[str, str]:
    system, root = _system(folder)
    with _asking(folder):
        found, missing = _expand(system, root, files)
    if missing:
        problems = [_absent(redact(folder), name) for name in missing]
        raise DatasetNotFoundError(f"the dataset {dataset} is not whole", problems)
    return {name: f"{folder}/{name}" for name in found}


class _Folder:
    """What is asked of a file system, of files that are here or tracked: fsspec takes longer to import than a plan to make.

    Args:
        kept: A folder that keeps listings of tracked folders that come from a remote.

    Attributes:
        tracked: The paths of files that pointers lead to, to their places.
        said: Paths to what is wrong where a pointer does not lead to them.
    """

    def __init__(self, kept: Path | None) -> None:
        self._kept = kept
        self._known: dict[str, list[str]] = {}
        self.tracked: dict[str, str] = {}
        self.said: dict[str, Sequence[Problem]] = {}

    def glob(self, place: str) -> list[str]:
        found = [path for path in _here(place) if not is_pointer(path)]
        pointers = [path for path in (*_here(place), *_here(f"{place}{SUFFIX}")) if is_pointer(path)]
        found += [path for pointer in dict.fromkeys(pointers) for path in self._behind(pointer)]
        return list(dict.fromkeys(found)) or self._fitting(place)

    def find(self, place: str) -> list[str]:
        if not Path(place).is_dir():
            return self._behind(place)
        missing: list[str] = []
        if Path(f"{place}{SUFFIX}").is_file():
            with suppress(DatasetError):  # a copy of a tracked folder, without its project, is what is there
                missing = self._behind(f"{place}{SUFFIX}")
        return list(dict.fromkeys([*self.glob(f"{glob.escape(place)}/**"), *missing]))

    def isdir(self, place: str) -> bool:
        return Path(place).is_dir() or (not _PATTERN & set(place) and bool(self._behind(place)))

    def isfile(self, place: str) -> bool:
        return not is_pointer(place) and Path(place).is_file()

    def _behind(self, place: str) -> list[str]:
        """The files that a pointer leads to, or those that one leads to at a place where nothing is."""
        if place not in self._known:
            found: dict[str, str] = {}
            try:
                found = tracked_places(Path(place), self._kept)
            except DatasetNotFoundError as error:
                self.said[place] = error.problems
            self.tracked |= found
            self._known[place] = list(found)
        return self._known[place]

    def _fitting(self, pattern: str) -> list[str]:
        """The files of a tracked folder, not there itself, that fit a pattern."""
        parts = Path(pattern).parts
        plain = next((number for number, part in enumerate(parts) if _PATTERN & set(part)), len(parts))
        behind = self._behind(str(Path(*parts[:plain])))
        if not behind:
            return []
        from fsspec.utils import glob_translate

        fits = re.compile(glob_translate(pattern))
        return [path for path in behind if fits.match(path)]


def _here(pattern: str) -> list[str]:
    return [path for path in glob.iglob(pattern, recursive=True) if Path(path).is_file()]  # noqa: PTH207 - as fsspec's


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
        names = {short: path for short, path in names.items() if not _is_hidden(short)}
        found |= names
        missing += [] if names else [name]
    return found, missing


def _is_hidden(name: str) -> bool:
    return any(part.startswith(("_", ".")) for part in name.split("/"))


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
