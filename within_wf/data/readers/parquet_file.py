"""Parquet files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pa_parquet

from within_wf.data.findings import Findings
from within_wf.data.readers.raw import BATCH_ROWS, RawFile


def open_parquet(path: Path, name: str) -> RawFile:
    """A Parquet file."""

    def tables(columns: Sequence[str], findings: Findings, left_out: set[int]) -> Iterator[pa.Table]:
        with pa_parquet.ParquetFile(path, page_checksum_verification=True) as file:
            for batch in file.iter_batches(BATCH_ROWS, columns=list(columns), use_threads=False):
                yield pa.Table.from_batches([batch]).select(columns)

    with pa_parquet.ParquetFile(path) as file:
        schema, rows = file.schema_arrow, file.metadata.num_rows
    return RawFile(name, tuple(schema.names), tuple(schema.types), tables, rows)
