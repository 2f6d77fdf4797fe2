"""The order of time in a table, and gaps in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from within_wf.config.duration import nanoseconds
from within_wf.errors import DatasetError, Problem

_UNITS = {"ms": 10**6, "us": 10**3, "ns": 1}


@dataclass(frozen=True)
class Moments:
    """The distinct moments of a table, in order.

    Attributes:
        name: The column they stand in.
        values: Each moment, as the column's physical type; shape [moments].
        of_row: The number of each row's moment, int64, shape [rows].
        unit: Nanoseconds that one of ``values`` stands for; 0 where they are no dates.
    """

    name: str
    values: npt.NDArray[Any]
    of_row: npt.NDArray[np.int64]
    unit: int

    @property
    def rows(self) -> npt.NDArray[np.int64]:
        """How many rows each moment has, int64, shape [moments]."""
        return np.bincount(self.of_row, minlength=self.values.size).astype(np.int64)

    def before_gap(self, moment: int, embargo: int | str | None) -> int:
        """The moments that an embargo leaves before one: those with a number below this.

        Args:
            moment: The number of the moment that ends the gap.
            embargo: Moments in the gap; or how far apart, at the least, what is on both sides of it shall be; none for no gap.

        Raises:
            DatasetError: A length of time is asked for, and the moments are no dates.
        """
        if not embargo:
            return moment
        if isinstance(embargo, int):
            return max(0, moment - embargo)
        if not self.unit:
            found = f"{embargo!r}, but column {self.name} holds no dates"
            raise DatasetError("the rows cannot be kept apart so", [Problem("embargo", found, "a number of moments")])
        apart = -(-nanoseconds(embargo) // self.unit)
        last = int(self.values[moment]) - apart
        return min(moment, int(np.searchsorted(self.values, last, side="right")))


def moments_of(column: pl.Series) -> Moments:
    """The moments of a column without gaps.

    Raises:
        DatasetError: Its values have no order in time.
    """
    dtype = column.dtype
    if not (dtype.is_temporal() or dtype.is_numeric() or dtype == pl.String):
        problem = Problem(f"column {column.name}", f"{dtype} values", "dates, times, numbers or text in the order of time")
        raise DatasetError("the rows have no order in time", [problem])
    unit = 86_400 * 10**9 if dtype == pl.Date else _UNITS[dtype.time_unit] if isinstance(dtype, pl.Datetime) else 0
    values, of_row = np.unique(column.to_physical().to_numpy(), return_inverse=True)
    return Moments(column.name, values, of_row.astype(np.int64), unit)
