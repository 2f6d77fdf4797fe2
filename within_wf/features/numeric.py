"""One column of numbers: spread evenly, filled, clipped and scaled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from within_wf.config.features import ColumnTreatment
from within_wf.ops.sums import column_means, column_stds

Floats = npt.NDArray[np.float64]
WIDE = 10.0
"""A column without negative numbers that spans more than this factor is taken as its logarithm."""


MAD_TO_STD = 1.4826
"""Median absolute deviations to a normal's standard deviation (Rousseeuw and Croux, 1993)."""
_LARGEST = float(np.finfo(np.float64).max)
LARGEST32 = float(np.finfo(np.float32).max)
"""Features are stored in 32 bits."""


@dataclass(frozen=True)
class NumericColumn:
    """How a column of numbers becomes a feature.

    Attributes:
        is_log: Whether ``log(1 + x)`` is taken first.
        fill: What stands for a missing number, after the logarithm.
        low: The lowest value that is kept; lower ones become it.
        high: The highest.
        centre: What is taken away.
        spread: What is divided by; never 0.
        has_gaps: Whether an indicator says where it is missing: where training rows miss it, if nothing else is asked for.
    """

    is_log: bool
    fill: float
    low: float
    high: float
    centre: float
    spread: float
    has_gaps: bool

    @classmethod
    def fit(cls, values: Floats, config: ColumnTreatment, *, log: bool | None = None) -> NumericColumn:
        """Learn from training rows.

        Args:
            values: The column; NaN where a number is missing; shape [n].
            config: What fills, clips and scales.
            log: Whether the logarithm is taken; by default as ``config`` says.
        """
        present = values[~np.isnan(values)]
        has_gaps = config.missing_indicator == "always" or present.size < values.size
        has_gaps = has_gaps and config.missing_indicator != "never"
        if present.size == 0:
            return cls(is_log=False, fill=0.0, low=0.0, high=0.0, centre=0.0, spread=1.0, has_gaps=has_gaps)
        is_log = _is_log(present, config) if log is None else log
        present = _log1p(present) if is_log else present
        low, high = _limits(present, config)
        clipped = np.clip(present, low, high)
        fill = _fill(clipped, config, is_log=is_log)
        filled = np.concatenate([clipped, np.full(values.size - present.size, fill)])
        centre, spread = _scale(filled, config)
        return cls(is_log, fill, low, high, centre, spread, has_gaps)

    def transform(self, values: Floats) -> Floats:
        """The feature of each value; NaN where a number is missing; shape [n]."""
        moved = _log1p(values) if self.is_log else values
        filled = np.where(np.isnan(moved), self.fill, np.clip(moved, self.low, self.high))
        with np.errstate(over="ignore"):
            scaled = (filled - self.centre) / self.spread
        # features are stored in 32 bits, where a spread near 0 would leave infinities
        return np.clip(scaled, -LARGEST32, LARGEST32)

    def to_json(self) -> dict[str, Any]:
        """JSON values that :meth:`from_json` reads; floats keep every bit."""
        return dict(vars(self))

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> NumericColumn:
        """Read what :meth:`to_json` wrote."""
        return cls(**value)


def numbers_of(column: pl.Series) -> Floats:
    """A column of numbers as float64, shape [n]; NaN where one is missing or infinite."""
    values = column.cast(pl.Float64).to_numpy()
    return np.where(np.isfinite(values), values, np.nan)


def takes_log(present: Floats) -> bool:
    """Whether numbers are never negative and nine in ten of them span more than a factor of ten."""
    low, high = np.quantile(present, [0.05, 0.95])
    return bool(present.min() >= 0 and high > WIDE * low)


def _is_log(present: Floats, config: ColumnTreatment) -> bool:
    return takes_log(present) if config.logarithm == "auto" else config.logarithm == "always"


def _log1p(values: Floats) -> Floats:
    return np.log1p(np.maximum(values, -1 + 1e-9))


def _limits(present: Floats, config: ColumnTreatment) -> tuple[float, float]:
    """The lowest and the highest value that are kept."""
    if config.outliers == "quantile":
        low, high = np.quantile(present, [config.outlier_quantile, 1 - config.outlier_quantile])
        return float(low), float(high)
    median = float(np.median(present))
    reach = config.outlier_z * MAD_TO_STD * float(np.median(np.abs(present - median)))
    if config.outliers == "none" or reach == 0:
        return -_LARGEST, _LARGEST
    return median - reach, median + reach


def _fill(clipped: Floats, config: ColumnTreatment, *, is_log: bool) -> float:
    if config.imputation == "constant":
        value = np.array([config.fill_value])
        return float((_log1p(value) if is_log else value)[0])
    return float(column_means(clipped[:, None])[0]) if config.imputation == "mean" else float(np.median(clipped))


def _scale(values: Floats, config: ColumnTreatment) -> tuple[float, float]:
    if config.scaling == "none":
        return 0.0, 1.0
    if config.scaling == "min_max":
        centre = float(values.min())
        spread = float(values.max()) - centre
    elif config.scaling == "robust":
        low, centre, high = (float(quantile) for quantile in np.quantile(values, [0.25, 0.5, 0.75]))
        spread = high - low
    else:
        centre, spread = float(column_means(values[:, None])[0]), float(column_stds(values[:, None])[0])
    return centre, spread if spread > 0 else 1.0
