"""What a column of a version says in numbers: the same for any order of rows and any number of threads."""

from __future__ import annotations

import math
from datetime import date, datetime
from typing import Any

import polars as pl

from within_wf.data.units import column_of
from within_wf.data.versions.canonical import type_name
from within_wf.ops.sums import column_means, column_stds

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
TOP = 10
"""How many of the most frequent values are named."""
LONGEST = 200
"""Characters of a text that are shown."""


def table_statistics(table: pl.DataFrame | pl.LazyFrame) -> dict[str, dict[str, Any]]:
    """The statistics of each column, of a file read one after the other; see :func:`column_statistics`."""
    return {name: column_statistics(column_of(table, name)) for name in table.lazy().collect_schema()}


def column_statistics(column: pl.Series) -> dict[str, Any]:
    """Statistics of a canonical column, as JSON values.

    Args:
        column: Its values.

    Returns:
        ``count`` (values that are not missing), ``nulls``, ``distinct``, ``top`` (the values that occur more than once, the
        most frequent first, at most 10, with their counts), ``min`` and ``max``; of numbers and flags also ``mean``, ``std``
        (about the mean, divided by the count) and ``quantiles``, and ``not_finite`` where there are NaN or infinities, which
        none of these see. Moments have quantiles too. Sums are exact before they are rounded once; a quantile is a value of
        the column (``inverted_cdf``: Hyndman and Fan, 1996, definition 1). Texts are ordered by code point and cut after 200
        characters.
    """
    present = column.drop_nulls()
    said: dict[str, Any] = {
        "type": type_name(column.dtype),
        "count": present.len(),
        "nulls": column.null_count(),
        "distinct": present.n_unique(),
        "top": _top(present),
    }
    is_number = present.dtype.is_numeric() or present.dtype == pl.Boolean
    if present.dtype == pl.Float64:
        finite = present.filter(present.is_finite())
        if finite.len() != present.len():
            said["not_finite"] = present.len() - finite.len()
        present = finite
    if not present.len():
        return said
    said |= {"min": value_of(present.min()), "max": value_of(present.max())}
    if is_number:
        numbers = present.cast(pl.Float64).to_numpy()[:, None]
        said |= {"mean": _finite(column_means(numbers)[0]), "std": _finite(column_stds(numbers)[0])}
    if present.dtype != pl.String:
        said["quantiles"] = _quantiles(present)
    return said


def value_of(value: object) -> Any:
    """A value as JSON has it; what JSON cannot say is text."""
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, str) and len(value) > LONGEST:
        return value[: LONGEST - 1] + "…"
    return value


def _finite(value: float) -> float | None:
    """A number, or none where a sum of numbers is beyond the largest."""
    return float(value) if math.isfinite(value) else None


def _quantiles(present: pl.Series) -> dict[str, Any]:
    ordered, count = present.sort(), present.len()
    return {str(share): value_of(ordered[max(0, math.ceil(share * count) - 1)]) for share in QUANTILES}


def _top(present: pl.Series) -> list[list[Any]]:
    if not present.len():
        return []
    counts = present.alias("value").value_counts(name="rows").filter(pl.col("rows") > 1)
    first = counts.sort("rows", "value", descending=[True, False]).head(TOP)
    return [[value_of(value), rows] for value, rows in first.iter_rows()]
