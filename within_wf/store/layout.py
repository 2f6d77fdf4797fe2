"""The format of a store: made once, and refused when it is another."""

from __future__ import annotations

import json
from pathlib import Path

from within_wf.errors import StoreError
from within_wf.store.disk import sync_directory, write_once, writing

FORMAT = 1

FORMAT_TEXT = json.dumps({"format": "within-wf store", "version": FORMAT}, indent=1, sort_keys=True) + "\n"


def create(root: Path) -> None:
    """Make a store in a missing or empty directory.

    Raises:
        StoreError: The directory holds something, or cannot be written.
    """
    with writing(root):
        root.mkdir(parents=True, exist_ok=True)
        others = sorted(path.name for path in root.iterdir() if not path.name.endswith(".draft"))
        if others and "format.json" not in others:
            more = " …" if len(others) > 3 else ""
            raise StoreError(
                f"{root} holds {', '.join(others[:3])}{more} and no format.json, so it is not a store; nothing in it was "
                "changed. Give an empty or a new folder"
            )
        if not write_once(root / "format.json", FORMAT_TEXT.encode(), root):
            check_format(root, (root / "format.json").read_bytes())
            return
        sync_directory(root.parent)


def check_format(root: Path, text: bytes) -> None:
    """Refuse a store of another format.

    Args:
        root: The store.
        text: What its ``format.json`` holds.

    Raises:
        StoreError: It is another format than `FORMAT`.
    """
    if text == FORMAT_TEXT.encode():
        return
    try:
        value = json.loads(text)
        version = value["version"] if value["format"] == "within-wf store" else None
    except (ValueError, KeyError, TypeError):
        version = None
    if isinstance(version, int) and version > FORMAT:
        cure = "It was made by a newer within-wf: update this one, or point WITHIN_STORE at another folder"
    else:
        cure = (
            "Point WITHIN_STORE at another folder (what is made again there takes its time but no harm), or move this one aside"
        )
    found = f"format {version}" if isinstance(version, int) else "a format.json that says nothing this program knows"
    raise StoreError(f"the store at {root} has {found}, this program reads format {FORMAT}; nothing in it was changed. {cure}")
