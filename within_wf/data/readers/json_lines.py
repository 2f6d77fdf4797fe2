"""JSON lines: an object a line, compressed or not."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow as pa

from within_wf.data.findings import Findings
from within_wf.data.readers.kinds import Compression, open_content
from within_wf.data.readers.raw import RawFile, no_rows

_BLOCK_BYTES = 1 << 22
_MOST_NOTED = 1000
_EMPTY = ""
"""The column of objects that have none: a table without columns has no rows."""


def open_json_lines(path: Path, name: str, compression: Compression | None) -> RawFile:
    """A file of JSON lines; its columns are the keys of all its objects, in the order they are met.

    Raises:
        DatasetError: It holds no object.
    """
    lines = _JsonLines(path, compression)
    types: dict[str, pa.DataType] = {}
    found = False
    for frame in lines.frames(Findings(name), set()):
        found = found or frame.height > 0
        for column, kind in zip(frame.columns, frame.to_arrow().schema.types, strict=True):
            if (column not in types and column != _EMPTY) or pa.types.is_nested(kind):
                types[column] = kind
    if not found:
        raise no_rows(name)
    return RawFile(name, tuple(types), tuple(types.values()), lines.tables)


@dataclass(frozen=True)
class _JsonLines:
    path: Path
    compression: Compression | None

    def tables(self, columns: Sequence[str], findings: Findings, left_out: set[int]) -> Iterator[pa.Table]:
        """Some columns; lines that hold no object are left out."""
        for frame in self.frames(findings, left_out):
            missing = [pl.lit(None, pl.String).alias(column) for column in columns if column not in frame.columns]
            yield frame.with_columns(missing).select(columns).to_arrow()

    def frames(self, findings: Findings, left_out: set[int]) -> Iterator[pl.DataFrame]:
        """Every column of each block of lines."""
        done = 0
        for block in self._blocks():
            lines = [line for line in block.split(b"\n") if line.strip()]
            try:
                frame = pl.read_ndjson(io.BytesIO(b"\n".join(lines)), infer_schema_length=None)
                whole = frame.height == len(lines)
            except (pl.exceptions.PolarsError, ValueError):
                whole = False
            yield frame if whole else _line_by_line(lines, done, findings, left_out)
            done += len(lines)

    def _blocks(self) -> Iterator[bytes]:
        """Whole lines, some megabytes at a time, without the mark that may stand before UTF-8."""
        rest = b""
        with closing(open_content(self.path, self.compression)) as content:
            begin = content.read(_BLOCK_BYTES).removeprefix(b"\xef\xbb\xbf")
            while begin:
                whole, newline, rest = (rest + begin).rpartition(b"\n")
                if newline:
                    yield whole
                begin = content.read(_BLOCK_BYTES)
        if rest.strip():
            yield rest


def _line_by_line(lines: list[bytes], done: int, findings: Findings, left_out: set[int]) -> pl.DataFrame:
    """Lines of which some hold no object, or a column values of several types, which become text."""
    objects = []
    for number, line in enumerate(lines, done + 1):
        expected = "a JSON object"
        try:
            value = json.loads(line, parse_constant=_no_number)
        except (ValueError, RecursionError) as error:
            value = None
            expected += f"; {error}" if "is no JSON" in str(error) else ""
        if isinstance(value, dict):
            objects.append(value)
        else:
            left_out.add(number)
            findings.add_cells("", expected, [number], [line[:80].decode(errors="replace").strip()])
            if len(left_out) > _MOST_NOTED:
                raise ValueError(f"more than {_MOST_NOTED:,} lines that hold no JSON object")
    names = dict.fromkeys(name for value in objects for name in value)
    if not names:
        return pl.DataFrame({_EMPTY: [None] * len(objects)})
    return pl.DataFrame([_column(name, [value.get(name) for value in objects]) for name in names])


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no JSON: write null")


def _column(name: str, values: list[object]) -> pl.Series:
    kinds = {type(value) for value in values if value is not None}
    if kinds & {list, dict}:
        return pl.Series(name, [[json.dumps(value)] for value in values], pl.List(pl.String))
    if len(kinds) > 1 and kinds != {int, float}:
        return pl.Series(name, [value if value is None or isinstance(value, str) else json.dumps(value) for value in values])
    if kinds == {int} and any(isinstance(value, int) and abs(value) >= 2**63 for value in values):
        return pl.Series(name, [None if value is None else str(value) for value in values], pl.String)
    return pl.Series(name, values, strict=False)
