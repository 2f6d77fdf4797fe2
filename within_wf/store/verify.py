"""Every byte of a store, compared with what its name says."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from within_wf.errors import Problem, StoreError
from within_wf.store.commit import quarantine
from within_wf.store.disk import BLOB_MODE, BLOB_TIME_NS, TRASH, digest_file, writing
from within_wf.store.manifest import Record, is_digest
from within_wf.store.pins import pins

if TYPE_CHECKING:
    from within_wf.store.local import Store

_REPAIR = "`--repair` moves it aside, and the steps that made it run again."
_ASIDE = "`--repair` moves it aside."
_CHMOD = "`--repair` makes it read-only."


@dataclass(frozen=True)
class VerifyReport:
    """What was found.

    Attributes:
        actions: Records read.
        blobs: Blobs hashed.
        size: Their bytes.
        unreferenced: Blobs no action refers to: left by a killed commit or a dropped action, no damage; `gc` takes them.
        problems: What is wrong, in the order of the store's folders.
        left: What of it was not repaired: all of it unless repair was asked for.
        repaired: What was done, a line each.
    """

    actions: int
    blobs: int
    size: int
    unreferenced: int
    problems: tuple[Problem, ...]
    left: tuple[Problem, ...]
    repaired: tuple[str, ...]

    def __str__(self) -> str:
        counted = f"{self.actions:,} actions and {self.blobs:,} blobs ({self.size / 1e6:,.1f} MB) hashed"
        spare = f"; {self.unreferenced:,} belong to no action, `within-wf store gc` takes them" if self.unreferenced else ""
        state = "" if self.problems else "; the store is sound"
        return "\n".join([f"{counted}{state}{spare}.", *self.repaired])

    def raise_if_damaged(self) -> None:
        """Turn problems that were left into an error.

        Raises:
            StoreError: There are some; all of them are named.
        """
        if self.left:
            count = "1 thing is" if len(self.left) == 1 else f"{len(self.left)} things are"
            raise StoreError(f"{count} wrong with the store", self.left)


@dataclass
class _Findings:
    problems: list[Problem] = field(default_factory=list)
    beyond_repair: list[Problem] = field(default_factory=list)
    damaged_records: list[Path] = field(default_factory=list)
    damaged_blobs: dict[str, Path] = field(default_factory=dict)
    misplaced: list[Path] = field(default_factory=list)
    writable: list[Path] = field(default_factory=list)
    hashed: set[str] = field(default_factory=set)
    broken_actions: dict[str, str] = field(default_factory=dict)

    def add(self, path: Path, found: str, expected: str, cure: str) -> None:
        self.problems.append(Problem(str(path), found, expected, cure))


def verify(store: Store, *, repair: bool = False, progress: Callable[[int, int], None] | None = None) -> VerifyReport:
    """Compare every byte of a store with its names and records; it may be in use meanwhile.

    Args:
        store: The store.
        repair: Whether to move what is damaged into ``quarantine/`` and drop the actions that held it, so that their
            steps run again. Nothing is deleted.
        progress: Called with the bytes hashed so far and those there are.

    Returns:
        All that was found; `VerifyReport.raise_if_damaged` makes an error of it.

    Raises:
        StoreError: The store cannot be read, or not be written for the repair.
    """
    findings = _Findings()
    records = _read_records(store, findings)
    sizes = {file.sha256: file.size for record in records.values() for file in record.manifest.files.values()}
    found = _hash_blobs(store, findings, progress)
    _find_broken(store, records, found, findings)
    _check_derivations(store, findings)
    _check_pins(store, findings)
    findings.problems.extend(findings.beyond_repair)
    repaired: list[str] = []
    if repair and findings.problems:
        with writing(store.root):
            repaired = _repair(store, findings)
    return VerifyReport(
        actions=len(records),
        blobs=len(found),
        size=sum(found.values()),
        unreferenced=sum(sha256 not in sizes for sha256 in found),
        problems=tuple(findings.problems),
        left=tuple(findings.beyond_repair if repair else findings.problems),
        repaired=tuple(repaired),
    )


def _entries(folder: Path) -> Iterator[Path]:
    """All files of the two levels ``<aa>/<name>``, and whatever else stands there."""
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.is_symlink() and len(path.name) == 2:
            yield from sorted(path.iterdir())
        else:
            yield path


def _is_placed(path: Path, digest: str) -> bool:
    return is_digest(digest) and path.parent.name == digest[:2] and stat.S_ISREG(path.lstat().st_mode)


def _check_mode(path: Path, findings: _Findings) -> None:
    mode = stat.S_IMODE(path.lstat().st_mode)
    if mode != BLOB_MODE:
        findings.add(path, f"mode {mode:04o}", f"{BLOB_MODE:04o} (read-only)", _CHMOD)
        findings.writable.append(path)


def _read_records(store: Store, findings: _Findings) -> dict[str, Record]:
    records: dict[str, Record] = {}
    for path in _entries(store.root / "actions"):
        with suppress(FileNotFoundError):  # collected meanwhile
            if path.suffix != ".json" or not _is_placed(path, path.stem):
                findings.add(path, "something that is no record", "records named by action keys", _ASIDE)
                findings.misplaced.append(path)
                continue
            _check_mode(path, findings)
            try:
                record = store.record(path.stem)
            except StoreError as error:
                findings.problems.extend(error.problems)
                findings.damaged_records.append(path)
                continue
            if record is not None:
                records[path.stem] = record
    return records


def _hash_blobs(store: Store, findings: _Findings, progress: Callable[[int, int], None] | None) -> dict[str, int]:
    """The size of every blob; damaged ones are among the findings."""
    sizes: dict[str, int] = {}
    for path in _entries(store.root / "cas"):
        with suppress(FileNotFoundError):
            if path.suffix == TRASH and is_digest(path.stem):
                continue  # a collector is at work, or was killed; the next one finishes it
            if _is_placed(path, path.name):
                sizes[path.name] = path.lstat().st_size
                _check_mode(path, findings)
            else:
                findings.add(path, "something that is no blob", "blobs named by their SHA-256", _ASIDE)
                findings.misplaced.append(path)
    done, total = 0, sum(sizes.values())
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        for sha256, found in zip(sizes, pool.map(lambda sha256: _digest(store.blob(sha256)), sizes), strict=True):
            done += sizes[sha256]
            if progress:
                progress(done, total)
            findings.hashed.add(sha256)
            if found not in (sha256, ""):
                path = store.blob(sha256)
                findings.add(path, f"{sizes[sha256]} bytes with SHA-256 {found}", f"bytes with SHA-256 {sha256}", _REPAIR)
                findings.damaged_blobs[sha256] = path
    return sizes


def _digest(blob: Path) -> str:
    """A blob's digest; empty where it was collected meanwhile."""
    try:
        return digest_file(blob)
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"unreadable ({error.strerror})"


