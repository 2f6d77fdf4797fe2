"""A digest of rows that no order changes: neither of rows nor of columns."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt
import polars as pl

from within_wf.data.versions.canonical import type_name
from within_wf.store.pieces import height_of, pieces

Bytes = npt.NDArray[np.uint8]
_ROWS = 100_000
WIDTH = 32
"""Bytes of the hash of a row."""


def row_hashes(table: pl.DataFrame | pl.LazyFrame) -> Bytes:
    """SHA-256 of each row, its columns in the order of their names.

    Rows are equal where each column's name, type and value is. All NaN are one value; 0 and -0 are two.

    Args:
        table: Canonical rows; of a file some are read at a time.

    Returns:
        uint8, shape [rows, 32], in the order of the rows.
    """
    names, head = _columns(table)
    hashes = np.empty((height_of(table.lazy()), WIDTH), np.uint8)
    begin = 0
    for piece in pieces(table.lazy(), _ROWS):
        rows = np.concatenate([_encoded(piece[name]) for name in names], axis=1)
        size, data = rows.shape[1], memoryview(rows.tobytes())
        for row in range(piece.height):
            one = head.copy()
            one.update(data[row * size : (row + 1) * size])
            hashes[begin + row] = np.frombuffer(one.digest(), np.uint8)
        begin += piece.height
    return hashes


def rows_digest(table: pl.DataFrame | pl.LazyFrame) -> str:
    """SHA-256 of the sorted hashes of all rows, in hex: equal for tables that hold the same rows, each as often, in any order.

    A table without rows has the digest of its columns.
    """
    _, digest = _columns(table)
    hashes = row_hashes(table)
    digest.update(np.sort(hashes.view(f"S{WIDTH}").ravel()).tobytes())
    return digest.hexdigest()


def _columns(table: pl.DataFrame | pl.LazyFrame) -> tuple[list[str], hashlib._Hash]:
    """The columns in the order of their names, and SHA-256 begun with their names and types."""
    schema = table.lazy().collect_schema()
    names = sorted(schema)
    return names, hashlib.sha256("\n".join(f"{type_name(schema[name])} {len(name)} {name}" for name in names).encode())


def _encoded(column: pl.Series) -> Bytes:
    """A column as bytes of one width: a mark of what is missing, then the value, or half of SHA-256 of a text."""
    missing = column.is_null().to_numpy().astype(np.uint8)[:, None]
    if column.dtype == pl.String:
        values = _texts(column)
    else:
        whole = column.fill_null(0.0) if column.dtype == pl.Float64 else column.to_physical().fill_null(0)
        if column.dtype == pl.Boolean:
            whole = column.fill_null(value=False).cast(pl.Int64)
        kind = "<f8" if column.dtype == pl.Float64 else "<u8" if column.dtype == pl.UInt64 else "<i8"
        values = np.ascontiguousarray(whole.to_numpy().astype(kind))[:, None].view(np.uint8)
    return np.concatenate([missing, values], axis=1)


def _texts(column: pl.Series) -> Bytes:
    filled = column.fill_null("")
    known = filled.unique()
    hashed = b"".join(hashlib.sha256(text.encode()).digest()[:16] for text in known)
    places = pl.DataFrame({"text": known, "place": np.arange(known.len(), dtype=np.int64)})
    order = filled.rename("text").to_frame().join(places, on="text", how="left", maintain_order="left")["place"].to_numpy()
    table: Bytes = np.frombuffer(hashed, np.uint8).reshape(-1, 16)[order]
    return table
