"""Raw files by the digest of their bytes."""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from within_wf.data.sources import fetch, find_files, is_remote, stamp
from within_wf.errors import DatasetError, DatasetNotFoundError, Problem

if TYPE_CHECKING:
    from within_wf.config.dataset import DatasetConfig


class RawFiles:
    """Raw files and their digests, remembered by inode, size, mtime and ctime, by what a URL's system says of them, or by their
    pointer of DVC.

    Args:
        folder: Where relative folders of datasets are looked for; none where ``WITHIN_DATA`` is not set.
        memory: A file that remembers digests; beside it, in ``raw``, are files that were fetched, by their digest.
    """

    def __init__(self, folder: Path | None, memory: Path) -> None:
        self._folder, self._memory = folder, memory
        try:
            known = json.loads(memory.read_bytes())
        except (OSError, ValueError):
            known = {}
        self._known: dict[str, Any] = known if isinstance(known, dict) else {}

    def find_all(self, dataset: DatasetConfig) -> dict[str, dict[str, str]]:
        """Every raw file of a dataset.

        Returns:
            The name of a table, empty for the models' own, to its files, to their paths or URLs; folders and patterns are
            their files. Empty for a dataset that is not made of files.

        Raises:
            DatasetNotFoundError: Files are missing; all that are, are named.
            DatasetError: A URL cannot be asked.
        """
        source = dataset.source
        if source.kind != "files":
            return {}
        found: dict[str, dict[str, str]] = {}
        problems: list[Problem] = []
        for table, files in {"": source.files, **{name: other.files for name, other in dataset.related.items()}}.items():
            try:
                found[table] = find_files(dataset.name, source.folder, files, self._folder, self._memory.parent / "raw")
            except DatasetNotFoundError as error:
                cure = f"Correct WITHIN_DATA, or dataset.related.{table}.files."
                message, own = error.message, error.problems
                problems += [replace(problem, cure=cure) for problem in own] if table else own
        if problems:
            raise DatasetNotFoundError(message, list(dict.fromkeys(problems)))
        return found

    def digest(self, place: str) -> str:
        """SHA-256 of a file; one at a URL that is not known is fetched.

        Raises:
            DatasetError: It cannot be fetched.
        """
        now = stamp(place)
        entry = self._known.get(place)
        if entry is None or entry["stamp"] != now:
            if is_remote(place):
                _, digest = self._fetch(place)
            else:
                with Path(place).open("rb") as file:
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
            self._remember(place, {"stamp": now, "digest": digest})
            return digest
        return str(entry["digest"])

    def local(self, place: str, digest: str) -> Path:
        """The file here, fetched if it is not.

        Raises:
            DatasetError: It cannot be fetched, or is another one by now.
        """
        if not is_remote(place):
            return Path(place)
        here = self._memory.parent / "raw" / digest
        if not here.is_file():
            here, found = self._fetch(place)
            if found != digest:
                problem = Problem(place, f"SHA-256 {found[:12]}…", f"{digest[:12]}…", "Start the workflow again.")
                raise DatasetError("a file changed while the workflow ran", [problem])
        return here

    def _fetch(self, url: str) -> tuple[Path, str]:
        print(f"fetching {url}", file=sys.stderr, flush=True)  # noqa: T201
        return fetch(url, self._memory.parent / "raw")

    def _remember(self, place: str, entry: dict[str, Any]) -> None:
        self._known[place] = entry
        self._memory.parent.mkdir(parents=True, exist_ok=True)
        draft = self._memory.with_name(f"{self._memory.name}.{hashlib.sha256(place.encode()).hexdigest()[:8]}")
        draft.write_text(json.dumps(self._known))
        draft.replace(self._memory)
