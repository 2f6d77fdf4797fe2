"""Cells as values of the kind their column asks for.

An empty cell, ``NA``, ``null`` and what else ``MISSING`` lists are missing where a number or a date belongs. ``NaN`` and
infinities are read as such and judged by the contract.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from within_wf.data.findings import Findings
from within_wf.data.layout import EXPECTED, Kind
from within_wf.data.readers.moments import MomentForms, expected_moments, parse_moments, present_cells
from within_wf.data.readers.numerals import OTHER, DecimalMark, parse_numbers, with_units

_TYPES: dict[Kind, type[pl.DataType]] = {"text": pl.String, "whole": pl.Int64, "number": pl.Float64, "moment": pl.Int64}


def convert(
    cells: pl.Series,
    kind: Kind,
    rows: Sequence[int],
    findings: Findings,
    forms: MomentForms | None = None,
    decimal: DecimalMark = ".",
) -> pl.Series:
    """A column as values of its kind; what cannot be read is noted and becomes missing.

    Args:
        cells: The column as the file holds it.
        kind: What its values should be.
        rows: Their rows in the file.
        findings: Where to note what is wrong.
        forms: For moments written as text: the forms seen in the whole column.
        decimal: The decimal mark of numbers written as text.

    Returns:
        String, Int64, Float64, Date or Datetime in microseconds without a time zone.
    """
    cells = plain(cells)
    if cells.dtype == pl.String and kind != "text":
        present = present_cells(cells)
        if kind == "moment":
            values = parse_moments(present, forms)
        else:
            values, units = _parse_numbers(present, kind, decimal)
            findings.add_units(cells.name, units)
    else:
        present, values = cells, _cast(cells, kind)
    bad = (present.is_not_null() & values.is_null()).arg_true().to_list()
    if bad:
        expected, cure = EXPECTED[kind], ""
        if cells.dtype == pl.String and kind != "text":
            expected, cure = expected_moments(forms) if kind == "moment" else (expected, _other_mark(present[bad], decimal))
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


def _parse_numbers(present: pl.Series, kind: Kind, decimal: DecimalMark) -> tuple[pl.Series, set[str]]:
    if kind == "number":
        return with_units(present, decimal)
    whole = present.cast(pl.Int64, strict=False)
    if whole.null_count() == present.null_count():
        return whole, {""} if (whole != 0).any() else set()
    values, units = with_units(present, decimal)
    return whole.zip_with(whole.is_not_null(), _whole_floats(values)), units


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
    """Numbers without a fraction, as whole numbers; from 2**53 on a float does not know its last digits."""
    whole = values.is_finite() & (values == values.floor()) & (values.abs() < 2.0**53)
    return values.set(~whole, None).cast(pl.Int64, strict=False)


def _other_mark(bad: pl.Series, decimal: DecimalMark) -> str:
    """What to do where numbers are written with the other decimal mark."""
    other = OTHER[decimal]
    if not (parse_numbers(bad, decimal).is_null() & parse_numbers(bad, other).is_finite()).any():
        return ""
    mark = "comma" if other == "," else "point"
    return f"Numbers written with a decimal {mark} are read with dataset.source.decimal: '{other}'."
