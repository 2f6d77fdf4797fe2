"""CSV, separated by commas, semicolons, tabs or bars, compressed or not."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv

from within_wf.data.findings import Findings
from within_wf.data.readers.kinds import Compression, file_kind, open_content
from within_wf.data.readers.raw import RawFile, no_rows
from within_wf.errors import DatasetError, Problem

DELIMITERS = ",;\t|"
_BLOCK_BYTES = 1 << 22
_HEADER_BYTES = 1 << 16
_LOOKED_AT = 100
"""Rows by which the header is looked for."""
_MOST_RAGGED = 1000
_QUOTES = "A value that contains the delimiter or a line break must stand in double quotes."


class _Count(int):
    """A number of values, shown in words."""

    def __str__(self) -> str:
        return f"{int(self)} value{'s' if self != 1 else ''}"


def open_csv(path: Path, name: str, compression: Compression | None, skip_lines: int = 0) -> RawFile:
    """A CSV file.

    Args:
        path: The file.
        name: What messages call it.
        compression: How it is compressed.
        skip_lines: Lines above its header.

    Raises:
        DatasetError: It has no row below the header, or other lines above it than were said.
    """
    with closing(open_content(path, compression)) as content:
        start = content.read(_HEADER_BYTES)
    text = io.StringIO(start.decode("utf-8-sig", errors="ignore"), newline="")
    for _ in range(skip_lines):
        text.readline()
    head = text.read()
    above = lines_above_header(head)
    if above:
        cure = f"It seems to stand in line {skip_lines + above + 1}: set dataset.source.skip_lines to {skip_lines + above}."
        problem = Problem(f"{name}, line {skip_lines + 1}", "a line with fewer values than those below", "the header", cure)
        raise DatasetError(f"{name} has lines above its header", [problem])
    delimiter = _delimiter(head)
    rows = csv.reader(io.StringIO(head, newline=""), delimiter=delimiter)
    columns = next((row for row in rows if row), [])
    lines = skip_lines + rows.line_num
    if len(start) < _HEADER_BYTES and not any(rows):
        raise no_rows(name)
    reader = _Csv(path, name, compression, tuple(columns), delimiter, lines)
    return RawFile(name, tuple(columns), (pa.string(),) * len(columns), reader.tables)


def lines_to_skip(path: Path, name: str) -> int:
    """How many lines seem to stand above the header of a file; 0 where it is no CSV.

    Raises:
        DatasetError: The file cannot be read.
    """
    kind = file_kind(path, name)
    if kind.format != "csv":
        return 0
    with closing(open_content(path, kind.compression)) as content:
        return lines_above_header(content.read(_HEADER_BYTES).decode("utf-8-sig", errors="ignore"))


def lines_above_header(head: str) -> int:
    """How many lines stand above the header of CSV: first rows with far fewer values than those below share."""
    if re.match(r"sep=.\r?\n", head):
        return 1
    found = _widths(head, _delimiter(head))
    common = _common(found)
    place = next((place for place, (width, _) in enumerate(found) if width == common), 0)
    return found[place][1] if place and all(2 * width <= common for width, _ in found[:place]) else 0


def _delimiter(head: str) -> str:
    """What parts the values: what gives most rows one number of them; of several, what stands in the first line most."""
    first = head.lstrip("\r\n").split("\n", 1)[0]
    return max(DELIMITERS, key=lambda delimiter: (_agreeing(_widths(head, delimiter)), first.count(delimiter)))


def _widths(head: str, delimiter: str) -> list[tuple[int, int]]:
    """The number of values of the first rows, each with the number of lines before it."""
    rows = csv.reader(io.StringIO(head, newline=""), delimiter=delimiter)
    found, before = [], 0
    with suppress(csv.Error):
        for row in itertools.islice(rows, _LOOKED_AT):
            found += [(len(row), before)] if row else []
            before = rows.line_num
    return found


def _common(widths: Sequence[tuple[int, int]]) -> int:
    """The number of values that most rows have."""
    return Counter(width for width, _ in widths).most_common(1)[0][0] if widths else 0


def _agreeing(widths: Sequence[tuple[int, int]]) -> int:
    """How many rows have the number of values that most have, if that is more than one."""
    common = _common(widths)
    return sum(width == common for width, _ in widths) if common > 1 else 0


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
