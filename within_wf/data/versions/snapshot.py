"""Taking a version of a table: written once, by whoever is first."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from within_wf.data.versions.canonical import canonical_pieces, schema_of, write_rows
from within_wf.data.versions.catalog import find_version, pin_version, read
from within_wf.data.versions.provenance import write_provenance
from within_wf.data.versions.row_digest import rows_digest
from within_wf.data.versions.source import Source
from within_wf.data.versions.statistics import table_statistics
from within_wf.data.versions.version import ABOUT, KIND, ROWS, Version, version_id
from within_wf.errors import DatasetError, Problem
from within_wf.store.disk import digest_file
from within_wf.store.local import Store
from within_wf.store.manifest import is_digest
from within_wf.store.pieces import height_of


def snapshot(
    store: Store,
    source: Source,
    *,
    message: str = "",
    parents: Sequence[str] = (),
    tags: Sequence[str] = (),
) -> tuple[Version, bool]:
    """Keep the rows of a table as a version, until it is forgotten.

    Args:
        store: Where it is kept.
        source: The table.
        message: What to say of it.
        parents: Versions it came from, as :func:`find_version` takes them, or SHA-256 of raw bytes; besides the digests of
            the files that were read.
        tags: Words to find it by.

    Returns:
        The version, and whether it is new. One that was there before stays as it was, message, parents and tags too.

    Raises:
        DatasetError: The table cannot be a version, or a tag is none.
        StoreError: A parent is no version, the version is damaged, or the store cannot be written.
    """
    _check_tags(tags)
    came_from = _parents(store, source.raw, parents)
    rows = canonical_pieces(source.table, source.name)
    with store.scratch(_work_key(source)) as directory:
        table = write_rows(directory / ROWS, rows)
        content = digest_file(directory / ROWS)
        key = version_id(source.name, source.contract, content)
        with store.claim(key, label=f"{source.name}@{key[:12]}"):
            is_new = store.get(key) is None
            if is_new:
                version = Version(
                    id=key,
                    name=source.name,
                    contract=source.contract,
                    content=content,
                    rows_digest=rows_digest(table),
                    rows=height_of(table),
                    schema=schema_of(table),
                    statistics=table_statistics(table),
                    parents=came_from,
                    message=message,
                    tags=tuple(sorted(set(tags))),
                )
                (directory / ABOUT).write_text(version.to_json(), encoding="utf-8")
                store.commit(key, directory, KIND)
            version = read(store, key, source.name)
            write_provenance(store, key, source.said)
            pin_version(store, version)
    return version, is_new


def parent_schema(store: Store, parents: Sequence[str]) -> Mapping[str, str]:
    """The schema of the first of some parents that is a version; empty where none is.

    Raises:
        StoreError: It is neither a version nor the SHA-256 of raw bytes.
    """
    versions = (find_version(store, parent) for parent in parents if not is_digest(parent) or store.knows(parent))
    return next((version.schema for version in versions), {})


def _work_key(source: Source) -> str:
    return hashlib.sha256(f"snapshot {source.name} {Path.cwd()}".encode()).hexdigest()


def _parents(store: Store, raw: Mapping[str, str], given: Sequence[str]) -> tuple[Mapping[str, str], ...]:
    """What a version came from: versions first, then raw bytes, each once."""
    found: list[Mapping[str, str]] = []
    for reference in given:
        if is_digest(reference) and not store.knows(reference):
            found.append({"raw": reference})
        else:
            found.append({"version": find_version(store, reference).id})
    found += [{"raw": digest, "file": file} for file, digest in raw.items()]
    unique = {tuple(sorted(parent.items())): parent for parent in found}
    return tuple(sorted(unique.values(), key=lambda parent: ("raw" in parent, sorted(parent.items()))))


def _check_tags(tags: Sequence[str]) -> None:
    problems = [
        Problem("tag", repr(tag), "one word, without @") for tag in tags if not tag or "@" in tag or tag.split() != [tag]
    ]
    if problems:
        raise DatasetError("a version cannot be tagged so", problems)
