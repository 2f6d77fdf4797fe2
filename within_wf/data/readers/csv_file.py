"""CSV, separated by commas, semicolons, tabs or bars, compressed or not."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv

from within_wf.data.findings import Findings
from within_wf.data.readers.kinds import Compression, open_content
from within_wf.data.readers.raw import RawFile, no_rows
from within_wf.errors import Problem

DELIMITERS = ",;\t|"
_BLOCK_BYTES = 1 << 22
_HEADER_BYTES = 1 << 16
_MOST_RAGGED = 1000
_QUOTES = "A value that contains the delimiter or a line break must stand in double quotes."


class _Count(int):
    """A number of values, shown in words."""

    def __str__(self) -> str:
        return f"{int(self)} value{'s' if self != 1 else ''}"


def open_csv(path: Path, name: str, compression: Compression | None) -> RawFile:
    """A CSV file.

    Raises:
        DatasetError: It has no row below the header.
    """
    with closing(open_content(path, compression)) as content:
        start = content.read(_HEADER_BYTES)
    head = start.decode("utf-8-sig", errors="ignore")
    first = head.lstrip("\r\n").split("\n", 1)[0]
    delimiter = max(DELIMITERS, key=first.count)
    rows = csv.reader(io.StringIO(head, newline=""), delimiter=delimiter)
    columns = next((row for row in rows if row), [])
    lines = rows.line_num
    if len(start) < _HEADER_BYTES and not any(rows):
        raise no_rows(name)
    reader = _Csv(path, name, compression, tuple(columns), delimiter, lines)
    return RawFile(name, tuple(columns), (pa.string(),) * len(columns), reader.tables)


@dataclass(frozen=True)
class _Csv:
    path: Path
    name: str
    compression: Compression | None
    columns: tuple[str, ...]
    delimiter: str
    header_lines: int

    def tables(self, columns: Sequence[str], findings: Findings, left_out: set[int]) -> Iterator[pa.Table]:
        """Some columns, as text; ragged rows are left out."""

        def note(row: Any) -> str:
            number = row.number - self.header_lines
            left_out.add(number)
            expected = f"{row.expected_columns} values, as the header has"
            findings.add_cells("", expected, [number], [_Count(row.actual_columns)], _QUOTES)
            return "skip" if len(left_out) < _MOST_RAGGED else "error"

        # Columns go by their place, as names may repeat; the last one shows whether the last quote is closed.
        places = [str(place) for place in range(len(self.columns))]
        wanted = [places[self.columns.index(column)] for column in columns]
        last = None
        with closing(open_content(self.path, self.compression)) as content:
            for batch in self._reader(content, places, wanted, note):
                yield pa.Table.from_batches([batch]).select(wanted)
                last = batch.column(places[-1])[-1].as_py() if batch.num_rows else last
        if last is not None and "\n" in last and not self._ends_in_quote():
            findings.add(Problem(f"{self.name}, the last row", "a double quote that is never closed", "another one", _QUOTES))

    def _reader(self, content: Any, places: list[str], wanted: list[str], note: Any) -> Any:
        return pa_csv.open_csv(
            content,
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

    def _ends_in_quote(self) -> bool:
        end = b""
        with closing(open_content(self.path, self.compression)) as content:
            while piece := content.read(_BLOCK_BYTES):
                end = (end + piece)[-_BLOCK_BYTES:]
        end = end.rstrip()
        return (len(end) - len(end.rstrip(b'"'))) % 2 == 1
