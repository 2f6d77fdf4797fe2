"""Arrow's own files (Feather) and streams."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from within_wf.data.findings import Findings
from within_wf.data.readers.raw import BATCH_ROWS, RawFile


def open_arrow(path: Path, name: str, *, is_stream: bool) -> RawFile:
    """An Arrow file or stream."""

    def tables(columns: Sequence[str], findings: Findings, left_out: set[int]) -> Iterator[pa.Table]:
        with _opened(path, is_stream=is_stream) as reader:
            for batch in reader if is_stream else map(reader.get_batch, range(reader.num_record_batches)):
                batch.validate(full=True)  # before it is cut
                table = pa.Table.from_batches([batch]).select(columns)
                for begin in range(0, batch.num_rows, BATCH_ROWS):
                    yield table.slice(begin, BATCH_ROWS)

    with _opened(path, is_stream=is_stream) as reader:
        schema = reader.schema
    return RawFile(name, tuple(schema.names), tuple(schema.types), tables)


@contextmanager
def _opened(path: Path, *, is_stream: bool) -> Iterator[Any]:
    with pa.OSFile(str(path)) as file, (pa.ipc.open_stream if is_stream else pa.ipc.open_file)(file) as reader:
        yield reader
