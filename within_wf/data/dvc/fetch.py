"""The bytes that a pointer names, from the cache, the workspace or a remote; never other bytes than it names."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from within_wf.data.dvc.pointer import Tracked, read_listing, read_pointer
from within_wf.data.dvc.settings import Project, Remote, find_project
from within_wf.data.transfer import brought
from within_wf.errors import DatasetError, DatasetNotFoundError, Problem
from within_wf.store.redaction import redact

_CHUNK = 1 << 20
_HEAD = 512
_TEXT = bytes(range(32, 127)) + b"\n\r\t\f\b"
_MOST_STRANGE = 0.3
_S3 = {"access_key_id": "key", "secret_access_key": "secret", "session_token": "token", "profile": "profile"}


def fetch(pointer: Path, inside: str, into: Path) -> dict[str, Path]:
    """The files that a pointer leads to, each compared with its MD5.

    Args:
        pointer: The ``.dvc`` file.
        inside: Which of its outputs, or which file of a folder it tracks; empty for all there is.
        into: A folder for what comes from a remote, by its MD5; what is there already, or in the cache, is read where it is.

    Returns:
        What messages call a file (its path from the pointer's folder) to its place here, by that path.

    Raises:
        DatasetNotFoundError: There is no such file among those that are tracked, or it is in no cache and no remote.
        DatasetError: The pointer, the project's settings or a listing cannot be read, or bytes are not those they should be.
    """
    project = find_project(pointer)
    return {
        name: _obtain(project, pointer, file, into, folder) for name, (file, folder) in _tracked(project, pointer, inside, into)
    }


def tracked_names(pointer: Path, inside: str, kept: Path | None = None) -> list[str]:
    """The files that a pointer leads to, by their paths from its folder; of what they hold, nothing is read.

    Args:
        pointer: The ``.dvc`` file.
        inside: As :func:`fetch` takes it.
        kept: A folder that keeps the listing of a folder where that comes from a remote; none where it is not to be kept.

    Raises:
        DatasetNotFoundError: There is no such file among those that are tracked, or a listing is in no cache and no remote.
        DatasetError: The pointer, the project's settings or a listing cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="within-dvc-") as folder:
        return [name for name, _ in _tracked(find_project(pointer), pointer, inside, kept or Path(folder))]


def _tracked(project: Project, pointer: Path, inside: str, into: Path) -> list[tuple[str, tuple[Tracked, str]]]:
    """Each file's path from the pointer's folder, to what it is and the tracked folder it is in."""
    tracked = _meant(pointer, read_pointer(pointer), inside)
    if not tracked.is_folder:
        return [(tracked.path, (tracked, ""))]
    files = read_listing(_obtain(project, pointer, tracked, into).read_bytes(), tracked)
    wanted = [file for file in files if _is_wanted(f"{tracked.path}/{file.path}", inside)]
    if not wanted:
        known = ", ".join(file.path for file in files[:20])
        raise _missing(inside, f"no such file in {tracked.path}", f"one of {known}")
    return [(f"{tracked.path}/{file.path}", (file, tracked.path)) for file in wanted]


def _meant(pointer: Path, outs: list[Tracked], inside: str) -> Tracked:
    fitting = [out for out in outs if _is_wanted(out.path, inside) or inside.startswith(f"{out.path}/")]
    if len(fitting) != 1:
        known = ", ".join(out.path for out in outs)
        raise _missing(inside or pointer.name, f"{len(fitting)} outputs that fit", f"the path of one of {known}")
    return fitting[0]


def _is_wanted(path: str, inside: str) -> bool:
    return not inside or path == inside or path.startswith(f"{inside}/")


def _obtain(project: Project, pointer: Path, tracked: Tracked, into: Path, folder: str = "") -> Path:
    """A place here that holds the bytes."""
    name = f"{folder}/{tracked.path}" if folder else tracked.path
    tried: list[Problem] = []
    kept = into / tracked.place
    for place in (*_local(project, pointer, tracked, name), kept):
        if place.is_file():
            found = _fault(place, tracked)
            if not found:
                return place
            tried.append(Problem(f"{name}, {place}", found, _expected(tracked), "Remove it and run `dvc fetch`."))
    for remote in _remotes(project, tracked, tried):
        if _download(remote, tracked, kept, into, name, tried):
            return kept
    kind = DatasetError if tried else DatasetNotFoundError
    cure = "Run `dvc pull`, or `dvc remote add`."
    nothing = Problem(name, "nothing in the cache, and no remote", _expected(tracked), cure)
    raise kind(f"{name} cannot be read as DVC tracks it", tried or [nothing])


def _local(project: Project, pointer: Path, tracked: Tracked, name: str) -> Iterator[Path]:
    if tracked.is_cached:
        yield from (project.cache / base / tracked.place for base in _bases(tracked))
    if not tracked.is_folder:
        yield pointer.parent / name


def _bases(tracked: Tracked) -> tuple[str, ...]:
    """Below a cache or a remote: where DVC 3 keeps bytes, and where DVC 1 and 2 did."""
    return ("", "files/md5") if tracked.is_legacy else ("files/md5", "")


def _remotes(project: Project, tracked: Tracked, tried: list[Problem]) -> Iterator[Remote]:
    name = tracked.remote or project.default
    if name is None:
        return
    if name not in project.remotes:
        known = ", ".join(project.remotes) or "none"
        tried.append(Problem(f"{tracked.path}, remote", repr(name), f"one of the project's remotes: {known}"))
        return
    yield project.remotes[name]


def _download(remote: Remote, tracked: Tracked, target: Path, folder: Path, name: str, tried: list[Problem]) -> bool:
    """Bring bytes in from a remote; whether they are those that are meant."""
    import fsspec

    where, expected = redact(f"{name}, {remote.url}"), _expected(tracked)
    found = f"no {tracked.place}"
    try:
        files, root = fsspec.url_to_fs(remote.url, **_options(remote))
        for base in _bases(tracked):
            source = "/".join(part for part in (root.rstrip("/"), base, tracked.place) if part)
            if files.exists(source):
                with brought(files, source, folder) as (draft, _):
                    found = _fault(draft, tracked)
                    if not found:
                        target.parent.mkdir(parents=True, exist_ok=True)
                        draft.replace(target)
                        return True
        tried.append(Problem(where, found, expected, "Run `dvc push` where the data is."))
    except Exception as error:  # every file system fails in its own way
        said = redact(str(error).split("\n")[0] or type(error).__name__, remote.options)
        tried.append(Problem(where, said, "a remote that can be read", "Look at .dvc/config."))
    return False


def _options(remote: Remote) -> dict[str, Any]:
    """What fsspec is told of a remote, in its own words; other kinds than S3 are told by the environment."""
    if not remote.url.startswith("s3://"):
        return {}
    given = remote.options
    options: dict[str, Any] = {ours: given[theirs] for theirs, ours in _S3.items() if theirs in given}
    if "endpointurl" in given:
        options["endpoint_url"] = given["endpointurl"]
    if "region" in given:
        options["client_kwargs"] = {"region_name": given["region"]}
    if given.get("allow_anonymous_login", "").lower() == "true":
        options["anon"] = True
    return options


def _fault(path: Path, tracked: Tracked) -> str:
    """What is wrong with bytes, in words; empty where nothing is."""
    size = path.stat().st_size
    if tracked.size is not None and size != tracked.size:
        return f"{size:,} bytes"
    with path.open("rb") as file:
        digest = _md5(file, as_text=False)
        if digest == tracked.md5:
            return ""
        if tracked.is_legacy:
            file.seek(0)
            if _md5(file, as_text=True) == tracked.md5:
                return ""
    return f"bytes with MD5 {digest}"


def _md5(file: IO[bytes], *, as_text: bool) -> str:
    """MD5 of bytes; as DVC 1 and 2 took it where ``as_text``: with LF for CRLF within each MiB, if they look like text."""
    digest = hashlib.md5(usedforsecurity=False)
    is_text: bool | None = None
    while chunk := file.read(_CHUNK):
        if is_text is None:
            is_text = as_text and _looks_like_text(chunk[:_HEAD])
        digest.update(chunk.replace(b"\r\n", b"\n") if is_text else chunk)
    return digest.hexdigest()


def _looks_like_text(head: bytes) -> bool:
    return b"\0" not in head and len(head.translate(None, _TEXT)) <= _MOST_STRANGE * len(head)


def _expected(tracked: Tracked) -> str:
    size = "" if tracked.size is None else f"{tracked.size:,} bytes with "
    return f"{size}MD5 {tracked.md5}"


def _missing(where: str, found: str, expected: str) -> DatasetNotFoundError:
    return DatasetNotFoundError(f"{where} is not tracked", [Problem(where, found, expected)])
