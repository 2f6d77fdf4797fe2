"""Types for the columns of CSV that no contract names: only where the text of every value says it, and loses nothing by it."""

from __future__ import annotations

import polars as pl

_WHOLE = r"^(0|-?[1-9]\d{0,17})$"
_NUMBER = r"^-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?$"
_BEYOND = r"^-?\d{16,}$"
_DAY = r"^\d{4}-\d{2}-\d{2}$"
_MOMENT = r"^\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2}(\.\d{1,6})?$"


def typed(cells: pl.Series, before: str | None = None) -> pl.Series:
    """A column of text as whole numbers, numbers, flags, days or moments, where each value has the one form of that type.

    Forms: ``17`` (without leading zeros or ``+``), ``-1.5e3``, ``true`` and ``false``, ``2024-01-31``,
    ``2024-01-31 10:00:00.5`` (a T may stand between). Anything else, ``007`` and ``NaN`` among them, leaves the column text.

    Args:
        cells: The text.
        before: The type the column had in the version it came from: where that was text, it stays text; where it was a number,
            whole numbers are numbers.
    """
    if before == "text":
        return cells
    values = _inferred(cells, cells.drop_nulls())
    return values.cast(pl.Float64) if before == "number" and values.dtype == pl.Int64 else values


def _inferred(cells: pl.Series, present: pl.Series) -> pl.Series:
    if not present.len():
        return cells
    if _all(present, _WHOLE):
        return cells.cast(pl.Int64)
    if _all(present, _NUMBER) and not present.str.contains(_BEYOND).any():
        numbers = cells.cast(pl.Float64)
        return numbers if numbers.drop_nulls().is_finite().all() else cells
    if present.is_in(["true", "false"]).all():
        return cells == "true"
    if _all(present, _DAY):
        return _if_all(cells, cells.str.to_date("%Y-%m-%d", strict=False))
    if _all(present, _MOMENT):
        text = cells.str.replace("T", " ")
        return _if_all(cells, text.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", strict=False, time_unit="us"))
    return cells


def _all(present: pl.Series, form: str) -> bool:
    return bool(present.str.contains(form).all())


def _if_all(cells: pl.Series, values: pl.Series) -> pl.Series:
    """The values, if every cell that is not missing has one: the 30th of February has none."""
    return values if values.null_count() == cells.null_count() else cells
