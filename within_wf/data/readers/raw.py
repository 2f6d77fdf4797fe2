"""The rows of a file as it holds them, batch by batch; only one batch is in memory at a time."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
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
_PLAIN = "numbers, text, dates or times"
_BROKEN = (
    pa.ArrowException,
    pl.exceptions.PolarsError,
    OSError,
    ValueError,
    TypeError,
    OverflowError,
    csv.Error,
    MemoryError,
)
_QUOTES = "A value that contains the delimiter or a line break must stand in double quotes."


@dataclass(frozen=True)
class RawFile:
    """A file that was opened and found to be what it should be.

    Attributes:
        path: The file.
        name: What messages call it.
        kind: What it is.
        columns: Its columns, in order.
        types: The Arrow type of each; text for CSV.
        rows: How many it says it has; CSV does not say.
    """

    path: Path
    name: str
    kind: FileKind
    columns: tuple[str, ...]
    types: tuple[Any, ...]
    rows: int | None = None
    delimiter: str = ","
    header_lines: int = 1

    def unusable(self, columns: Iterable[str]) -> list[Problem]:
        """What keeps some columns from being read, although they are there."""
        problems = []
        for column in dict.fromkeys(columns):
            if not column.strip():
                position = self.columns.index(column) + 1
                problems.append(Problem(f"{self.name}, column {position}", "no name", "a name in the header"))
            elif self.columns.count(column) > 1:
                problems.append(Problem(f"{self.name}, column {column}", f"{self.columns.count(column)} of that name", "one"))
            elif not _is_plain(kind := self.types[self.columns.index(column)]):
                cure = "Write it with such a type."
                problems.append(Problem(f"{self.name}, column {column}", f"the type {kind}", _PLAIN, cure))
        return problems

    def batches(self, columns: Sequence[str], findings: Findings) -> Iterator[tuple[Sequence[int], pl.DataFrame]]:
        """Some columns of each batch, and the rows they stand in; the first row below the header is 1.

        Ragged rows are noted and left out.

        Raises:
            DatasetError: The file cannot be read to its end.
        """
        ragged: set[int] = set()
        done = 0
        with readable(self.name):
            for batch in self._parquet(columns) if self.kind == "parquet" else self._csv(columns, findings, ragged):
                batch.validate(full=True)
                rows = _rows(done, batch.num_rows, ragged)
                # A new table has none of the file's metadata, which may be damaged too.
                yield rows, pl.DataFrame(pl.from_arrow(pa.Table.from_arrays(batch.columns, list(columns))))
                done = rows[-1] if rows else done
            if self.rows is not None and done != self.rows:
                raise ValueError(f"{done:,} rows of {self.rows:,}")

    def _parquet(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        with pa_parquet.ParquetFile(self.path, page_checksum_verification=True) as file:
            for batch in file.iter_batches(BATCH_ROWS, columns=list(columns), use_threads=False):
                yield pa.Table.from_batches([batch]).select(columns)

    def _csv(self, columns: Sequence[str], findings: Findings, ragged: set[int]) -> Iterator[pa.Table]:
        def note(row: Any) -> str:
            number = row.number - self.header_lines
            ragged.add(number)
            expected = f"{row.expected_columns} values, as the header has"
            findings.add_cells("", expected, [number], [_Count(row.actual_columns)], _QUOTES)
            return "skip" if len(ragged) < _MOST_RAGGED else "error"

        # Columns go by their place, as names may repeat; the last one shows whether the last quote is closed.
        places = [str(place) for place in range(len(self.columns))]
        wanted = [places[self.columns.index(column)] for column in columns]
        last = None
        reader = pa_csv.open_csv(
            self.path,
            read_options=pa_csv.ReadOptions(
                use_threads=False, block_size=_BLOCK_BYTES, column_names=places, skip_rows=self.header_lines
            ),
            parse_options=pa_csv.ParseOptions(
                delimiter=self.delimiter, newlines_in_values=True, invalid_row_handler=note, ignore_empty_lines=True
            ),
            convert_options=pa_csv.ConvertOptions(
                include_columns=list(dict.fromkeys([*wanted, places[-1]])),
                column_types=dict.fromkeys(places, pa.string()),
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
                null_values=[""],
            ),
        )
        with reader:
            for batch in reader:
                yield pa.Table.from_batches([batch]).select(wanted)
                last = batch.column(places[-1])[-1].as_py() if batch.num_rows else last
        if last is not None and "\n" in last and not self._ends_in_quote():
            findings.add(Problem(f"{self.name}, the last row", "a double quote that is never closed", "another one", _QUOTES))

    def _ends_in_quote(self) -> bool:
        with self.path.open("rb") as file:
            file.seek(max(0, self.path.stat().st_size - _BLOCK_BYTES))
            end = file.read().rstrip()
        return (len(end) - len(end.rstrip(b'"'))) % 2 == 1


def _rows(done: int, count: int, left_out: set[int]) -> Sequence[int]:
    """The numbers of the next ``count`` rows after row ``done``."""
    if not left_out:
        return range(done + 1, done + count + 1)
    return list(itertools.islice((row for row in itertools.count(done + 1) if row not in left_out), count))


class _Count(int):
    """A number of values, shown in words."""

    def __str__(self) -> str:
        return f"{int(self)} value{'s' if self != 1 else ''}"


def open_raw(path: Path, name: str) -> RawFile:
    """Look at a file's kind and header.

    Raises:
        DatasetError: It cannot be read, or is CSV without a row below the header.
    """
    kind = file_kind(path, name)
    with readable(name):
        return _open_parquet(path, name) if kind == "parquet" else _open_csv(path, name)


def _open_parquet(path: Path, name: str) -> RawFile:
    with pa_parquet.ParquetFile(path) as file:
        schema, rows = file.schema_arrow, file.metadata.num_rows
    return RawFile(path, name, "parquet", tuple(schema.names), tuple(schema.types), rows)


def _open_csv(path: Path, name: str) -> RawFile:
    with path.open("rb") as file:
        head = file.read(_HEADER_BYTES).decode("utf-8-sig", errors="ignore")
    first = head.lstrip("\r\n").split("\n", 1)[0]
    delimiter = max(",;\t|", key=first.count)
    rows = csv.reader(io.StringIO(head, newline=""), delimiter=delimiter)
    columns = next((row for row in rows if row), [])
    lines = rows.line_num
    if path.stat().st_size <= _HEADER_BYTES and not any(rows):
        raise no_rows(name)
    return RawFile(path, name, "csv", tuple(columns), (pa.string(),) * len(columns), None, delimiter, lines)


def no_rows(name: str) -> DatasetError:
    """The error of a file that holds nothing."""
    return DatasetError(f"{name} is empty", [Problem(name, "no row below the header", "at least one")])


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
def readable(name: str) -> Iterator[None]:
    """What the libraries say of a broken file, as an error of the file."""
    try:
        yield
    except DatasetError:
        raise
    except _BROKEN as error:
        said = str(error).strip().split("\n")[0].rstrip(".") or type(error).__name__
        problem = Problem(name, f"damaged content ({said})", "a whole CSV or Parquet file", "Copy or export it again.")
        raise DatasetError(f"{name} cannot be read", [problem]) from error
