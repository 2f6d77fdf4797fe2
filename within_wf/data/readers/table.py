"""One table out of files that have the same columns, whole or in pieces; whatever is wrong with any of them is said at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import polars as pl

from within_wf.data.findings import Findings
from within_wf.data.layout import Kind, missing_columns
from within_wf.data.readers.cells import convert, plain
from within_wf.data.readers.kinds import USUAL, TextFormat
from within_wf.data.readers.moments import MomentForms
from within_wf.data.readers.numerals import DecimalMark
from within_wf.data.readers.open import open_raw
from within_wf.data.readers.raw import RawFile, no_rows, readable
from within_wf.errors import DatasetError, DatasetNotFoundError, Problem


def read_table(
    files: Mapping[str, Path],
    kinds: Mapping[str, Kind],
    required: Iterable[str] | None = None,
    *,
    others: bool = False,
    fixed: bool = False,
    text: TextFormat = USUAL,
    say: Callable[[str], object] | None = None,
) -> pl.DataFrame:
    """Read CSV and Parquet files, one below the other.

    Args:
        files: What messages call a file, to its path.
        kinds: The columns that are read, to the kind of their values.
        required: Those that must be there; all of them where it is not said. The others may be missing, though not from one
            file alone.
        others: Read the files' other columns too, as they are; in CSV, as text.
        fixed: The columns' names are a format's own, so that no configuration can name others.
        text: How the files are written that are text.
        say: Takes a line that names the columns that are left out.

    Returns:
        The columns of ``kinds`` that are there, in that order, then the others: String, Int64, Float64, Date or Datetime in
        microseconds. A missing value is null.

    Raises:
        DatasetNotFoundError: Files are missing, and nothing else is wrong.
        DatasetError: Files cannot be read, columns are missing, or cells are not of their kind; everything is named.
    """
    found = table_pieces(files, kinds, required, others=others, fixed=fixed, text=text, say=say)
    return pl.concat(found, how="vertical").rechunk()


def table_pieces(
    files: Mapping[str, Path],
    kinds: Mapping[str, Kind],
    required: Iterable[str] | None = None,
    *,
    others: bool = False,
    fixed: bool = False,
    text: TextFormat = USUAL,
    say: Callable[[str], object] | None = None,
) -> Iterator[pl.DataFrame]:
    """What :func:`read_table` reads, batch by batch, at least one; what is wrong with any file is said at the end.

    Raises:
        DatasetNotFoundError: As :func:`read_table`; when all files have been read.
        DatasetError: Likewise.
    """
    errors: dict[str, DatasetError] = {}
    opened = _open(files, text, errors)
    columns = _columns(opened, kinds, set(kinds if required is None else required), errors, others=others, fixed=fixed)
    left_out = sorted({column for raw in opened for column in raw.columns}.difference(columns))
    if say is not None and left_out:
        say(f"{', '.join(files)}: left out the columns {', '.join(left_out)}, which the dataset gives no meaning")
    forms = _moment_forms(opened, columns, kinds, text.day_first)
    first: tuple[str, pl.Schema] | None = None
    unlike: dict[str, Problem] = {}
    together = Findings(", ".join(files))
    for raw in opened:
        try:
            for frame in _frames(raw, columns, kinds, forms, text.decimal, together):
                first = first or (raw.name, frame.schema)
                unlike |= {problem.where: problem for problem in _unlike(raw.name, frame.schema, *first)}
                if not errors and not unlike:
                    yield frame
        except DatasetError as error:
            errors[raw.name] = error
    refuse(files, errors)
    if mixed := [*unlike.values(), *together.mixed_units()]:
        raise DatasetError(f"{', '.join(files)} are not one table", mixed)


def refuse(files: Iterable[str], errors: Mapping[str, DatasetError]) -> None:
    """Raise the errors of files as one, if there are any, in the files' order.

    Raises:
        DatasetNotFoundError: All of them say that a file is missing.
        DatasetError: Otherwise.
    """
    if errors:
        found = [errors[name] for name in files if name in errors]
        kind = DatasetNotFoundError if all(isinstance(error, DatasetNotFoundError) for error in found) else DatasetError
        problems = [problem for error in found for problem in error.problems]
        raise kind(f"{', '.join(files)} cannot be read", problems) from found[0]


def _open(files: Mapping[str, Path], text: TextFormat, errors: dict[str, DatasetError]) -> list[RawFile]:
    opened = []
    for name, path in files.items():
        try:
            opened.append(open_raw(path, name, text))
        except DatasetError as error:
            errors[name] = error
    return opened


def _columns(
    opened: list[RawFile],
    kinds: Mapping[str, Kind],
    required: set[str],
    errors: dict[str, DatasetError],
    *,
    others: bool,
    fixed: bool,
) -> list[str]:
    """The columns to read; the files that lack any of them are no longer among ``opened``."""
    found = dict.fromkeys(column for raw in opened for column in raw.columns)
    wanted = [column for column in kinds if column in found or column in required]
    if others:
        wanted += [column for column in found if column not in kinds]
    for raw in list(opened):
        problems = missing_columns(raw.name, wanted, list(raw.columns), fixed=fixed)
        problems += raw.unusable(column for column in wanted if column in raw.columns)
        if problems:
            errors[raw.name] = DatasetError(f"the columns of {raw.name} are not those it should have", problems)
            opened.remove(raw)
    return wanted


def _moment_forms(
    opened: list[RawFile], columns: list[str], kinds: Mapping[str, Kind], day_first: bool | None
) -> dict[str, MomentForms]:
    """The forms of the moments in all files together, by column; a damaged file is told of when it is read again."""
    moments = [column for column in columns if kinds.get(column) == "moment"]
    forms = {column: MomentForms(day_first=day_first) for column in moments}
    for raw in opened:
        with suppress(DatasetError):
            for _, batch in raw.batches(moments, Findings(raw.name)) if moments else ():
                for column in moments:
                    if batch[column].dtype == pl.String:
                        forms[column].look_at(batch[column])
    return forms


def _frames(
    raw: RawFile,
    columns: list[str],
    kinds: Mapping[str, Kind],
    forms: Mapping[str, MomentForms],
    decimal: DecimalMark,
    together: Findings,
) -> Iterator[pl.DataFrame]:
    """The batches of a file; the units of its columns are noted among those of all files."""
    findings = Findings(raw.name)
    is_empty = True
    try:
        for rows, batch in raw.batches(columns, findings):
            with readable(raw.name):
                typed = [
                    convert(batch[column], kinds[column], rows, findings, forms.get(column), decimal)
                    if column in kinds
                    else plain(batch[column])
                    for column in columns
                ]
                frame = pl.DataFrame(typed)
            if frame.height:
                is_empty = False
                yield frame
    except DatasetError as error:
        raise DatasetError(error.message, [*findings.problems(), *error.problems]) from error
    if findings.problems():
        raise DatasetError(f"{raw.name} has values that cannot be read", findings.problems())
    if is_empty:
        raise no_rows(raw.name)
    for column, units in findings.units.items():
        together.add_units(column, units)


def _unlike(name: str, schema: pl.Schema, first: str, model: pl.Schema) -> Iterator[Problem]:
    """The columns of a file that have other types than those of the first: a day here, a time there."""
    for column, dtype in model.items():
        if schema[column] != dtype:
            yield Problem(f"{name}, column {column}", _said(schema[column]), f"{_said(dtype)}, as {first} has")


def _said(dtype: pl.DataType) -> str:
    return {pl.Date: "days", pl.Datetime: "times", pl.Int64: "whole numbers"}.get(dtype.base_type(), str(dtype))
