"""Dates and times in text, of the forms that exports have. All moments of a column have one form."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from within_wf.data.layout import EXPECTED

MISSING = ("", "NA", "N/A", "n/a", "null", "NULL", "None", "-", "--", "—", "?")
"""What stands in the cell of a number or a moment that is missing."""
_DAY, _MONTH = r"[0-9]{1,2}", r"[A-Z][a-z]{2,8}\.?"
_OFFSET = r"( ?(Z|UTC|[+-][0-9]{2}(:?[0-9]{2})?))?"
_CLOCK = r"([ T]|, ?)[0-9]{1,2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?"
_DATES: dict[str, tuple[str, str]] = {
    "YYYY-MM-DD": (rf"[0-9]{{4}}-{_DAY}-{_DAY}", "%Y-%m-%d"),
    "YYYY/MM/DD": (rf"[0-9]{{4}}/{_DAY}/{_DAY}", "%Y/%m/%d"),
    "DD.MM.YYYY": (rf"{_DAY}\.{_DAY}\.[0-9]{{4}}", "%d.%m.%Y"),
    "DD-MM-YYYY": (rf"{_DAY}-{_DAY}-[0-9]{{4}}", "%d-%m-%Y"),
    "MM-DD-YYYY": (rf"{_DAY}-{_DAY}-[0-9]{{4}}", "%m-%d-%Y"),
    "DD/MM/YYYY": (rf"{_DAY}/{_DAY}/[0-9]{{4}}", "%d/%m/%Y"),
    "MM/DD/YYYY": (rf"{_DAY}/{_DAY}/[0-9]{{4}}", "%m/%d/%Y"),
    "Month DD, YYYY": (rf"{_MONTH} {_DAY}, ?[0-9]{{4}}", "%b %d, %Y"),
    "DD Month YYYY": (rf"{_DAY}[ -]{_MONTH}[ -][0-9]{{4}}", "%d %b %Y"),
}
FORMS: dict[str, tuple[str, str]] = {
    "a whole number": (r"^[+-]?[0-9]+$", ""),
    **{form: (rf"^{pattern}$", how) for form, (pattern, how) in _DATES.items()},
    **{f"{form} hh:mm:ss": (rf"^{pattern}{_CLOCK}{_OFFSET}$", f"{how} %H:%M:%S%.f") for form, (pattern, how) in _DATES.items()},
    **{
        f"{form} hh:mm:ss AM": (rf"^{pattern}{_CLOCK} ?[AaPp][Mm]{_OFFSET}$", f"{how} %I:%M:%S%.f %p")
        for form, (pattern, how) in _DATES.items()
    },
}
"""Every form of a moment: the pattern it has, and how it is parsed."""
_PARTS = r"^(?<day>.*?)(?:[ T]|, ?)(?<clock>[0-9]{1,2}:[0-9:.]*[0-9]) ?(?<half>[AaPp][Mm])? ?(?<offset>Z|UTC|[+-][0-9:]+)?$"


@dataclass
class MomentForms:
    """Which form the moments of a column have; filled in a first reading.

    Attributes:
        given: Values that are not missing.
        day_first: Whether ``03/04/2024`` is the third of April; none where nobody said.
        fits: Form to the values that have it.
    """

    given: int = 0
    day_first: bool | None = None
    fits: dict[str, int] = field(default_factory=lambda: dict.fromkeys(FORMS, 0))

    def look_at(self, cells: pl.Series) -> None:
        """Count the forms of more cells."""
        values, counts = present_cells(cells).drop_nulls().value_counts(name="").get_columns()
        self.given += int(counts.sum())
        for form in FORMS:
            self.fits[form] += int(counts.filter(_moments(values, form).is_not_null()).sum())

    def common(self) -> list[str]:
        """The forms that most values have; several only where each can be read several ways."""
        most = max(self.fits.values())
        common = [form for form, count in self.fits.items() if count == most] if most else []
        if len(common) > 1 and self.day_first is not None:
            return [form for form in common if form.startswith("DD" if self.day_first else "MM")]
        return common


def parse_moments(present: pl.Series, forms: MomentForms | None) -> pl.Series:
    """Texts as Date, Datetime in microseconds (UTC) or Int64, by the form that most of the column has; others become null."""
    common = forms.common() if forms is not None else []
    if forms is None or len(common) != 1:
        return pl.Series(present.name, [None] * present.len(), pl.Date)
    return _moments(present, common[0])


def _moments(present: pl.Series, form: str) -> pl.Series:
    pattern, how = FORMS[form]
    fitting = present.set(~present.str.contains(pattern), None)
    if not how:
        return fitting.cast(pl.Int64, strict=False)
    if "%b" in how:
        fitting = fitting.str.replace(r"([A-Z][a-z]{2})[a-z]*\.?", "${1}").str.replace_all(r"(^[0-9]+|[a-z])-", "${1} ")
        fitting = fitting.str.replace(r",([0-9]{4})", ", ${1}")
    if "%S" not in how:
        return fitting.str.to_date(how, strict=False)
    return _times(fitting, how)


def _times(cells: pl.Series, how: str) -> pl.Series:
    """Times in UTC, in which those without an offset are taken to be."""
    parts = cells.str.extract_groups(_PARTS)
    day, clock, half, offset = (parts.struct.field(name) for name in ("day", "clock", "half", "offset"))
    seconds = clock.str.replace(r"^([0-9]{1,2}:[0-9]{2})$", "${1}:00")
    if "%p" in how:
        seconds = seconds + " " + half.str.to_uppercase()
    moments = (day + " " + seconds).alias(cells.name).str.to_datetime(how, strict=False, time_unit="us")
    if not offset.str.contains(r"[0-9]").fill_null(value=False).any():
        return moments
    figures = offset.str.extract_groups(r"^(?<sign>[+-])(?<hours>[0-9]{2}):?(?<minutes>[0-9]{2})?$")
    hours, minutes = (figures.struct.field(name).cast(pl.Int64).fill_null(0) for name in ("hours", "minutes"))
    sign = 1 - 2 * (figures.struct.field("sign") == "-").fill_null(value=False).cast(pl.Int64)
    return moments - (sign * (60 * hours + minutes) * 60_000_000).cast(pl.Duration("us"))


def expected_moments(forms: MomentForms | None) -> tuple[str, str]:
    """What a message says should have stood there, and what to do."""
    common = forms.common() if forms is not None else []
    if forms is None or not common:
        return EXPECTED["moment"], ""
    if len(common) > 1:
        return "dates that can be read one way", f"They fit {' and '.join(common)}: say which by dataset.source.day_first."
    return f"{common[0]}, as {forms.fits[common[0]]:,} of {forms.given:,} values", "Write all dates of a column in one form."


def present_cells(cells: pl.Series) -> pl.Series:
    """Cells without blanks at their ends; null where they say that there is nothing."""
    stripped = cells.str.strip_chars()
    return stripped.set(stripped.is_in(MISSING), None)
