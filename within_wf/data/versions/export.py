"""The rows of a version as a file of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from within_wf.data.versions.catalog import rows_file, rows_of
from within_wf.data.versions.version import Version
from within_wf.errors import DatasetError, Problem
from within_wf.store.disk import replacing
from within_wf.store.local import Store

SUFFIXES = (".parquet", ".csv")


def export(store: Store, version: Version, path: Path, *, overwrite: bool = False) -> None:
    """Write the rows of a version to a file, whole or not at all.

    Parquet is the very bytes that the version's content digest is of. In CSV every text, day and flag stands in double quotes,
    whatever it begins with: a cell such as ``=1+1`` is what it was, and a program for spreadsheets may take it for a formula.
    A missing value is an empty cell without quotes, an empty text one with quotes.

    Args:
        store: Where the version is.
        version: The version.
        path: The file; its suffix says what is written, ``.parquet`` or ``.csv``.
        overwrite: Whether to write over a file that is there.

    Raises:
        DatasetError: The suffix is another, the file is there, or it cannot be written.
        StoreError: The version is damaged.
    """
    if path.suffix not in SUFFIXES:
        raise _refused(path, f"the suffix {path.suffix!r}", " or ".join(SUFFIXES))
    if path.is_dir() or (path.exists() and not overwrite):
        raise _refused(path, "a folder" if path.is_dir() else "a file", "a free name", "" if path.is_dir() else "Say --force.")
    with _draft(path) as draft:
        if path.suffix == ".parquet":
            shutil.copyfile(rows_file(store, version), draft)
        else:
            moments = "%Y-%m-%d %H:%M:%S%.f"
            rows_of(store, version).write_csv(draft, quote_style="non_numeric", datetime_format=moments)


@contextmanager
def _draft(path: Path) -> Iterator[Path]:
    """A name beside a file that becomes it at the end."""
    try:
        with replacing(path) as draft:
            yield draft
    except OSError as error:
        raise _refused(path, str(error.strerror or error), "a place that can be written") from error


def _refused(path: Path, found: str, expected: str, cure: str = "") -> DatasetError:
    return DatasetError("nothing was exported", [Problem(str(path), found, expected, cure)])
