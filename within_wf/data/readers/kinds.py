"""What a file is, by its content and not by its name."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from within_wf.data.readers.numerals import DecimalMark
from within_wf.errors import DatasetError, DatasetNotFoundError, Problem

Format = Literal["csv", "json_lines", "parquet", "arrow", "arrow_stream"]
Compression = Literal["gzip", "zstd", "bz2"]
EXPECTED = "CSV or JSON lines in UTF-8, Parquet or Arrow"
_PARQUET, _ARROW, _STREAM = b"PAR1", b"ARROW1", b"\xff\xff\xff\xff"
_COMPRESSED: tuple[tuple[bytes, Compression], ...] = ((b"\x1f\x8b", "gzip"), (b"\x28\xb5\x2f\xfd", "zstd"), (b"BZh", "bz2"))
_FOREIGN = (
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a zip archive (an Excel workbook is one)"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word document"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\x7fELF", "a program"),
    (b"\x80\x04", "a Python pickle"),
    (b"\x80\x05", "a Python pickle"),
)
_TEXTS = ((b"<!doctype", "an HTML page"), (b"<html", "an HTML page"), (b"<?xml", "an XML document"))
_CHUNK = 1 << 20


@dataclass(frozen=True)
class FileKind:
    """What a file is.

    Attributes:
        format: What its content is, when it is no longer compressed.
        compression: How the whole file is compressed, if it is.
    """

    format: Format
    compression: Compression | None = None


@dataclass(frozen=True)
class TextFormat:
    """How text files are written, where they cannot say it themselves.

    Attributes:
        decimal: The decimal mark of numbers.
        skip_lines: Lines above the header of CSV: titles, dates of a report.
        day_first: Whether days stand before months where both ways can be meant.
    """

    decimal: DecimalMark = "."
    skip_lines: int = 0
    day_first: bool | None = None


USUAL = TextFormat()


def open_content(path: Path, compression: Compression | None) -> Any:
    """A file's bytes from the beginning, decompressed while they are read."""
    return pa.input_stream(str(path), compression=compression)


def file_kind(path: Path, name: str) -> FileKind:
    """What a file is.

    Args:
        path: The file.
        name: What messages call it.

    Raises:
        DatasetNotFoundError: There is no such file.
        DatasetError: It is empty, cut short, of another kind, or cannot be read.
    """
    if not path.exists():
        raise DatasetNotFoundError(
            f"{name} is not there", [Problem(name, "no file", "a file of the dataset", "Correct its folder or its name.")]
        )
    if path.is_dir():
        raise _unreadable(name, "a folder", EXPECTED)
    try:
        with path.open("rb") as file:
            head = file.read(512)
            file.seek(max(0, path.stat().st_size - 8))
            tail = file.read(8)
    except OSError as error:
        raise _unreadable(name, str(error.strerror), "a file that can be read") from error
    if not head:
        raise _unreadable(name, "an empty file", EXPECTED)
    compression = next((how for mark, how in _COMPRESSED if head.startswith(mark)), None)
    if compression is not None:
        return _compressed_kind(path, name, compression)
    for mark, what, form, least in ((_PARQUET, "Parquet", "parquet", 12), (_ARROW, "Arrow", "arrow", 20)):
        if head.startswith(mark):
            if not tail.endswith(mark) or path.stat().st_size < least:
                raise _unreadable(name, f"{_a(what)} file that is cut short", "a whole one", "Copy or export it again.")
            return FileKind(form)  # type: ignore[arg-type]
    if head.startswith(_STREAM):
        return FileKind("arrow_stream")
    return _text_kind(path, name, head, None)


def _compressed_kind(path: Path, name: str, compression: Compression) -> FileKind:
    """What is inside; a compressed Parquet or Arrow file is none, as these compress their own columns."""
    with _decompressed(name, compression), closing(open_content(path, compression)) as content:
        head = content.read(512)
        if not head:
            raise _unreadable(name, f"an empty file, compressed by {compression}", EXPECTED)
        if head.startswith((_PARQUET, _ARROW, _STREAM)):
            cure = "Decompress it: such a file compresses its own columns."
            raise _unreadable(name, f"a Parquet or Arrow file compressed by {compression}", EXPECTED, cure)
        return _text_kind(path, name, head, compression)


def _text_kind(path: Path, name: str, head: bytes, compression: Compression | None) -> FileKind:
    foreign = _foreign(head)
    if foreign:
        raise _unreadable(name, foreign, EXPECTED, "Export the table again.")
    _check_text(path, name, compression)
    starts = head.removeprefix(codecs.BOM_UTF8).lstrip()[:1]
    return FileKind("json_lines" if starts == b"{" else "csv", compression)


@contextmanager
def _decompressed(name: str, compression: str) -> Iterator[None]:
    """Says of a stream that cannot be decompressed that its file is damaged."""
    try:
        yield
    except (OSError, EOFError, pa.ArrowException) as error:
        found = f"damaged content, compressed by {compression}"
        raise _unreadable(name, found, "a whole file", "Copy or export it again.") from error


def _foreign(head: bytes) -> str:
    for mark, what in _FOREIGN:
        if head.startswith(mark):
            return what
    text = head.removeprefix(codecs.BOM_UTF8).lstrip()
    for mark, what in _TEXTS:
        if text[: len(mark)].lower() == mark:
            return what
    if text[:1] == b"[":
        return "a JSON list, not an object a line"
    for mark, what in ((codecs.BOM_UTF16_LE, "UTF-16"), (codecs.BOM_UTF16_BE, "UTF-16")):
        if head.startswith(mark):
            return f"text in {what}"
    return "binary data" if b"\0" in head else ""


def _check_text(path: Path, name: str, compression: Compression | None) -> None:
    """Refuse what is not UTF-8 from beginning to end, naming the line."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    line = 1
    with closing(open_content(path, compression)) as file:
        while True:
            piece = file.read(_CHUNK)
            try:
                text = decoder.decode(piece, final=not piece)
            except UnicodeDecodeError as error:
                line += error.object[: error.start].count(b"\n")
                byte = f"the byte 0x{error.object[error.start]:02x}, which is no UTF-8"
                cure = "Save the file as UTF-8; programs for spreadsheets call it “CSV UTF-8”."
                raise _unreadable(f"{name}, line {line}", byte, "text in UTF-8", cure) from error
            if "\0" in text:
                raise _unreadable(f"{name}, line {line + text[: text.index(chr(0))].count(chr(10))}", "binary data", EXPECTED)
            line += text.count("\n")
            if not piece:
                return


def _a(what: str) -> str:
    return f"an {what}" if what[0] in "AEIOU" else f"a {what}"


def _unreadable(where: str, found: str, expected: str, cure: str = "") -> DatasetError:
    return DatasetError(f"{where.partition(',')[0]} cannot be read", [Problem(where, found, expected, cure)])
