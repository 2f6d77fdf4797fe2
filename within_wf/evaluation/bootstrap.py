"""How sure a number is: the percentile bootstrap of Efron and Tibshirani (An Introduction to the Bootstrap, 1993, ch. 13).

What is drawn with replacement is a *unit*: a row, all rows of a group (the cluster bootstrap), or a block of neighbouring
moments of one series (non-overlapping blocks: Carlstein, Annals of Statistics 14, 1986). Rows that resemble each other stay
together that way, or the interval would be too narrow. A resample is a count of each row, so it is one weighting more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch

from within_wf.ops.bootstrap import resample_weights

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Verdict = Literal["above", "level", "below"]
_CELLS = 1_500_000
"""Most numbers in one matrix of weightings: bounds the memory of many resamples of many rows."""


def row_units(rows: int) -> Ints:
    """Every row by itself; int64, shape [n]."""
    return np.arange(rows, dtype=np.int64)


def group_units(groups: npt.NDArray[np.generic]) -> Ints:
    """All rows of a group together; int64, shape [n], numbered in the order of their names."""
    numbers: Ints = np.unique(groups, return_inverse=True)[1].astype(np.int64)
    return numbers


def block_units(series: npt.NDArray[np.generic], block: int) -> Ints:
    """Blocks of neighbouring moments within each series.

    Args:
        series: The series of each row, shape [n]; the moments of a series stand in order of time.
        block: Moments in a block, at least 1; the last block of a series can be shorter.

    Returns:
        int64, shape [n].
    """
    number = group_units(series)
    order = np.argsort(number, kind="stable")
    sorted_numbers = number[order]
    starts = np.searchsorted(sorted_numbers, sorted_numbers, side="left")
    within = (np.arange(series.size) - starts) // block
    fresh = np.empty(series.size, dtype=np.int64)
    fresh[order] = np.cumsum(
        np.concatenate([[0], (sorted_numbers[1:] != sorted_numbers[:-1]) | (within[1:] != within[:-1])])[: series.size]
    )
    return fresh


def resamples(units: Ints, count: int, seed: int) -> Iterator[Floats]:
    """How often each resample holds each row, a few resamples at a time.

    Args:
        units: Unit of each row, 0 … u - 1, int64, shape [n].
        count: Number of resamples.
        seed: Which resamples.

    Yields:
        float64, shape [n, r]; the r of all pieces add up to ``count``. A resample depends on its number, on the seed and on
        the number of units, never on the pieces.
    """
    rows = torch.from_numpy(units)
    size = int(units.max()) + 1
    step = max(1, min(count, _CELLS // max(units.size, 1)))
    for first in range(0, count, step):
        yield resample_weights(rows, seed, range(first, min(first + step, count)), size=size).numpy().T


def interval(values: Floats, confidence: float) -> tuple[float, float] | None:
    """The percentile interval of resampled values.

    Args:
        values: One a resample, NaN where it is undefined; float64, shape [r].
        confidence: Share of resamples inside.

    Returns:
        Low and high; none where more than half of the resamples are undefined.
    """
    known = values[~np.isnan(values)]
    if known.size * 2 < values.size or known.size == 0:
        return None
    low, high = np.quantile(known, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def verdict(low: float, high: float, better: Literal["higher", "lower"]) -> Verdict:
    """Whether a model's difference to a baseline, as an interval, says better, worse, or neither."""
    if better == "lower":
        low, high = -high, -low
    if low > 0:
        return "above"
    return "below" if high < 0 else "level"


def overall(verdicts: Sequence[Verdict]) -> Verdict:
    """Below where it is below any baseline that can be compared, above where it is above each, level otherwise."""
    if "below" in verdicts:
        return "below"
    return "above" if verdicts and all(v == "above" for v in verdicts) else "level"
