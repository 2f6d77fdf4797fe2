"""Tables in the smallest types that hold their values."""

from __future__ import annotations

import logging
from typing import Any

import polars as pl

from within_wf.data.frames import as_frame

_WHOLE = (pl.Int8, pl.UInt8, pl.Int16, pl.UInt16, pl.Int32, pl.UInt32, pl.Int64, pl.UInt64)
_REPEATED = 0.5
"""Text becomes categories where the distinct values are fewer than this share of the rows."""
_log = logging.getLogger(__name__)


def optimize_memory_usage(dataset: Any) -> pl.DataFrame:
    """A table with the same values in less memory; the log says how much less.

    Whole numbers get the smallest type that holds all of them, one without a sign where that is smaller, floats become 32 bits
    wide where each value survives the way there and back, and text whose values repeat becomes categories. Nothing is rounded.
    Products and differences of small types can overflow, and differences without a sign below 0 do, so cast before computing.

    Args:
        dataset: A table of polars, pandas or pyarrow.

    Returns:
        A polars table; columns and rows keep their order.

    Raises:
        DatasetError: It is no table.
    """
    table = as_frame(dataset, "dataset")
    smaller = table.select(_smaller(column) for column in table.get_columns())
    before, after = table.estimated_size(), smaller.estimated_size()
    share = 1 - after / before if before else 0.0
    _log.info("%s bytes instead of %s: %.0f%% saved", f"{after:,}", f"{before:,}", 100 * share)
    return smaller


def _smaller(column: pl.Series) -> pl.Series:
    dtype = column.dtype
    if dtype in _WHOLE:
        return next(cast for kind in _WHOLE if (cast := column.cast(kind, strict=False)).null_count() == column.null_count())
    if dtype == pl.Float64:
        cast = column.cast(pl.Float32)
        return cast if cast.cast(pl.Float64).eq_missing(column).all() else column
    if dtype == pl.String and column.n_unique() < _REPEATED * column.len():
        categories = column.cast(pl.Categorical)
        return categories if categories.estimated_size() < column.estimated_size() else column
    return column
