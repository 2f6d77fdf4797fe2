"""Cells as values of the kind their column asks for.

Numbers are written with a point; an empty cell, ``NA``, ``N/A``, ``null`` and ``NULL`` are missing where a number or a date
belongs. ``NaN`` and infinities are read as such and judged by the contract. All dates of a column have one form.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from within_wf.data.findings import Findings
from within_wf.data.layout import EXPECTED, Kind

_TYPES: dict[Kind, type[pl.DataType]] = {"text": pl.String, "whole": pl.Int64, "number": pl.Float64, "moment": pl.Int64}
_MISSING = ("", "NA", "N/A", "null", "NULL")
_DAY, _TIME = r"\d{1,2}", r"[ T]\d{1,2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|\+00:00)?"
FORMS: dict[str, tuple[str, str]] = {
    "a whole number": (r"^[+-]?\d+$", ""),
    "YYYY-MM-DD": (rf"^\d{{4}}-{_DAY}-{_DAY}$", "%Y-%m-%d"),
    "YYYY/MM/DD": (rf"^\d{{4}}/{_DAY}/{_DAY}$", "%Y/%m/%d"),
    "DD.MM.YYYY": (rf"^{_DAY}\.{_DAY}\.\d{{4}}$", "%d.%m.%Y"),
    "DD-MM-YYYY": (rf"^{_DAY}-{_DAY}-\d{{4}}$", "%d-%m-%Y"),
    "MM-DD-YYYY": (rf"^{_DAY}-{_DAY}-\d{{4}}$", "%m-%d-%Y"),
    "DD/MM/YYYY": (rf"^{_DAY}/{_DAY}/\d{{4}}$", "%d/%m/%Y"),
    "MM/DD/YYYY": (rf"^{_DAY}/{_DAY}/\d{{4}}$", "%m/%d/%Y"),
    "YYYY-MM-DD hh:mm:ss": (rf"^\d{{4}}-{_DAY}-{_DAY}{_TIME}$", "%Y-%m-%d %H:%M:%S%.f"),
}
"""Every form of a moment: the pattern it has, and how it is parsed."""


@dataclass
class MomentForms:
    """Which form the moments of a column have; filled in a first reading.

    Attributes:
        given: Values that are not missing.
        fits: Form to the values that have it.
    """

    given: int = 0
    fits: dict[str, int] = field(default_factory=lambda: dict.fromkeys(FORMS, 0))

    def look_at(self, cells: pl.Series) -> None:
        """Count the forms of more cells."""
        values, counts = _present(cells).drop_nulls().value_counts(name="").get_columns()
        self.given += int(counts.sum())
        for form in FORMS:
            self.fits[form] += int(counts.filter(_moments(values, form).is_not_null()).sum())

    def common(self) -> list[str]:
        """The forms that most values have; several only where each can be read several ways."""
        most = max(self.fits.values())
        return [form for form, count in self.fits.items() if count == most] if most else []


def convert(
    cells: pl.Series, kind: Kind, rows: Sequence[int], findings: Findings, forms: MomentForms | None = None
) -> pl.Series:
    """A column as values of its kind; what cannot be read is noted and becomes missing.

    Args:
        cells: The column as the file holds it.
        kind: What its values should be.
        rows: Their rows in the file.
        findings: Where to note what is wrong.
        forms: For moments written as text: the forms seen in the whole column.

    Returns:
        String, Int64, Float64, Date or Datetime in microseconds without a time zone.
    """
    cells = plain(cells)
    if cells.dtype == pl.String and kind != "text":
        present = _present(cells)
        values = _parse(present, kind, forms)
        expected, cure = _expected(kind, forms)
    else:
        present, values = cells, _cast(cells, kind)
        expected, cure = EXPECTED[kind], ""
    bad = (present.is_not_null() & values.is_null()).arg_true().to_list()
    findings.add_cells(cells.name, expected, (rows[i] for i in bad), (present[i] for i in bad), cure)
    return values


def plain(cells: pl.Series) -> pl.Series:
    """A column without categories, decimals, small numbers and time zones."""
    dtype = cells.dtype
    if isinstance(dtype, pl.Categorical | pl.Enum):
        return cells.cast(pl.String)
    if dtype.is_decimal() or dtype.is_float():
        return cells.cast(pl.Float64)
    if dtype.is_integer():
        return cells.cast(pl.Int64, strict=False) if dtype != pl.UInt64 else cells
    if isinstance(dtype, pl.Datetime):
        zoned = cells.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if dtype.time_zone else cells
        return zoned.cast(pl.Datetime("us"))
    return cells.cast(pl.String) if dtype == pl.Null else cells


def _present(cells: pl.Series) -> pl.Series:
    stripped = cells.str.strip_chars()
    return stripped.set(stripped.is_in(_MISSING), None)


def _parse(present: pl.Series, kind: Kind, forms: MomentForms | None) -> pl.Series:
    if kind == "number":
        return present.cast(pl.Float64, strict=False)
    if kind == "whole":
        whole = present.cast(pl.Int64, strict=False)
        return whole.zip_with(whole.is_not_null(), _whole_floats(present.cast(pl.Float64, strict=False)))
    common = forms.common() if forms is not None else []
    if forms is None or len(common) != 1:
        return pl.Series(present.name, [None] * present.len(), pl.Date)
    return _moments(present, common[0])


def _moments(present: pl.Series, form: str) -> pl.Series:
    pattern, how = FORMS[form]
    fitting = present.set(~present.str.contains(pattern), None)
    if not how:
        return fitting.cast(pl.Int64, strict=False)
    if "%H" not in how:
        return fitting.str.to_date(how, strict=False)
    text = fitting.str.replace("T", " ").str.replace(r"(Z|\+00:00)$", "")
    seconds = text.str.replace(r"( \d{1,2}:\d{2})$", "${1}:00")
    return seconds.str.to_datetime(how, strict=False, time_unit="us")


def _cast(cells: pl.Series, kind: Kind) -> pl.Series:
    dtype = cells.dtype
    if kind == "moment" and (dtype == pl.Date or isinstance(dtype, pl.Datetime)):
        return cells
    if kind == "whole" and dtype.is_float():
        return _whole_floats(cells)
    others = {"text": (pl.String, pl.Boolean), "number": (pl.Float64, pl.Boolean), "whole": (pl.Boolean,), "moment": ()}
    fits = dtype.is_integer() or dtype in others[kind]
    return cells.cast(_TYPES[kind], strict=False) if fits else pl.Series(cells.name, [None] * cells.len(), _TYPES[kind])


def _whole_floats(values: pl.Series) -> pl.Series:
    """Numbers without a fraction, as whole numbers; beyond 2**53 a float does not know its last digits."""
    whole = values.is_finite() & (values == values.floor()) & (values.abs() <= 2.0**53)
    return values.set(~whole, None).cast(pl.Int64, strict=False)


def _expected(kind: Kind, forms: MomentForms | None) -> tuple[str, str]:
    if kind != "moment" or forms is None:
        return EXPECTED[kind], ""
    common = forms.common()
    if not common:
        return EXPECTED[kind], ""
    if len(common) > 1:
        return "dates that can be read one way", f"They fit {' and '.join(common)}: write them as YYYY-MM-DD."
    return f"{common[0]}, as {forms.fits[common[0]]:,} of {forms.given:,} values", "Write all dates of a column in one form."
