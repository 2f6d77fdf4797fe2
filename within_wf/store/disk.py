"""How bytes reach the disk: whole, flushed, in place of nothing that was there; and what is said when they cannot."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from within_wf.errors import StoreError

BLOB_MODE = 0o444
BLOB_TIME_NS = 946_684_800 * 10**9
"""The modification time every blob is given (2000-01-01): whoever writes through a link moves it, and is noticed."""

TRASH = ".trash"
"""What the collector appends to a blob's name before it looks once more whether anybody needs it."""

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_READ_ONLY = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK})


@contextmanager
def writing(root: Path) -> Iterator[None]:
    """Say what to do when the store under ``root`` cannot be written.

    Raises:
        StoreError: The disk is full, the store is read-only, or the file system fails otherwise.
    """
    try:
        yield
    except OSError as error:
        raise explain(root, error) from error


def explain(root: Path, error: OSError) -> StoreError:
    """The error to show for a failed write to the store under ``root``."""
    if is_full(error):
        return StoreError(
            f"no space is left for the store at {root} ({error.strerror}). What was committed before is whole, and nothing was "
            "overwritten. Free space (`within-wf store gc` removes what no result needs) or point WITHIN_STORE at a "
            "larger disk, then run the same command again"
        )
    if error.errno in _READ_ONLY:
        return StoreError(
            f"the store at {root} cannot be written ({error.strerror}). Finished artifacts can still be read from it; to make "
            "new ones, point WITHIN_STORE at a folder you may write, or ask the owner of this one for the right to"
        )
    return StoreError(f"the store at {root} failed: {error}. Check the disk, then run the same command again")


def is_full(error: OSError) -> bool:
    """Whether a write failed for want of space."""
    return error.errno in _FULL


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file(path: Path) -> None:
    """Make the content of a file durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def place(source: Path, target: Path) -> bool:
    """Give ``source`` the name ``target`` as well, unless that name is taken; atomic.

    Both lie on one file system. Where it has no hard links, a check and a rename take their place: two processes
    then may both believe to be first, which costs work done twice and never a wrong byte.

    Returns:
        Whether the name was free.
    """
    try:
        os.link(source, target)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS or not source.exists():
            raise
        if target.exists():
            return False
        source.rename(target)
    return True


def write_once(target: Path, data: bytes, scratch: Path) -> bool:
    """Write a read-only file, whole and durable, unless its name is taken.

    Args:
        target: The file; its directory exists.
        data: What it will hold.
        scratch: A directory of the same file system for the draft.

    Returns:
        Whether the name was free.
    """
    draft = scratch / f"{os.urandom(8).hex()}.draft"
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), BLOB_MODE)
        placed = place(draft, target)
    finally:
        draft.unlink(missing_ok=True)
    if placed:
        sync_directory(target.parent)
    return placed


def write_over(target: Path, data: bytes, scratch: Path) -> None:
    """Write a file, whole and durable, in place of the one that has its name, if any.

    Args:
        target: The file; its directory exists.
        data: What it will hold.
        scratch: A directory of the same file system for the draft.
    """
    draft = scratch / f"{os.urandom(8).hex()}.draft"
    try:
        with draft.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    sync_directory(target.parent)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A name beside a file, which becomes the file at the end; where something fails, nothing is left of it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield draft
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def digest_file(path: Path) -> str:
    """SHA-256 of a file's bytes in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def filesystem_now(scratch: Path) -> float:
    """Seconds since 1970 by the clock that stamps files in ``scratch``, which on a shared disk is another host's.

    By this host's clock where the disk is too full to tell.
    """
    probe = scratch / f"{os.urandom(8).hex()}.draft"
    try:
        probe.touch()
    except OSError as error:
        if is_full(error):
            return time.time()
        raise
    try:
        return probe.stat().st_mtime
    finally:
        probe.unlink(missing_ok=True)


def remove_tree(path: Path) -> None:
    """Remove a file or a tree of files, read-only directories too; links are removed, never followed."""
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
        return
    for directory, _, _ in os.walk(path):
        mode = Path(directory).stat().st_mode
        if mode & stat.S_IRWXU != stat.S_IRWXU:
            Path(directory).chmod(stat.S_IMODE(mode) | stat.S_IRWXU)
    import shutil

    shutil.rmtree(path)
