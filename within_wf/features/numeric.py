"""One column of numbers: spread evenly, filled, clipped and scaled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from within_wf.config.data import FeatureConfig
from within_wf.ops.sums import column_means, column_stds

Floats = npt.NDArray[np.float64]
WIDE = 10.0
"""A column without negative numbers that spans more than this factor is taken as its logarithm."""


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
        has_gaps: Whether training rows miss it; an indicator then says where.
    """

    is_log: bool
    fill: float
    low: float
    high: float
    centre: float
    spread: float
    has_gaps: bool

    @classmethod
    def fit(cls, values: Floats, config: FeatureConfig, *, log: bool | None = None) -> NumericColumn:
        """Learn from training rows.

        Args:
            values: The column; NaN where a number is missing; shape [n].
            config: What fills, clips and scales.
            log: Whether the logarithm is taken; by default where :func:`takes_log` says so.
        """
        present = values[~np.isnan(values)]
        if present.size == 0:
            return cls(is_log=False, fill=0.0, low=0.0, high=0.0, centre=0.0, spread=1.0, has_gaps=bool(values.size))
        is_log = takes_log(present) if log is None else log
        present = np.log1p(present) if is_log else present
        low, high = np.quantile(present, [config.outlier_quantile, 1 - config.outlier_quantile])
        clipped = np.clip(present, low, high)
        mean = float(column_means(clipped[:, None])[0])
        median = float(np.median(clipped))
        fill = mean if config.imputation == "mean" else median
        filled = np.concatenate([clipped, np.full(values.size - present.size, fill)])
        centre, spread = _scale(filled, config)
        return cls(is_log, fill, float(low), float(high), centre, spread, has_gaps=present.size < values.size)

    def transform(self, values: Floats) -> Floats:
        """The feature of each value; NaN where a number is missing; shape [n]."""
        moved = np.log1p(np.maximum(values, -1 + 1e-9)) if self.is_log else values
        filled = np.where(np.isnan(moved), self.fill, np.clip(moved, self.low, self.high))
        return (filled - self.centre) / self.spread

    def to_json(self) -> dict[str, Any]:
        """JSON values that :meth:`from_json` reads; floats keep every bit."""
        return dict(vars(self))

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> NumericColumn:
        """Read what :meth:`to_json` wrote."""
        return cls(**value)


def takes_log(present: Floats) -> bool:
    """Whether numbers are never negative and nine in ten of them span more than a factor of ten."""
    low, high = np.quantile(present, [0.05, 0.95])
    return bool(present.min() >= 0 and high > WIDE * low)


def _scale(values: Floats, config: FeatureConfig) -> tuple[float, float]:
    if config.scaling == "none":
        return 0.0, 1.0
    if config.scaling == "robust":
        low, centre, high = (float(quantile) for quantile in np.quantile(values, [0.25, 0.5, 0.75]))
        spread = high - low
    else:
        centre, spread = float(column_means(values[:, None])[0]), float(column_stds(values[:, None])[0])
    return centre, spread if spread > 0 else 1.0
