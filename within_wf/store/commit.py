"""How a directory becomes an artifact: hash, flush, move in, then record.

The order makes a kill at any moment harmless. A blob gets its name only when all its bytes are durable; the record gets its
name only when all blobs have theirs. What a killed commit leaves are blobs that nothing refers to, which are right (their
name is their digest) and of use to the next commit, or go with the next collection.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from within_wf.errors import Problem, StoreError
from within_wf.store.disk import (
    BLOB_MODE,
    BLOB_TIME_NS,
    digest_file,
    place,
    sync_directory,
    sync_file,
    write_once,
    writing,
)
from within_wf.store.manifest import File, Manifest, Record, check_key

if TYPE_CHECKING:
    from within_wf.store.local import Store


def commit_directory(store: Store, action_key: str, directory: Path, kind: str) -> Manifest:
    """See `Store.commit`."""
    check_key(action_key)
    with writing(store.root):
        paths = _plain_files(directory)
        manifest = Manifest({path: File(digest_file(file), file.stat().st_size) for path, file in paths.items()})
        known = store.record(action_key)
        if known is not None:
            _refuse_other_files(store, known, manifest)
        for name in ("scratch", "cas", "actions"):
            (store.root / name).mkdir(exist_ok=True)
        with _on_one_disk(store, directory, paths) as sources:
            blobs = {file.sha256: sources[path] for path, file in manifest.files.items()}
            for source in blobs.values():
                seal(source)
            _move_in(store, blobs, manifest)
            _write_record(store, Record(action_key, kind, manifest))
            # a collector may have taken a blob that nothing referred to yet
            _move_in(store, {sha256: path for sha256, path in blobs.items() if not store.blob(sha256).exists()}, manifest)
        for source in paths.values():
            source.unlink(missing_ok=True)
    return manifest


def _write_record(store: Store, record: Record) -> None:
    target = store.record_path(record.action)
    _make_durably(target.parent)
    while not write_once(target, record.to_json().encode(), store.root / "scratch"):
        known = store.record(record.action)
        if known is not None:
            _refuse_other_files(store, known, record.manifest)
            return


def _plain_files(directory: Path) -> dict[str, Path]:
    """The files below a directory by their path in it, sorted."""
    files: dict[str, Path] = {}
    problems = []
    for folder, names, file_names in os.walk(directory):
        for name in [*names, *file_names]:
            path = Path(folder, name)
            mode = path.lstat().st_mode
            if stat.S_ISDIR(mode):
                continue
            relative = path.relative_to(directory).as_posix()
            if not stat.S_ISREG(mode):
                problems.append(Problem(relative, "a link or a special file", "a plain file", "Copy its content."))
            elif not relative.isprintable() or "\\" in relative:
                problems.append(Problem(repr(relative), "a name with unprintable characters or \\", "a plain name"))
            files[relative] = path
    if not files:
        problems.append(Problem(str(directory), "no files", "at least one"))
    if problems:
        raise StoreError(f"what {directory} holds cannot be committed", problems)
    return dict(sorted(files.items()))


def _refuse_other_files(store: Store, known: Record, manifest: Manifest) -> None:
    """Agree with an action that is known already, or say where it differs."""
    if known.manifest == manifest:
        return
    before, now = known.manifest.files, manifest.files
    problems = [
        Problem(
            path,
            f"{now[path].size} bytes, SHA-256 {now[path].sha256[:12]}" if path in now else "no such file",
            f"{before[path].size} bytes, SHA-256 {before[path].sha256[:12]}" if path in before else "no such file",
        )
        for path in sorted(before.keys() | now.keys())
        if before.get(path) != now.get(path)
    ]
    raise StoreError(
        f"{known.kind} is not deterministic: the same action {known.action[:12]} made other bytes than before. The artifact in "
        f"{store.root} was kept and the new one refused. Look in the step for a clock, a random draw without a key, an "
        "unordered set, or a sum whose order varies",
        problems,
    )


@contextmanager
def _on_one_disk(store: Store, directory: Path, paths: dict[str, Path]) -> Iterator[dict[str, Path]]:
    """The files, or copies of them, on the store's file system; copies are removed at the end."""
    if directory.stat().st_dev == (store.root / "cas").stat().st_dev:
        yield paths
        return
    copies: dict[str, Path] = {}
    try:
        for path, source in paths.items():
            copies[path] = store.root / "scratch" / f"{os.urandom(8).hex()}.draft"
            shutil.copyfile(source, copies[path])
        yield copies
    finally:
        for copy in copies.values():
            copy.unlink(missing_ok=True)


def seal(file: Path) -> None:
    """Make a file fit to be a blob: read-only, with the one time, its bytes durable."""
    file.chmod(BLOB_MODE)
    os.utime(file, ns=(BLOB_TIME_NS, BLOB_TIME_NS))
    sync_file(file)


def _move_in(store: Store, sources: dict[str, Path], manifest: Manifest) -> None:
    """Give each file its name among the blobs, unless a good one has it."""
    sizes = {file.sha256: file.size for file in manifest.files.values()}
    touched: set[Path] = set()
    for sha256, source in sources.items():
        blob = store.blob(sha256)
        if blob.parent not in touched:
            _make_durably(blob.parent)
        while not place(source, blob):
            with suppress(FileNotFoundError):  # collected between the two looks
                if _is_good(blob, sha256, sizes[sha256]):
                    break
                quarantine(store, blob)
        else:
            touched.add(blob.parent)
    for parent in touched:
        sync_directory(parent)


def _is_good(blob: Path, sha256: str, size: int) -> bool:
    """Whether a blob that has the name already holds the bytes; if so its age begins again, for the collector."""
    if blob.lstat().st_size != size or digest_file(blob) != sha256:
        return False
    with suppress(PermissionError):  # another user's blob
        os.utime(blob, ns=(BLOB_TIME_NS, BLOB_TIME_NS))
    return True


def quarantine(store: Store, path: Path) -> Path:
    """Move a damaged file aside, under a name that was not used before."""
    folder = store.root / "quarantine"
    folder.mkdir(exist_ok=True)
    target = folder / f"{path.name}.{os.urandom(4).hex()}"
    path.rename(target)
    return target


def _make_durably(directory: Path) -> None:
    if not directory.is_dir():
        directory.mkdir(parents=True, exist_ok=True)
        sync_directory(directory.parent)
