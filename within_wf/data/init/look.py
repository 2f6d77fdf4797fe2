"""What the columns of a table look like, from its first rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from within_wf.data.findings import Findings
from within_wf.data.layout import Kind
from within_wf.data.readers.cells import FORMS, MomentForms, convert, plain
from within_wf.data.readers.open import open_raw
from within_wf.data.readers.table import refuse
from within_wf.errors import DatasetError

LOOKED_AT = 200_000
"""Rows that are looked at."""
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


def look_at(files: Mapping[str, Path]) -> tuple[pl.DataFrame, list[Column]]:
    """Look at the first rows of files that are one table.

    Args:
        files: What messages call a file, to its path.

    Returns:
        The rows, typed, and what each column looks like. Columns that cannot be used (nested types, no name, twice the same
        name) are left out.

    Raises:
        DatasetError: Files cannot be read; everything is named.
    """
    errors: dict[str, DatasetError] = {}
    frames = []
    left = LOOKED_AT
    for name, path in files.items():
        try:
            raw = open_raw(path, name)
            usable = [column for column in dict.fromkeys(raw.columns) if not raw.unusable([column])]
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
    looked = [_look(column) for column in table.get_columns()]
    typed = [_typed(table[column.name], column.kind) for column in looked]
    return pl.DataFrame(typed), looked


def _look(cells: pl.Series) -> Column:
    kind, doubt = _kind(plain(cells))
    values = _typed(cells, kind)
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


def _kind(cells: pl.Series) -> tuple[Kind, str]:
    """The narrowest kind that all values have, and what is doubtful about it."""
    if cells.dtype != pl.String:
        if cells.dtype == pl.Boolean or cells.dtype.is_integer():
            return "whole", ""
        return ("moment", "") if cells.dtype.is_temporal() else ("number", "")
    if not (cells.str.strip_chars() != "").any():
        return "text", ""
    forms = MomentForms()
    forms.look_at(cells)
    if _fits(cells, "whole", forms):
        return "whole", ""
    if _fits(cells, "number", forms):
        return "number", ""
    common = [form for form in forms.common() if form != "a whole number"]
    if len(common) > 1 and forms.fits[common[0]] == forms.given:
        return "text", f"dates that fit {' and '.join(common)}: write them as YYYY-MM-DD"
    return ("moment", "") if common and _fits(cells, "moment", forms) else ("text", _nearly(forms))


def _nearly(forms: MomentForms) -> str:
    form = max(FORMS, key=lambda name: forms.fits[name])
    share = forms.fits[form] / forms.given if forms.given else 0.0
    what = "whole numbers" if form == "a whole number" else f"dates as {form}"
    return f"{share:.0%} of its values are {what}, the others are not" if 0.5 < share < 1 else ""


def _fits(cells: pl.Series, kind: Kind, forms: MomentForms) -> bool:
    findings = Findings("")
    convert(cells, kind, range(1, cells.len() + 1), findings, forms)
    return not findings.problems()


def _typed(cells: pl.Series, kind: Kind) -> pl.Series:
    forms = MomentForms()
    if kind == "moment" and cells.dtype == pl.String:
        forms.look_at(cells)
    return convert(cells, kind, range(1, cells.len() + 1), Findings(""), forms)
