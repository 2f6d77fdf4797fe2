"""What a file is, by its content and not by its name."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import Literal

from within_wf.errors import DatasetError, DatasetNotFoundError, Problem

FileKind = Literal["csv", "parquet"]
_EXPECTED = "CSV in UTF-8 or Parquet"
_PARQUET = b"PAR1"
_FOREIGN = (
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a zip archive (an Excel workbook is one)"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"ARROW1", "an Arrow file"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\x7fELF", "a program"),
    (b"\x80\x04", "a Python pickle"),
    (b"\x80\x05", "a Python pickle"),
)
_TEXTS = ((b"<!doctype", "an HTML page"), (b"<html", "an HTML page"), (b"<?xml", "an XML document"))
_CHUNK = 1 << 20


def file_kind(path: Path, name: str) -> FileKind:
    """Whether a file is CSV or Parquet.

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
        raise _unreadable(name, "a folder", _EXPECTED)
    try:
        with path.open("rb") as file:
            head = file.read(512)
            file.seek(max(0, path.stat().st_size - 4))
            tail = file.read(4)
    except OSError as error:
        raise _unreadable(name, str(error.strerror), "a file that can be read") from error
    if not head:
        raise _unreadable(name, "an empty file", _EXPECTED)
    if head.startswith(_PARQUET):
        if tail != _PARQUET or path.stat().st_size < 12:
            raise _unreadable(name, "a Parquet file that is cut short", "a whole one", "Copy or export it again.")
        return "parquet"
    foreign = _foreign(head)
    if foreign:
        raise _unreadable(name, foreign, _EXPECTED, "Export the table again.")
    _check_text(path, name)
    return "csv"


def _foreign(head: bytes) -> str:
    for mark, what in _FOREIGN:
        if head.startswith(mark):
            return what
    text = head.removeprefix(codecs.BOM_UTF8).lstrip()
    for mark, what in _TEXTS:
        if text[: len(mark)].lower() == mark:
            return what
    if text[:1] in (b"{", b"["):
        return "JSON"
    for mark, what in ((codecs.BOM_UTF16_LE, "UTF-16"), (codecs.BOM_UTF16_BE, "UTF-16")):
        if head.startswith(mark):
            return f"text in {what}"
    return "binary data" if b"\0" in head else ""


def _check_text(path: Path, name: str) -> None:
    """Refuse what is not UTF-8 from beginning to end, naming the line."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    line = 1
    with path.open("rb") as file:
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
                raise _unreadable(f"{name}, line {line + text[: text.index(chr(0))].count(chr(10))}", "binary data", _EXPECTED)
            line += text.count("\n")
            if not piece:
                return


def _unreadable(where: str, found: str, expected: str, cure: str = "") -> DatasetError:
    return DatasetError(f"{where.partition(',')[0]} cannot be read", [Problem(where, found, expected, cure)])
