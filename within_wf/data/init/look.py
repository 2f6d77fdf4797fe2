"""What the columns of a table look like, from its first rows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from within_wf.data.findings import Findings
from within_wf.data.layout import Kind
from within_wf.data.readers.cells import convert, plain
from within_wf.data.readers.csv_file import lines_to_skip
from within_wf.data.readers.kinds import USUAL, TextFormat
from within_wf.data.readers.moments import FORMS, MomentForms, present_cells
from within_wf.data.readers.numerals import DecimalMark, parse_numbers
from within_wf.data.readers.open import open_raw
from within_wf.data.readers.table import refuse
from within_wf.errors import DatasetError

LOOKED_AT = 200_000
"""Rows that are looked at."""
_TOTAL = re.compile(r"\s*(grand )?(totals?|summe|gesamt)\b", re.IGNORECASE)
_PROSE_WORDS = 3.0
"""Words from which on a text on average is prose and no category."""


@dataclass(frozen=True)
class Column:
    """What a column looks like.

    Attributes:
        name: Its name in the files.
        kind: What its values are.
        rows: Rows that were looked at.
        missing: How many of them have no value.
        distinct: How many values there are.
        words: Of text, how many words a value has on average.
        least: The least value, as text.
        most: The largest value, as text.
        example: The first value, as text.
        doubt: What is not clear of it.
    """

    name: str
    kind: Kind
    rows: int
    missing: int
    distinct: int
    words: float = 0.0
    least: str = ""
    most: str = ""
    example: str = ""
    doubt: str = ""

    @property
    def names_rows(self) -> bool:
        """Whether every row has a value of its own."""
        return self.missing == 0 and self.distinct == self.rows

    @property
    def is_prose(self) -> bool:
        """Whether it is text of several words."""
        return self.kind == "text" and self.words >= _PROSE_WORDS

    @property
    def is_flag(self) -> bool:
        """Whether it is 0 or 1."""
        return self.kind == "whole" and self.distinct <= 2 and self.least in ("0", "1") and self.most in ("0", "1")


@dataclass(frozen=True)
class Looked:
    """What the first rows of a table look like.

    Attributes:
        table: The rows, typed.
        columns: What each column looks like.
        text: How the files are written that are text.
        unusable: Columns of which nothing can be made, to why.
        doubts: What is not clear of the whole table.
    """

    table: pl.DataFrame
    columns: list[Column]
    text: TextFormat = USUAL
    unusable: Mapping[str, str] = field(default_factory=dict)
    doubts: Mapping[str, str] = field(default_factory=dict)


def look_at(files: Mapping[str, Path]) -> Looked:
    """Look at the first rows of files that are one table.

    Args:
        files: What messages call a file, to its path.

    Raises:
        DatasetError: Files cannot be read; everything is named.
    """
    errors: dict[str, DatasetError] = {}
    frames = []
    unusable: dict[str, str] = {}
    header: dict[str, None] = {}
    skip_lines = 0
    left = LOOKED_AT
    for name, path in files.items():
        try:
            skip_lines = skip_lines or lines_to_skip(path, name)
            raw = open_raw(path, name, TextFormat(skip_lines=skip_lines))
            wrong = {column: problems[0] for column in raw.columns if (problems := raw.unusable([column]))}
            unusable |= {column: f"{problem.found}, not {problem.expected}" for column, problem in wrong.items()}
            header |= dict.fromkeys(raw.columns)
            usable = [column for column in dict.fromkeys(raw.columns) if column not in unusable]
            findings = Findings(name)
            for _, batch in raw.batches(usable, findings):
                frames.append(batch.head(left))
                left -= batch.height
                if left <= 0:
                    break
            if findings.problems():
                raise DatasetError(f"{name} has rows that cannot be read", findings.problems())
        except DatasetError as error:
            errors[name] = error
        if left <= 0:
            break
    refuse(files, errors)
    table = pl.concat(frames, how="diagonal_relaxed")
    decimal, doubts = _decimal_of(table)
    values = [column for column in header if _is_value(column)]
    if values:
        named = ", ".join(repr(column) for column in values[:3])
        doubts["header"] = f"the first line looks like a row ({named}): give the table a line of names"
    if total := _total(table):
        doubts["total"] = total
    looked = [_look(column, decimal) for column in table.get_columns()]
    typed = [_typed(table[column.name], column.kind, decimal) for column in looked]
    return Looked(pl.DataFrame(typed), looked, TextFormat(decimal, skip_lines), unusable, doubts)


def _total(table: pl.DataFrame) -> str:
    """A doubt where the first row or the last says that it is the sum of the others."""
    for where, row in (("first", table.head(1)), ("last", table.tail(1))):
        cells = [str(cell) for cell in (row.row(0) if row.height else ()) if isinstance(cell, str)]
        said = next(filter(_TOTAL.match, cells), None)
        if said is not None:
            return f"the {where} row looks like a total ({said.strip()!r}): leave it out of the file"
    return ""


def _is_value(name: str) -> bool:
    """Whether a column's name is a number or a moment."""
    cell = pl.Series([name.strip()])
    is_number = parse_numbers(cell).is_finite().fill_null(value=False).all()
    return is_number or any(cell.str.contains(pattern).all() for pattern, _ in FORMS.values())


