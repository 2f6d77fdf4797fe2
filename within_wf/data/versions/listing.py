"""The versions of a store, as a person reads them and as JSON."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

from within_wf.data.versions.catalog import list_versions
from within_wf.data.versions.provenance import read_provenance
from within_wf.data.versions.version import Version
from within_wf.errors import StoreError
from within_wf.store.local import Store

WIDTH = 120
"""Columns where it is not printed to a terminal."""


def print_versions(store: Store, name: str | None = None, *, as_json: bool = False) -> None:
    """Print the versions of a store.

    Args:
        store: The store.
        name: Only those of this name.
        as_json: All that is known of each, as a JSON list.

    Raises:
        StoreError: Some cannot be read; those that can were printed before.
    """
    versions, problems = list_versions(store, name)
    if as_json:
        print(json.dumps([_all_of(store, version) for version in versions], indent=1, ensure_ascii=False))  # noqa: T201
    elif versions:
        _print_table(store, versions)
    elif not problems:
        print("There is no version yet; `within-wf data snapshot SOURCE` takes one.")  # noqa: T201
    if problems:
        raise StoreError("versions cannot be read", problems)


def _all_of(store: Store, version: Version) -> dict[str, Any]:
    provenance = {key: value for key, value in read_provenance(store, version.id).items() if key != "at"}
    return {**asdict(version), "provenance": provenance}


def _print_table(store: Store, versions: list[Version]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("version", "contract", "rows", "content", "when", "who", "parents", "message"):
        is_word = column not in ("parents", "message")
        table.add_column(column, justify="right" if column == "rows" else "left", overflow="fold", no_wrap=is_word)
    for version in versions:
        known = {key: str(value) for key, value in read_provenance(store, version.id).items()}
        when = known.get("when", "")[:16].replace("T", " ")
        parents = [parent["version"][:12] for parent in version.parents if "version" in parent]
        raw = sum("raw" in parent for parent in version.parents)
        parents += [f"{raw} raw file{'s' if raw > 1 else ''}"] if raw else []
        said = " ".join([version.message, *(f"[{tag}]" for tag in version.tags)]).strip()
        row = [
            version.short,
            version.contract or "",
            f"{version.rows:,}",
            version.content[:12],
            when,
            known.get("who", ""),
        ]
        table.add_row(*map(Text, [*row, "\n".join(parents), said]))
    Console(width=None if sys.stdout.isatty() else WIDTH).print(table)
