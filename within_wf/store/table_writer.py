"""Large tables written piece by piece, the same bytes however large the pieces are."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

ROW_GROUP = 100_000


class TableWriter:
    """A Parquet file whose row groups have a fixed size.

    Args:
        path: The file to write.
        row_group: Rows in a group; the last may be smaller.
        compress: Off for columns that are compressed already.
    """

    def __init__(self, path: Path, row_group: int = ROW_GROUP, *, compress: bool = True) -> None:
        self._path, self._row_group, self._compress = path, row_group, compress
        self._waiting: list[pa.Table] = []
        self._rows = 0
        self._writer: Any = None

    def __enter__(self) -> TableWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self._flush(everything=True)
        if self._writer is not None:
            self._writer.close()

    def write(self, columns: dict[str, Any]) -> None:
        """Append rows; arrays of numpy or pyarrow, the same columns each time."""
        self.write_table(pa.table(columns))

    def write_table(self, table: pa.Table) -> None:
        """Append the rows of a table."""
        self._waiting.append(table)
        self._rows += table.num_rows
        if self._rows >= self._row_group:
            self._flush(everything=False)

    def _flush(self, *, everything: bool) -> None:
        if not self._waiting:
            return
        table = pa.concat_tables(self._waiting).combine_chunks()
        if self._writer is None:
            codec = {"compression": "zstd", "compression_level": 3} if self._compress else {"compression": "none"}
            self._writer = pq.ParquetWriter(self._path, table.schema, **codec)
        whole = table.num_rows if everything else table.num_rows // self._row_group * self._row_group
        for begin in range(0, whole, self._row_group):
            self._writer.write_table(table.slice(begin, min(self._row_group, whole - begin)), self._row_group)
        rest = table.slice(whole)
        self._waiting = [rest] if rest.num_rows or (everything and whole == 0) else []
        self._rows = rest.num_rows
        if everything and whole == 0:
            self._writer.write_table(table)
