"""The versions of a store: found, read, forgotten."""

from __future__ import annotations

import hashlib
from pathlib import Path

import polars as pl

from within_wf.data.versions.provenance import provenance_path, read_provenance
from within_wf.data.versions.version import ABOUT, KIND, ROWS, Version, read_version
from within_wf.errors import Problem, StoreError
from within_wf.store.disk import writing
from within_wf.store.local import Store
from within_wf.store.pins import pin, pins, unpin

_PIN = "data-"
_LEAST, _SURE = 4, 12
"""Digits of an id that are enough to try, and to name a version that cannot be read."""


def pin_version(store: Store, version: Version) -> None:
    """Keep a version until it is forgotten: it is a root of the collector from now on."""
    pin(store, _pin_name(version.name, version.id), [version.id])


def list_versions(store: Store, name: str | None = None) -> tuple[list[Version], list[Problem]]:
    """The versions of a store, by name and then by age, the oldest first; and what keeps others from being read.

    Args:
        store: The store.
        name: Only those of this name.
    """
    found: list[Version] = []
    problems: list[Problem] = []
    for key, pinned in _pinned(store).items():
        if name in (None, pinned):
            try:
                found.append(read(store, key, pinned))
            except StoreError as error:
                problems.extend(error.problems)
    return sorted(found, key=lambda one: (one.name, read_provenance(store, one.id).get("at", 0.0), one.id)), problems


def find_version(store: Store, reference: str) -> Version:
    """A version by what a person calls it.

    Args:
        store: The store.
        reference: A name, for the newest version of it; ``name@tag``; ``name@`` and the first digits of the id; or these
            digits alone, at least four.

    Raises:
        StoreError: There is no such version, or several, or a version is damaged.
    """
    versions, damaged = list_versions(store)
    name, at, rest = reference.rpartition("@")
    of_name = [version for version in versions if version.name == (name if at else rest)]
    if not at and of_name:
        return of_name[-1]
    among = of_name if at else versions
    if tagged := [version for version in among if at and rest in version.tags]:
        return tagged[-1]
    fitting = [version for version in among if len(rest) >= _LEAST and version.id.startswith(rest)]
    if len(fitting) == 1:
        return fitting[0]
    known = ", ".join(version.short for version in fitting or of_name or versions)
    expected = f"one of {known}" if known else "a version, of which there is none yet"
    found = f"{reference!r}, which {len(fitting)} versions begin with" if fitting else repr(reference)
    cure = "" if known else "Take one with `within-wf data snapshot`."
    raise StoreError("there is no such version", [Problem("version", found, expected, cure), *damaged])


def read(store: Store, version_id: str, name: str = "") -> Version:
    """The version with an id.

    Args:
        store: The store.
        version_id: The id.
        name: What messages call it besides.

    Raises:
        StoreError: It is not there, or damaged.
    """
    called = f"{name}@{version_id[:12]}"
    manifest, record = store.get(version_id), store.record(version_id)
    if manifest is None or record is None or record.kind != KIND:
        raise _gone(called)
    about = store.blob(manifest.files[ABOUT].sha256)
    text = about.read_bytes()
    if hashlib.sha256(text).hexdigest() != manifest.files[ABOUT].sha256:
        found, cure = "other bytes of the same length", "Run `within-wf store verify --repair`, then take the snapshot again."
        raise StoreError("a version is damaged", [Problem(f"{called}, {about}", found, "what the store's record says", cure)])
    return read_version(text, called)


def _gone(called: str) -> StoreError:
    cure = f"Take the snapshot again, or `within-wf data forget {called.rpartition('@')[2]}`."
    return StoreError("a version is gone", [Problem(called, "no version in the store", "the version", cure)])


def rows_file(store: Store, version: Version) -> Path:
    """The file that holds the rows of a version, read-only; its bytes are compared with its digest first.

    Raises:
        StoreError: It is missing or damaged.
    """
    manifest = store.get(version.id)
    if manifest is None:
        raise _gone(version.short)
    store.check(manifest, f"the version {version.short}")
    return store.blob(manifest.files[ROWS].sha256)


def rows_of(store: Store, version: Version) -> pl.DataFrame:
    """The rows of a version.

    Raises:
        StoreError: They are missing or damaged.
    """
    return pl.read_parquet(rows_file(store, version), memory_map=False)


def forget(store: Store, reference: str) -> str:
    """Keep a version no longer; its bytes go with the next collection, unless something else holds them.

    Args:
        store: The store.
        reference: As in :func:`find_version`; of a version that is damaged, the digits of its id.

    Returns:
        ``name@`` and the first digits of its id.

    Raises:
        StoreError: There is no such version.
    """
    name, key = _meant(store, reference)
    unpin(store, _pin_name(name, key))
    store.drop(key)
    with writing(store.root):
        provenance_path(store, key).unlink(missing_ok=True)
    return f"{name}@{key[:12]}"


def _meant(store: Store, reference: str) -> tuple[str, str]:
    """The name and the id of a version that is to be forgotten, damaged or not."""
    digits = reference.rpartition("@")[2]
    fitting = [(name, key) for key, name in _pinned(store).items() if len(digits) >= _SURE and key.startswith(digits)]
    if len(fitting) == 1:
        return fitting[0]
    version = find_version(store, reference)
    return version.name, version.id


def _pinned(store: Store) -> dict[str, str]:
    """The id of every version that is kept, to its name."""
    found = {}
    for pinned, keys in pins(store).items():
        name = pinned.removeprefix(_PIN).rpartition("@")[0]
        found.update({key: name for key in keys if pinned == _pin_name(name, key)})
    return found


def _pin_name(name: str, version_id: str) -> str:
    return f"{_PIN}{name}@{version_id[:16]}"
