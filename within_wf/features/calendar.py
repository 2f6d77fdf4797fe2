"""What a time says of the day, the week and the year, as points on a circle."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt
import polars as pl
import torch

from within_wf.config.features import CalendarPart
from within_wf.errors import DatasetError, Problem
from within_wf.features.numeric import Floats
from within_wf.ops.exact.elementwise import cos, sin


def calendar_features(times: pl.Series, parts: Sequence[CalendarPart]) -> Floats:
    """Sine and cosine of each part, so that December is beside January.

    Args:
        times: Dates, times, or texts of ISO 8601.
        parts: ``hour`` of the day, ``weekday`` from Monday, ``month``, ``day_of_year`` of 366.

    Returns:
        Shape [n, 2 parts]; both are 0 where the time is missing.

    Raises:
        DatasetError: The column holds no times.
    """
    moments = as_times(times)
    columns: list[Floats] = []
    for part in parts:
        step, steps = _place(moments, part)
        known = ~np.isnan(step)
        place = np.where(known, step, 0).astype(np.int64)
        columns += [np.where(known, function[place], 0.0) for function in _circle(steps)]
    return np.stack(columns, axis=1) if columns else np.zeros((len(times), 0))


def calendar_names(name: str, parts: Sequence[CalendarPart]) -> list[str]:
    """The names of what :func:`calendar_features` makes of the column ``name``."""
    return [f"{name}: {part.replace('_', ' ')} {function}" for part in parts for function in ("sine", "cosine")]


def as_times(column: pl.Series) -> pl.Series:
    """A column of dates, times or texts of ISO 8601, as times without a zone; what a zone's clock shows.

    Raises:
        DatasetError: It holds something else; of texts the first that is none is named.
    """
    dtype = column.dtype
    if isinstance(dtype, pl.Datetime):
        return column.dt.replace_time_zone(None) if dtype.time_zone else column
    if dtype in (pl.Date, pl.Null):
        return column.cast(pl.Datetime("us"))
    if dtype == pl.String:
        texts = column.str.replace("T", " ", literal=True)
        whole = {10: texts + " 00:00:00", 16: texts + ":00"}
        lengths = texts.str.len_bytes()
        for length, completed in whole.items():
            texts = completed.zip_with(lengths == length, texts)
        times = texts.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=False)
        wrong = column.filter(times.is_null() & column.is_not_null())
        if not wrong.len():
            return times
        found = repr(wrong[0])
    else:
        found = f"{dtype} values"
    raise DatasetError("a column holds no times", [Problem(f"column {column.name}", found, "dates or times, as in 2024-05-31")])


def days_of(column: pl.Series) -> npt.NDArray[np.float64]:
    """The number of each row's day, shape [n]; NaN where it is missing. Whole numbers count days themselves.

    Raises:
        DatasetError: The column holds neither times nor whole numbers.
    """
    days = column if column.dtype.is_integer() else as_times(column).dt.date().cast(pl.Int32)
    return days.cast(pl.Float64).to_numpy()


def _place(moments: pl.Series, part: CalendarPart) -> tuple[Floats, int]:
    """How far each moment is around the circle, in steps; and the steps of a turn."""
    when = moments.dt
    if part == "hour":
        step, steps = when.hour(), 24
    elif part == "weekday":
        step, steps = when.weekday() - 1, 7
    elif part == "month":
        step, steps = when.month() - 1, 12
    else:
        step, steps = when.ordinal_day() - 1, 366
    return step.cast(pl.Float64).to_numpy(), steps


@cache
def _circle(steps: int) -> tuple[Floats, Floats]:
    """Sine and cosine of each step of a turn, the same bits on every processor."""
    angles = torch.from_numpy(2 * np.pi * np.arange(steps) / steps)
    return sin(angles).numpy(), cos(angles).numpy()
