"""What a version says of itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from within_wf.errors import Problem, StoreError
from within_wf.store.canonical import to_json
from within_wf.store.manifest import is_digest

KIND = "dataset_version"
"""The kind of the actions that versions are in the store."""
FORMAT = 1
"""Part of every version's id: raise it where what an id means changes."""
ROWS, ABOUT = "rows.parquet", "version.json"
"""The files of a version."""


@dataclass(frozen=True)
class Version:
    """An immutable version of a dataset.

    Attributes:
        id: SHA-256 of name, contract and content; the action key in the store.
        name: What the dataset is called.
        contract: The contract its rows keep; none where none was asked for.
        content: SHA-256 of the rows in their order, as canonical Parquet.
        rows_digest: SHA-256 of the rows in no order.
        rows: How many rows there are.
        schema: Column to the word of its type, in the order of the columns.
        statistics: Column to its statistics.
        parents: What it came from: ``{"version": id}`` or ``{"raw": SHA-256}``, the latter with its ``file``, if known.
        message: What a person said of it.
        tags: Words to find it by, sorted.
    """

    id: str
    name: str
    contract: str | None
    content: str
    rows_digest: str
    rows: int
    schema: Mapping[str, str]
    statistics: Mapping[str, Mapping[str, Any]]
    parents: tuple[Mapping[str, str], ...] = ()
    message: str = ""
    tags: tuple[str, ...] = ()

    @property
    def short(self) -> str:
        """``name@`` and the first digits of the id."""
        return f"{self.name}@{self.id[:12]}"

    def to_json(self) -> str:
        """The text of ``version.json``; the schema is a list there, as JSON objects have no order."""
        return to_json({**asdict(self), "schema": [[name, word] for name, word in self.schema.items()], "format": FORMAT})


def version_id(name: str, contract: str | None, content: str) -> str:
    """The id of a version: nothing of who, when, the message, the tags or the parents is in it."""
    parts = {"format": FORMAT, "kind": KIND, "name": name, "contract": contract, "content": content}
    return hashlib.sha256(json.dumps(parts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def read_version(text: str | bytes, where: str) -> Version:
    """The version in ``text``.

    Raises:
        StoreError: It is none this program knows.
    """
    try:
        value = json.loads(text)
        known = value.pop("format") == FORMAT
        value["schema"] = dict(value["schema"])
        value["parents"], value["tags"] = tuple(value["parents"]), tuple(value["tags"])
        version = Version(**value)
        known = (
            known and is_digest(version.content) and version.id == version_id(version.name, version.contract, version.content)
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        known = False
    if not known:
        cure = "Update within-wf, or forget the version and take a snapshot again."
        raise StoreError(
            "a version cannot be read", [Problem(where, "no version this program knows", f"format {FORMAT}", cure)]
        )
    return version
