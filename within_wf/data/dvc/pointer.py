"""What a ``.dvc`` file points to.

Format: https://dvc.org/doc/user-guide/project-structure/dvc-files and internal-files. An output of DVC 3 has ``hash: md5``, the
MD5 of its bytes; one of DVC 1 and 2 has no ``hash``, and its MD5 takes LF for CRLF where the bytes look like text.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from within_wf.config.reader import read_yaml
from within_wf.errors import ConfigError, DatasetError, Problem

SUFFIX = ".dvc"
_MD5 = re.compile(r"[0-9a-f]{32}")
_AGAIN = "Run `dvc add` again, or correct it."


@dataclass(frozen=True)
class Tracked:
    """A file, or the listing of a folder, by its content.

    Attributes:
        path: Its path, relative to the pointer or to the folder; ``/`` between its parts.
        md5: MD5 in hex, without the suffix of a listing.
        size: Its bytes; none where that is not said, or where a folder is meant.
        is_folder: Whether it is the listing of a folder.
        is_legacy: Whether it was tracked by DVC 1 or 2.
        remote: The remote it is kept in, where it is not the default one.
        is_cached: Whether it is in the cache, and not in the workspace alone.
    """

    path: str
    md5: str
    size: int | None = None
    is_folder: bool = False
    is_legacy: bool = False
    remote: str | None = None
    is_cached: bool = True

    @property
    def place(self) -> str:
        """Where DVC keeps it, below a cache or remote of its age."""
        return f"{self.md5[:2]}/{self.md5[2:]}{'.dir' if self.is_folder else ''}"


def find_pointer(path: Path) -> tuple[Path, str] | None:
    """The pointer that leads to a path which is not there itself.

    Returns:
        The pointer, and what is meant of its outputs: ``""`` for whatever it points to; none where there is no pointer.
    """
    if path.suffix == SUFFIX:
        return (path, "") if path.is_file() else None
    if path.exists():
        return None
    for tracked in (path, *path.parents):
        pointer = tracked.with_name(f"{tracked.name}{SUFFIX}") if tracked.name else None
        if pointer is not None and pointer.is_file():
            return pointer, path.relative_to(tracked.parent).as_posix()
    return None


def read_pointer(pointer: Path) -> list[Tracked]:
    """The outputs of a pointer.

    Raises:
        DatasetError: It is no pointer, or an output cannot be read by its MD5; everything wrong is named.
    """
    try:
        document = read_yaml(pointer, pointer.name)
    except ConfigError as error:
        raise DatasetError(f"{pointer.name} is no pointer of DVC", error.problems) from error
    outs, folder = document.value.get("outs"), document.value.get("wdir", ".")
    problems: list[Problem] = []
    if not isinstance(outs, list) or not outs or not all(isinstance(out, dict) for out in outs):
        problems.append(Problem(str(document.place(("outs",))), repr(outs), "a list of what is tracked", _AGAIN))
        outs = []
    if not isinstance(folder, str):
        problems.append(Problem(str(document.place(("wdir",))), repr(folder), "a folder", _AGAIN))
    tracked = []
    for number, out in enumerate(outs):
        wrong = _wrong(out)
        problems += [Problem(str(document.place(("outs", number, key))), repr(out.get(key)), *said) for key, said in wrong]
        if not wrong and not problems:
            tracked.append(_tracked(out, str(folder)))
    if problems:
        raise DatasetError(f"{pointer.name} cannot be followed", problems)
    return tracked


def read_listing(text: bytes, listing: Tracked) -> list[Tracked]:
    """The files of a folder, by the listing that DVC keeps in place of it.

    Args:
        text: The listing: JSON, a list of ``{"md5": …, "relpath": …}``.
        listing: What it is.

    Raises:
        DatasetError: It is no such listing, or a path leads out of the folder.
    """
    try:
        entries = json.loads(text)
        files = [Tracked(entry["relpath"], entry["md5"], None, False, listing.is_legacy, listing.remote) for entry in entries]
        whole = all(_MD5.fullmatch(file.md5) and _is_inside(file.path) for file in files)
    except (ValueError, KeyError, TypeError):
        whole, files = False, []
    if not whole or not files:
        problem = Problem(
            f"{listing.path}, {listing.place}", "no such listing", "a list of files in the folder, each by its MD5"
        )
        raise DatasetError(f"the folder {listing.path} cannot be followed", [problem])
    return sorted(files, key=lambda file: file.path)


def _wrong(out: dict[str, Any]) -> list[tuple[str, tuple[str, str]]]:
    """The keys of an output that cannot be used, to what is expected and what to do."""
    found = []
    md5, size = out.get("md5"), out.get("size")
    if not isinstance(md5, str) or not _MD5.fullmatch(md5.removesuffix(".dir")):
        found.append(
            ("md5", ("an MD5 of 32 hexadecimal digits", "Outputs that DVC leaves in the cloud have none; get them first."))
        )
    if not isinstance(out.get("path"), str) or not out["path"]:
        found.append(("path", ("a path", _AGAIN)))
    if out.get("hash", "md5") != "md5":
        found.append(("hash", ("md5", _AGAIN)))
    if size is not None and (type(size) is not int or size < 0):
        found.append(("size", ("a number of bytes", _AGAIN)))
    if not isinstance(out.get("remote", ""), str):
        found.append(("remote", ("the name of a remote", _AGAIN)))
    return found


def _tracked(out: dict[str, Any], folder: str) -> Tracked:
    is_folder = out["md5"].endswith(".dir")
    return Tracked(
        path=PurePosixPath(folder, out["path"]).as_posix(),
        md5=out["md5"].removesuffix(".dir"),
        size=None if is_folder else out.get("size"),
        is_folder=is_folder,
        is_legacy="hash" not in out,
        remote=out.get("remote"),
        is_cached=out.get("cache", True) is not False,
    )


def _is_inside(path: Any) -> bool:
    parts = PurePosixPath(path).parts
    return bool(parts) and not PurePosixPath(path).is_absolute() and ".." not in parts and "\\" not in path and "\0" not in path
