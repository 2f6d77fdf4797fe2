"""The rows of a file as it holds them, batch by batch; only one batch is in memory at a time."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet

from within_wf.data.findings import Findings
from within_wf.data.readers.kinds import FileKind, file_kind
from within_wf.errors import DatasetError, Problem

BATCH_ROWS = 100_000
_BLOCK_BYTES = 1 << 22
_HEADER_BYTES = 1 << 16
_MOST_RAGGED = 1000
_NESTED = "numbers, text, dates or times"


@dataclass(frozen=True)
class RawFile:
    """A file that was opened and found to be what it should be.

    Attributes:
        path: The file.
        name: What messages call it.
        kind: What it is.
        columns: Its columns, in order.
        types: The Arrow type of each; text for CSV.
    """

    path: Path
    name: str
    kind: FileKind
    columns: tuple[str, ...]
    types: tuple[Any, ...]
    delimiter: str = ","
    header_lines: int = 1

    def batches(self, findings: Findings) -> Iterator[tuple[int, pa.Table]]:
        """Each batch and the row before its first; ragged rows are noted and left out.

        Raises:
            DatasetError: The file cannot be read to its end.
        """
        with _readable(self.name):
            batches = self._parquet() if self.kind == "parquet" else self._csv(findings)
            done = 0
            for batch in batches:
                batch.validate(full=True)
                yield done, batch
                done += batch.num_rows

    def _parquet(self) -> Iterator[pa.Table]:
        with pa_parquet.ParquetFile(self.path, page_checksum_verification=True) as file:
            for batch in file.iter_batches(BATCH_ROWS, use_threads=False):
                yield pa.Table.from_batches([batch])

    def _csv(self, findings: Findings) -> Iterator[pa.Table]:
        ragged = 0

        def note(row: Any) -> str:
            nonlocal ragged
            ragged += 1
            expected = f"{row.expected_columns} values, as the header has"
            cure = "A value that contains the delimiter or a line break must stand in double quotes."
            number = -1 if row.number is None else row.number - self.header_lines
            findings.add_cells("", expected, [number], [_Count(row.actual_columns)], cure)
            return "skip" if ragged < _MOST_RAGGED else "error"

        reader = pa_csv.open_csv(
            self.path,
            read_options=pa_csv.ReadOptions(
                use_threads=False, block_size=_BLOCK_BYTES, column_names=list(self.columns), skip_rows=self.header_lines
            ),
            parse_options=pa_csv.ParseOptions(
                delimiter=self.delimiter, newlines_in_values=True, invalid_row_handler=note, ignore_empty_lines=True
            ),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(self.columns, pa.string()),
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
                null_values=[""],
            ),
        )
        with reader:
            for batch in reader:
                yield pa.Table.from_batches([batch])


class _Count(int):
    """A number of values, shown in words."""

    def __str__(self) -> str:
        return f"{int(self)} value{'s' if self != 1 else ''}"


def open_raw(path: Path, name: str) -> RawFile:
    """Look at a file's kind and header.

    Raises:
        DatasetError: Naming everything that is wrong with them.
    """
    kind = file_kind(path, name)
    with _readable(name):
        raw = _open_parquet(path, name) if kind == "parquet" else _open_csv(path, name)
    problems = [
        Problem(f"{name}, column {position}", "no name", "a name in the header")
        for position, column in enumerate(raw.columns, 1)
        if not column.strip()
    ]
    twice = sorted({column for column in raw.columns if column.strip() and raw.columns.count(column) > 1})
    problems += [Problem(f"{name}, column {column}", f"{raw.columns.count(column)} of that name", "one") for column in twice]
    problems += [
        Problem(f"{name}, column {column}", f"the type {kind}", _NESTED, "Leave the column out, or write it with such a type.")
        for column, kind in zip(raw.columns, raw.types, strict=True)
        if not _is_plain(kind)
    ]
    if problems:
        raise DatasetError(f"the columns of {name} cannot be read", problems)
    return raw


def _open_parquet(path: Path, name: str) -> RawFile:
    with pa_parquet.ParquetFile(path) as file:
        schema = file.schema_arrow
    return RawFile(path, name, "parquet", tuple(schema.names), tuple(schema.types))


def _open_csv(path: Path, name: str) -> RawFile:
    with path.open("rb") as file:
        head = file.read(_HEADER_BYTES).decode("utf-8-sig", errors="ignore")
    first = head.lstrip("\r\n").split("\n", 1)[0]
    delimiter = max(",;\t|", key=first.count)
    rows = csv.reader(io.StringIO(head, newline=""), delimiter=delimiter)
    columns = next((row for row in rows if row), [])
    return RawFile(
        path, name, "csv", tuple(columns), (pa.string(),) * len(columns), delimiter, header_lines=max(rows.line_num, 1)
    )


def _is_plain(kind: Any) -> bool:
    types = pa.types
    inner = kind.value_type if types.is_dictionary(kind) else kind
    tests = (
        types.is_integer,
        types.is_floating,
        types.is_boolean,
        types.is_string,
        types.is_large_string,
        types.is_string_view,
        types.is_date,
        types.is_timestamp,
        types.is_decimal,
        types.is_null,
    )
    return any(test(inner) for test in tests)


@contextmanager
def _readable(name: str) -> Iterator[None]:
    """What the libraries say of a broken file, as an error of the file."""
    try:
        yield
    except DatasetError:
        raise
    except (pa.ArrowException, OSError, ValueError, TypeError, OverflowError, csv.Error, MemoryError) as error:
        said = str(error).strip().split("\n")[0].rstrip(".") or type(error).__name__
        problem = Problem(name, f"damaged content ({said})", "a whole CSV or Parquet file", "Copy or export it again.")
        raise DatasetError(f"{name} cannot be read", [problem]) from error
