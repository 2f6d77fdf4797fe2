"""Types for the columns of CSV that no contract names: only where the text of every value says it, and loses nothing by it."""

from __future__ import annotations

import polars as pl

from within_wf.data.readers.numerals import DecimalMark, parse_numbers

_WHOLE = r"^(0|-?[1-9]\d{0,17})$"
_NUMBER = r"^-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?$"
_EITHER = r"^-?[1-9]\d{0,2}(\.\d{3})*$"
_BEYOND = r"^-?\d{16,}$"
_DAY = r"^\d{4}-\d{2}-\d{2}$"
_MOMENT = r"^\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2}(\.\d{1,6})?$"


def type_of(cells: pl.Series, before: str | None = None, decimal: DecimalMark | None = None) -> pl.DataType:
    """The type of a column of text: whole numbers, numbers, flags, days or moments, where each value has the one form of it.

    Forms: ``17`` (without leading zeros or ``+``), ``-1.5e3``, ``true`` and ``false``, ``2024-01-31``,
    ``2024-01-31 10:00:00.5`` (a T may stand between). Anything else, ``007`` and ``NaN`` among them, leaves the column text.

    Args:
        cells: The text.
        before: The type the column had in the version it came from: where that was text, it stays text; where it was a number,
            whole numbers are numbers.
        decimal: The decimal mark, if somebody said it. If not, ``1.234`` beside ``970`` can be thousands, and stays text.
    """
    present = cells.drop_nulls()
    if before == "text" or not present.len():
        return pl.String()
    if decimal == "," and present.str.contains(",").any() and parse_numbers(present, ",").null_count() == 0:
        return pl.Float64()
    if decimal is None and _all(present, _EITHER) and present.str.contains(".", literal=True).any():
        return pl.String()
    if _all(present, _WHOLE):
        return pl.Float64() if before == "number" else pl.Int64()
    if _all(present, _NUMBER) and not present.str.contains(_BEYOND).any():
        return pl.Float64() if present.cast(pl.Float64).is_finite().all() else pl.String()
    if present.is_in(["true", "false"]).all():
        return pl.Boolean()
    for form, dtype in ((_DAY, pl.Date()), (_MOMENT, pl.Datetime("us"))):
        # The 30th of February has a form and no value.
        if _all(present, form) and as_type(present, dtype).null_count() == 0:
            return dtype
    return pl.String()


def as_type(cells: pl.Series, dtype: pl.DataType, decimal: DecimalMark | None = None) -> pl.Series:
    """A column of text in the type that :func:`type_of` found."""
    if dtype == pl.Float64 and decimal == ",":
        return parse_numbers(cells, ",")
    if dtype == pl.Boolean:
        return cells == "true"
    if dtype == pl.Date:
        return cells.str.to_date("%Y-%m-%d", strict=False)
    if dtype == pl.Datetime:
        return cells.str.replace("T", " ").str.to_datetime("%Y-%m-%d %H:%M:%S%.f", strict=False, time_unit="us")
    return cells.cast(dtype)


def _all(present: pl.Series, form: str) -> bool:
    return bool(present.str.contains(form).all())
