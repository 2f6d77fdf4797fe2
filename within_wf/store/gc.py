"""Frees what no result needs, beside runs that are working.

What is kept: what roots and pins reach, what a live claim says it reads, and whatever was used within the grace period. Beyond
that, actions go by age or, least recently used first, by size. A blob that no action refers to may have just been moved in by
a commit that has yet to write its record; three things keep it: the grace period (by the file's change time, which nothing but
the file system sets), a second look at the records after the blob was renamed, and the commit itself, which looks
once more for its blobs when its record is written.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from within_wf.errors import Problem, StoreError
from within_wf.store.claims import Folder, Posting, bury, walk
from within_wf.store.disk import TRASH, filesystem_now, place, remove_tree, writing
from within_wf.store.manifest import Record, is_digest
from within_wf.store.roots import named_digests, reached_actions
from within_wf.store.scratch import owner_of

if TYPE_CHECKING:
    from within_wf.store.local import Store

GRACE = 3600.0
"""Seconds during which nothing that was just used or made is collected."""

_FOREIGN = 7 * 86400.0
"""Seconds after which what another machine left in scratch is taken to be abandoned."""


@dataclass(frozen=True)
class GcReport:
    """What was collected, or would be.

    Attributes:
        actions: Key to kind of the actions that were forgotten.
        blobs: How many blobs were removed.
        freed: Their bytes.
        kept_actions: Actions that are left.
        kept_size: Bytes of the blobs they hold.
        over: Bytes by which ``kept_size`` exceeds the limit, because the rest is needed.
        scratch: Working directories of dead processes that were removed.
        claims: Claims of dead processes that were removed.
        dry_run: Whether nothing was done.
    """

    actions: Mapping[str, str]
    blobs: int
    freed: int
    kept_actions: int
    kept_size: int
    over: int
    scratch: int
    claims: int
    dry_run: bool

    def __str__(self) -> str:
        would = "would be " if self.dry_run else ""
        lines = [
            f"{len(self.actions):,} actions {would}forgotten, {self.blobs:,} blobs {would}removed: {self.freed / 1e6:,.1f} MB.",
            f"{self.kept_actions:,} actions {would}kept: {self.kept_size / 1e6:,.1f} MB.",
        ]
        if self.scratch or self.claims:
            lines.append(f"Of dead processes: {self.scratch:,} working directories and {self.claims:,} claims {would}removed.")
        if self.over:
            lines.append(f"That is {self.over / 1e6:,.1f} MB above the limit: results/, out/ or a pin needs the rest.")
        kinds = Counter(self.actions.values())
        lines += [f"  {kind}: {count:,}" for kind, count in sorted(kinds.items())]
        return "\n".join(lines)


def collect(
    store: Store,
    roots: Iterable[str | Path] = (),
    *,
    older_than: float | None = None,
    max_size: float | None = None,
    kinds: Collection[str] | None = None,
    drop: Collection[str] = (),
    grace: float = GRACE,
    spare: float | None = None,
    dry_run: bool = False,
) -> GcReport:
    """Collect garbage. With no limit given, no action is forgotten: only leftovers go.

    Args:
        store: The store.
        roots: What is kept: keys, references, folders of links or of references (``results/``, ``out/``); pins always are.
        older_than: Forget actions that were not used for so many seconds.
        max_size: Forget the least recently used actions until their blobs hold no more bytes than this.
        kinds: Forget only actions of these kinds, and let ``max_size`` count only those.
        drop: Actions to forget in any case, by key.
        grace: Seconds during which nothing that was just used or made goes, but for ``drop``. 0 only where nothing runs.
        spare: Seconds during which actions stay that were just used, where this is not ``grace``.
        dry_run: Whether only to say what would go.

    Raises:
        StoreError: A root or an action to drop is not there, a record or a pin is damaged (it might hold what is needed),
            or the store cannot be written. Nothing was collected.
    """
    for name, limit in (("older_than", older_than), ("max_size", max_size)):
        if limit is not None and not 0 <= limit < math.inf:
            raise StoreError("nothing was collected", [Problem(name, str(limit), "a finite number from 0 up")])
    scratch, claims = 0, 0
    for name in ("scratch", "claims"):
        with writing(store.root):
            (store.root / name).mkdir(exist_ok=True)
    with writing(store.root):
        now = filesystem_now(store.root / "scratch")
    records = _records(store)
    if not dry_run:
        with writing(store.root):
            _recover_trash(store, records, now, grace)
            scratch, claims = sweep(store, grace=grace)  # first: on a full disk, what follows needs a little room
    _check_drop(records, drop)
    used = {key: _last_use(store, key) for key in records}
    kept = reached_actions(store, records, named_digests(roots)) | _needed_by_claims(store)
    kept |= {key for key, last in used.items() if now - last < (grace if spare is None else spare)}
    free = {key: record for key, record in records.items() if key not in kept and (kinds is None or record.kind in kinds)}
    limited = {key: record for key, record in records.items() if kinds is None or record.kind in kinds}
    going = set(drop) | _too_old(free, used, now, older_than) | _too_much(limited, free, used, max_size)
    with writing(store.root):
        gone = {key for key in going if dry_run or _forget(store, key, None if key in drop else used[key])}
        left = {key: record for key, record in records.items() if key not in gone}
        needed, dropped = _sizes(left), _sizes({key: records[key] for key in gone})
        blobs = {
            name: size for name, size, age in _blobs(store, now) if name not in needed and (name in dropped or age > grace)
        }
        if not dry_run:
            blobs = _remove_blobs(store, blobs, set(records))
            _remove_dangling(store, {record.manifest.digest for record in left.values()}, now - grace)
    counted = _sizes({key: record for key, record in limited.items() if key in left})
    return GcReport(
        actions={key: records[key].kind for key in sorted(gone)},
        blobs=len(blobs),
        freed=sum(blobs.values()),
        kept_actions=len(left),
        kept_size=sum(needed.values()),
        over=0 if max_size is None else max(0, sum(counted.values()) - int(max_size)),
        scratch=scratch,
        claims=claims,
        dry_run=dry_run,
    )


def sweep(store: Store, *, grace: float = GRACE) -> tuple[int, int]:
    """Remove what dead processes left: working directories, drafts, claims. Light: reads no artifact.

    Args:
        store: The store.
        grace: Seconds during which what names no owner is left alone.

    Returns:
        How many working directories and claims were removed.

    Raises:
        StoreError: The store cannot be written.
    """
    with writing(store.root):
        (store.root / "scratch").mkdir(exist_ok=True)
        now = filesystem_now(store.root / "scratch")
        return _sweep_scratch(store, now, grace), _sweep_claims(store, now, grace)


def _records(store: Store) -> dict[str, Record]:
    return {key: record for key in store.actions() if (record := store.record(key)) is not None}


def _check_drop(records: Mapping[str, Record], drop: Collection[str]) -> None:
    unknown = sorted(set(drop) - set(records))
    if unknown:
        raise StoreError(f"the store knows no action {', '.join(unknown)}, so nothing was collected")


def _last_use(store: Store, key: str) -> float:
    for path in (store.used_path(key), store.record_path(key)):
        with suppress(FileNotFoundError):
            return path.stat().st_mtime
    return 0.0


def _needed_by_claims(store: Store) -> set[str]:
    board = Folder(store.root)
    needed: set[str] = set()
    for path in (store.root / "claims").iterdir():
        if is_digest(path.name):
            for posting in walk(board, path.name)[-1:]:
                if posting.owner is None or posting.owner.life() != "dead":
                    needed.update(posting.needs)
    return needed


def _sizes(records: Mapping[str, Record]) -> dict[str, int]:
    return {file.sha256: file.size for record in records.values() for file in record.manifest.files.values()}


def _too_old(free: Mapping[str, Record], used: Mapping[str, float], now: float, older_than: float | None) -> set[str]:
    return set() if older_than is None else {key for key in free if now - used[key] >= older_than}


def _too_much(
    limited: Mapping[str, Record], free: Mapping[str, Record], used: Mapping[str, float], max_size: float | None
) -> set[str]:
    """The least recently used actions that must go for the rest to be small enough."""
    if max_size is None:
        return set()
    holders: dict[str, int] = {}
    for record in limited.values():
        for sha256 in {file.sha256 for file in record.manifest.files.values()}:
            holders[sha256] = holders.get(sha256, 0) + 1
    sizes = _sizes(limited)
    total, going = sum(sizes.values()), set()
    for key in sorted(free, key=lambda key: (used[key], key)):
        if total <= max_size:
            break
        going.add(key)
        for sha256 in {file.sha256 for file in free[key].manifest.files.values()}:
            holders[sha256] -= 1
            total -= 0 if holders[sha256] else sizes[sha256]
    return going


def _blobs(store: Store, now: float) -> Iterator[tuple[str, int, float]]:
    """Digest, bytes and age of every blob; the age counts from when it was last moved in or used by a commit."""
    for path in (store.root / "cas").glob("[0-9a-f][0-9a-f]/*"):
        with suppress(FileNotFoundError):
            status = path.lstat()
            if is_digest(path.name):
                yield path.name, status.st_size, now - status.st_ctime


def _forget(store: Store, key: str, used: float | None) -> bool:
    """Drop an action, unless somebody has used it since."""
    if used is not None and _last_use(store, key) != used:
        return False
    store.drop(key)
    return True


def _remove_blobs(store: Store, blobs: Mapping[str, int], known: set[str]) -> dict[str, int]:
    """Rename blobs to ``….trash``, look again, put back what a record written meanwhile refers to, remove the rest.

    Renaming needs no space, so this works on a disk that is full.
    """
    trash = {}
    for sha256 in blobs:
        with suppress(FileNotFoundError):
            trash[sha256] = store.blob(sha256).rename(store.blob(sha256).with_suffix(TRASH))
    late = {key: record for key in store.actions() if key not in known and (record := store.record(key)) is not None}
    needed = _sizes(late)
    removed = {}
    for sha256, path in trash.items():
        if not _empty_trash(store, path, sha256 in needed):
            removed[sha256] = blobs[sha256]
    return removed


def _empty_trash(store: Store, path: Path, is_needed: bool) -> bool:
    """Remove what is in the trash, giving it its name back before if it is needed; whether it was."""
    with suppress(FileNotFoundError):
        if is_needed:
            place(path, store.blob(path.stem))
        path.unlink(missing_ok=True)
    return is_needed


def _recover_trash(store: Store, records: Mapping[str, Record], now: float, grace: float) -> None:
    """Finish what a killed collector left."""
    needed = _sizes(records)
    for path in (store.root / "cas").glob(f"[0-9a-f][0-9a-f]/*{TRASH}"):
        with suppress(FileNotFoundError):
            if now - path.lstat().st_ctime > grace:
                _empty_trash(store, path, path.stem in needed)


def _remove_dangling(store: Store, artifacts: Collection[str], before: float) -> None:
    """Remove derivations, marks of use and values laid out for actions that are gone."""
    for path in (store.root / "derivations").glob("*.json"):
        with suppress(FileNotFoundError):
            action = store.derivation(path.stem) if is_digest(path.stem) else None
            if action is not None and not store.knows(action) and path.stat().st_mtime < before:
                path.unlink()
    for path in (store.root / "used").glob("*/*"):
        if is_digest(path.name) and not store.knows(path.name):
            path.unlink(missing_ok=True)
    for path in (store.root / "values").glob("*"):
        if path.name not in artifacts and path.lstat().st_ctime < before:
            remove_tree(path)


def _sweep_scratch(store: Store, now: float, grace: float) -> int:
    removed = 0
    for path in (store.root / "scratch").iterdir():
        with suppress(FileNotFoundError):
            age = now - path.lstat().st_ctime
            owner = owner_of(path)
            life = owner.life() if owner else "unknown"
            if life == "dead" or (life == "unknown" and age > (_FOREIGN if owner else grace)):
                remove_tree(path)
                removed += path.suffix != ".draft"
    return removed


def _sweep_claims(store: Store, now: float, grace: float) -> int:
    """Remove claims of the dead: by taking them over, as any heir would, and what is left of half-released chains."""
    board, removed = Folder(store.root), 0
    reachable: set[str] = set()
    folder = store.root / "claims"
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    for key in filter(is_digest, names):
        chain = walk(board, key)
        reachable.update(posting.name for posting in chain)
        if chain and _is_dead(folder, chain[-1], now):
            removed += bury(board, key, chain)
    for name in set(names) - reachable:
        with suppress(FileNotFoundError):
            if now - (folder / name).stat().st_mtime > grace:
                (folder / name).unlink()
                removed += 1
    return removed


def _is_dead(folder: Path, posting: Posting, now: float) -> bool:
    life = posting.owner.life() if posting.owner else "unknown"
    with suppress(FileNotFoundError):
        return life == "dead" or (life == "unknown" and now - (folder / posting.name).stat().st_mtime > _FOREIGN)
    return False
