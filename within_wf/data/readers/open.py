"""A file opened by what its content is; columns in the names of its folders are its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

import pyarrow as pa

from within_wf.data.readers.arrow_file import open_arrow
from within_wf.data.readers.csv_file import open_csv
from within_wf.data.readers.json_lines import open_json_lines
from within_wf.data.readers.kinds import USUAL, TextFormat, file_kind
from within_wf.data.readers.parquet_file import open_parquet
from within_wf.data.readers.raw import RawFile, readable

_NULL = "__HIVE_DEFAULT_PARTITION__"


def open_raw(path: Path, name: str, text: TextFormat = USUAL) -> RawFile:
    """Look at a file's kind and header.

    Args:
        path: The file.
        name: What messages call it; a folder ``country=DE`` in it is a column of the file.
        text: How it is written, if it is text.

    Raises:
        DatasetError: It cannot be read, or is text without a row.
    """
    kind = file_kind(path, name)
    with readable(name):
        if kind.format == "parquet":
            raw = open_parquet(path, name)
        elif kind.format in ("arrow", "arrow_stream"):
            raw = open_arrow(path, name, is_stream=kind.format == "arrow_stream")
        elif kind.format == "json_lines":
            raw = open_json_lines(path, name, kind.compression)
        else:
            raw = open_csv(path, name, kind.compression, text.skip_lines)
    return _with_partition(raw, _partition(name))


def _partition(name: str) -> dict[str, str | None]:
    """The columns that a partitioned table has in the names of its folders, as Hive, Spark and DuckDB write them."""
    pairs = [part.split("=", 1) for part in PurePosixPath(name).parent.parts if "=" in part]
    return {unquote(key): None if value == _NULL else unquote(value) for key, value in pairs}


def _with_partition(raw: RawFile, partition: dict[str, str | None]) -> RawFile:
    added = {key: value for key, value in partition.items() if key not in raw.columns}
    types = (*raw.types, *(pa.string() for _ in added))
    return replace(raw, columns=(*raw.columns, *added), types=types, partition=tuple(added.items()))