def _find_broken(store: Store, records: dict[str, Record], sizes: dict[str, int], findings: _Findings) -> None:
    """The actions that hold blobs which are missing or damaged."""
    for key, record in records.items():
        for path, file in record.manifest.files.items():
            if file.sha256 in findings.damaged_blobs:
                findings.broken_actions[key] = record.kind
            elif file.sha256 not in sizes and not store.blob(file.sha256).exists() and store.knows(key):
                where = store.record_path(key)
                expected = f"the blob {file.sha256}"
                cure = "`--repair` drops the action, and its step runs again."
                findings.add(where, f"{path} of {record.kind} without its blob", expected, cure)
                findings.broken_actions[key] = record.kind


def _check_derivations(store: Store, findings: _Findings) -> None:
    folder = store.root / "derivations"
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.suffix != ".json" or not is_digest(path.stem) or (store.derivation(path.stem) is None and path.exists()):
            findings.add(path, "something that names no action", "derivations named by their keys", _ASIDE)
            findings.misplaced.append(path)


def _check_pins(store: Store, findings: _Findings) -> None:
    try:
        named = pins(store)
    except StoreError as error:
        findings.beyond_repair.extend(error.problems)
        return
    for name, keys in named.items():
        for key in keys:
            if not store.knows(key):
                path = store.root / "roots" / f"{name}.json"
                found, cure = f"a pin of {key[:12]}, which is not here", "Run the step again, or unpin it."
                findings.beyond_repair.append(Problem(str(path), found, "pins of what is here", cure))


def _repair(store: Store, findings: _Findings) -> list[str]:
    done = []
    for path in findings.writable:
        if path.name not in findings.damaged_blobs and path not in findings.damaged_records:
            path.chmod(BLOB_MODE)
            if path.name in findings.hashed:
                os.utime(path, ns=(BLOB_TIME_NS, BLOB_TIME_NS))
            done.append(f"made {path} read-only")
    aside = [*findings.damaged_blobs.values(), *findings.damaged_records, *findings.misplaced]
    done += [f"moved {path} to {quarantine(store, path)}" for path in aside]
    for key, kind in findings.broken_actions.items():
        record = quarantine(store, store.record_path(key))
        store.drop(key)
        done.append(f"dropped action {key[:12]} ({kind}; its record is {record}): the step runs again")
    return done
