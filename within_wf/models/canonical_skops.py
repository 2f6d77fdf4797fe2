"""scikit-learn estimators without pickle, byte for byte the same each time.

skops names the members of its archive by memory addresses and lets the zip carry the clock. Here the identities are
renumbered in the order of the schema and the archive is written again with one fixed date.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from within_wf.errors import Problem, TrainingError

TREES = ("sklearn.tree._tree.Tree",)
"""What an ensemble of scikit-learn's trees holds; to be trusted where one is expected."""

_EPOCH = (1980, 1, 1, 0, 0, 0)


def save_estimator(path: Path, estimator: object) -> None:
    """Write a fitted estimator."""
    import skops.io

    with zipfile.ZipFile(io.BytesIO(skops.io.dumps(estimator))) as archive:
        schema = json.loads(archive.read("schema.json"))
        members = _renumber(schema)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as canonical:
            canonical.writestr(zipfile.ZipInfo("schema.json", _EPOCH), json.dumps(schema, sort_keys=True))
            for old, new in members.items():
                canonical.writestr(zipfile.ZipInfo(new, _EPOCH), archive.read(old))


def load_estimator(path: Path, trusted: Sequence[str] = ()) -> Any:
    """Read an estimator.

    Args:
        path: A file written by :func:`save_estimator`.
        trusted: Types outside those that skops trusts by itself, by their full names.

    Raises:
        TrainingError: The file holds other types, or is not such a file.
    """
    import skops.io

    try:
        unknown = sorted(set(skops.io.get_untrusted_types(file=path)) - set(trusted))
        if not unknown:
            return skops.io.load(path, trusted=list(trusted))
    except (OSError, zipfile.BadZipFile, KeyError, ValueError) as error:
        problem = Problem(path.name, str(error), "a file written by save_estimator", "Train the model again.")
        raise TrainingError("an estimator cannot be read", [problem]) from error
    raise TrainingError(
        "an estimator holds types nobody vouches for",
        [Problem(path.name, ", ".join(unknown), "types that are trusted", "Do not load a model whose origin you do not know.")],
    )


def _renumber(schema: dict[str, Any]) -> dict[str, str]:
    """Number identities and member files in the order of the schema; returns old member name to new."""
    identities: dict[object, int] = {}
    members: dict[str, str] = {}

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if "__id__" in node:
                # Whether two equal numbers or strings are one object is the interpreter's business, not the estimator's.
                key = object() if node.get("is_json") else node["__id__"]
                node["__id__"] = identities.setdefault(key, len(identities))
            if isinstance(node.get("file"), str):
                suffix = Path(node["file"]).suffix
                node["file"] = members.setdefault(node["file"], f"{len(members)}{suffix}")
            for key in sorted(node):
                walk(node[key])
        elif isinstance(node, list):
            for item in node:
                walk(item)

    walk(schema)
    return members
