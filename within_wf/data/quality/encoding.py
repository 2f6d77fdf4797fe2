"""A table as numbers for the models that look for faults: imputed, with indicators, categories one-hot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]
MAX_CATEGORIES = 20
"""The most frequent values of a column that get an indicator each."""


@dataclass(frozen=True)
class Encoded:
    """A table as a matrix.

    Attributes:
        matrix: No missing value, float64, shape [n, d].
        content: What each row says, one text a row; equal rows have equal texts.
    """

    matrix: Floats
    content: list[str]


def encode(table: pl.DataFrame, columns: Sequence[str] | None = None) -> Encoded:
    """Encode columns: numbers and truth values as they are with the median where missing, moments as days, texts one-hot.

    A column of texts that are nearly all different says nothing here and is left out.

    Args:
        table: Any table, at least one row.
        columns: Those to encode; all by default.
    """
    chosen = sorted(table.columns if columns is None else columns)
    parts = [part for name in chosen for part in _parts(table[name])]
    matrix = np.stack(parts, axis=1) if parts else np.zeros((table.height, 1))
    return Encoded(matrix, contents(table.select(chosen)))


def contents(table: pl.DataFrame) -> list[str]:
    """What each row says, columns by name; equal rows give equal texts."""
    names = sorted(name for name in table.columns if not isinstance(table.schema[name], pl.List | pl.Struct | pl.Array))
    if not names:
        return [""] * table.height
    text = [pl.col(name).cast(pl.String).fill_null("\x00") for name in names if table.schema[name] != pl.Binary]
    return (
        table.select(pl.concat_str(text, separator="\x1f").alias("content"))["content"].to_list()
        if text
        else [""] * table.height
    )


def numeric_columns(table: pl.DataFrame) -> list[str]:
    """The names of columns of numbers, in their order."""
    return [name for name, dtype in table.schema.items() if dtype.is_numeric()]


def numbers(column: pl.Series) -> Floats:
    """A column of numbers, truth values or moments as float64; NaN where nothing finite stands."""
    if column.dtype.is_temporal():
        column = column.to_physical()
    values = column.cast(pl.Float64, strict=False).fill_null(float("nan")).to_numpy().astype(np.float64)
    values[~np.isfinite(values)] = np.nan
    return values


def _parts(column: pl.Series) -> list[Floats]:
    dtype = column.dtype
    if dtype.is_numeric() or dtype.is_temporal() or dtype == pl.Boolean:
        return _filled(numbers(column))
    if dtype == pl.String or isinstance(dtype, pl.Categorical | pl.Enum):
        return _indicators(column.cast(pl.String))
    return []


def _filled(values: Floats) -> list[Floats]:
    missing = np.isnan(values)
    if missing.all():
        return []
    filled = np.where(missing, np.median(values[~missing]), values)
    return [filled, missing.astype(np.float64)] if missing.any() else [filled]


def _indicators(column: pl.Series) -> list[Floats]:
    counts = column.drop_nulls().value_counts().sort(["count", column.name], descending=[True, False])
    if counts.height > max(MAX_CATEGORIES, 0.5 * len(column)):
        return []
    frequent = counts[column.name].head(MAX_CATEGORIES).to_list()
    return [(column == value).fill_null(value=False).to_numpy().astype(np.float64) for value in frequent]