def _decimal_of(table: pl.DataFrame) -> tuple[DecimalMark, dict[str, str]]:
    """The decimal mark by the columns that are numbers with one of the two alone, and what is not clear of it."""
    cells = [present_cells(plain(column)) for column in table.get_columns() if plain(column).dtype == pl.String]
    only: dict[DecimalMark, list[str]] = {".": [], ",": []}
    either: list[str] = []
    for column in cells:
        point, comma = (parse_numbers(column, mark) for mark in (".", ","))
        fits = {mark: read.null_count() == column.null_count() < column.len() for mark, read in ((".", point), (",", comma))}
        if fits["."] and fits[","] and (point != comma).any():
            either.append(column.name)
        elif fits["."] != fits[","]:
            only["." if fits["."] else ","].append(column.name)
    decimal: DecimalMark = "," if only[","] and not only["."] else "."
    doubts = {}
    if only["."] and only[","]:
        doubts["decimal"] = f"{only['.'][0]} has decimal points, {only[','][0]} has decimal commas: it can be one alone"
    elif either and not only[decimal]:
        doubts["decimal"] = f"{' and '.join(either[:2])} can be read both ways: '.' or ','"
    elif only[","]:
        doubts["decimal"] = f"{only[','][0]} has decimal commas"
    return decimal, doubts


def _look(cells: pl.Series, decimal: DecimalMark) -> Column:
    kind, doubt = _kind(plain(cells), decimal)
    values = _typed(cells, kind, decimal)
    present = values.drop_nulls()
    words = present.str.count_matches(r"\S+").mean() if kind == "text" and present.len() else 0.0
    least, most = (present.min(), present.max()) if present.len() else (None, None)
    example = present[0] if present.len() else None
    return Column(
        cells.name,
        kind,
        values.len(),
        values.null_count(),
        present.n_unique(),
        float(words) if isinstance(words, int | float) else 0.0,
        _said(least),
        _said(most),
        _said(example),
        doubt if present.len() else "it has no value in the rows that were looked at",
    )


def _said(value: object) -> str:
    return "" if value is None else str(value)


def _kind(cells: pl.Series, decimal: DecimalMark) -> tuple[Kind, str]:
    """The narrowest kind that all values have, and what is doubtful about it."""
    if cells.dtype != pl.String:
        if cells.dtype == pl.Boolean or cells.dtype.is_integer():
            return "whole", ""
        return ("moment", "") if cells.dtype.is_temporal() else ("number", "")
    if not (cells.str.strip_chars() != "").any():
        return "text", ""
    forms = MomentForms()
    forms.look_at(cells)
    if _fits(cells, "whole", forms, decimal):
        return "whole", _like_dates(cells)
    if _fits(cells, "number", forms, decimal):
        return "number", ""
    common = [form for form in forms.common() if form != "a whole number"]
    if len(common) > 1 and forms.fits[common[0]] == forms.given:
        return "text", f"dates that fit {' and '.join(common)}: say which by source.day_first"
    return ("moment", "") if common and _fits(cells, "moment", forms, decimal) else ("text", _nearly(cells, forms, decimal))


def _like_dates(cells: pl.Series) -> str:
    """A doubt where all whole numbers of a column that is named like a time are days, or seconds since 1970."""
    if not re.search(r"date|day|time|created|updated|start|end|launched|(^|_)(at|ts|dt)$", cells.name, re.IGNORECASE):
        return ""
    values = present_cells(cells).drop_nulls()
    numbers = values.cast(pl.Float64, strict=False)
    if values.str.to_date("%Y%m%d", strict=False).is_not_null().all() and (numbers > 19e6).all():
        return "dates as YYYYMMDD, which count as whole numbers: write them as YYYY-MM-DD"
    if any((numbers > 1e9 * unit).all() and (numbers < 3e9 * unit).all() for unit in (1, 1e3, 1e6)):
        return "dates as seconds since 1970, which count as whole numbers: write them as YYYY-MM-DD hh:mm:ss"
    return ""


def _nearly(cells: pl.Series, forms: MomentForms, decimal: DecimalMark) -> str:
    form = max(FORMS, key=lambda name: forms.fits[name])
    share = forms.fits[form] / forms.given if forms.given else 0.0
    what = "whole numbers" if form == "a whole number" else f"dates as {form}"
    if not 0.5 < share < 1:
        present = present_cells(cells).drop_nulls()
        share, what = parse_numbers(present, decimal).count() / max(present.len(), 1), "numbers"
    if share == 1.0:
        return "its numbers have several units: currencies, or per cent beside others"
    return f"{share:.0%} of its values are {what}, the others are not" if share > 0.5 else ""


def _fits(cells: pl.Series, kind: Kind, forms: MomentForms, decimal: DecimalMark) -> bool:
    findings = Findings("")
    convert(cells, kind, range(1, cells.len() + 1), findings, forms, decimal)
    return not findings.problems()


def _typed(cells: pl.Series, kind: Kind, decimal: DecimalMark) -> pl.Series:
    forms = MomentForms()
    if kind == "moment" and cells.dtype == pl.String:
        forms.look_at(cells)
    return convert(cells, kind, range(1, cells.len() + 1), Findings(""), forms, decimal)
