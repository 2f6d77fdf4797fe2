"""What a series says of its past at each moment: values back, and sums over the last ones or over all."""

from __future__ import annotations

import numpy as np

from within_wf.config.features import HistoryConfig, Rolling
from within_wf.features.numeric import Floats


def history_features(values: Floats, config: HistoryConfig) -> Floats:
    """Features of each moment of one series, of that moment and those before it alone.

    Args:
        values: Channels at moments that follow each other, shape [moments, channels].
        config: Which features; without ``include_now`` rolling and expanding ones end with the moment before.

    Returns:
        Shape [moments, channels, features] in the order of :func:`history_names`; NaN where the series had not begun. A
        rolling feature whose moments reach back further than the series is of those there are.
    """
    columns = [_shifted(values, lag) for lag in config.lags]
    past = values if config.include_now else values[:-1]
    summed: list[Floats] = []
    for width in config.rolling:
        summed += [_rolling(past, width, function) for function in config.functions]
    if config.expanding:
        summed += [_expanding(past, function) for function in config.functions]
    if not config.include_now:
        nothing = np.full((min(1, len(values)), values.shape[1]), np.nan)
        summed = [np.concatenate([nothing, column]) for column in summed]
    columns += summed
    return np.stack(columns, axis=2) if columns else np.zeros((*values.shape, 0))


def history_names(config: HistoryConfig) -> list[str]:
    """The names of the features of one channel."""
    before = "" if config.include_now else " before"
    names = [f"{lag} back" for lag in config.lags]
    names += [f"{function} of {width}{before}" for width in config.rolling for function in config.functions]
    return names + [f"{function} so far{before}" for function in config.functions if config.expanding]


def _shifted(values: Floats, lag: int) -> Floats:
    """The values ``lag`` moments back; NaN before the first."""
    gap = np.full((min(lag, len(values)), values.shape[1]), np.nan)
    return np.concatenate([gap, values[: max(0, len(values) - lag)]])


def _rolling(values: Floats, width: int, function: Rolling) -> Floats:
    """One number of the last ``width`` values of each moment, added from the oldest to the latest."""
    if function in ("min", "max"):
        combine = np.minimum if function == "min" else np.maximum
        result = values.copy()
        for lag in range(1, min(width, len(values))):
            result[lag:] = combine(result[lag:], values[: len(values) - lag])
        return result
    count = np.minimum(np.arange(1, len(values) + 1), width)[:, None].astype(np.float64)
    lags = range(min(width, len(values)) - 1, -1, -1)
    total = np.zeros_like(values)
    for lag in lags:
        total[lag:] += values[: len(values) - lag]
    mean: Floats = total / count
    if function == "mean":
        return mean
    squares = np.zeros_like(values)
    for lag in lags:
        squares[lag:] += (values[: len(values) - lag] - mean[lag:]) ** 2
    std: Floats = np.sqrt(squares / count)
    return std


def _expanding(values: Floats, function: Rolling) -> Floats:
    """One number of all values up to each moment.

    Squares of deviations are added as they come (Welford, "Note on a method for calculating corrected sums of squares and
    products", Technometrics 4, 1962), so that nothing depends on later moments.
    """
    if function in ("min", "max"):
        extreme: Floats = (np.minimum if function == "min" else np.maximum).accumulate(values, axis=0)
        return extreme
    count = np.arange(1, len(values) + 1, dtype=np.float64)[:, None]
    mean: Floats = np.cumsum(values, axis=0) / count
    if function == "mean":
        return mean
    steps = np.zeros_like(values)
    steps[1:] = (values[1:] - mean[:-1]) ** 2 * (count[:-1] / count[1:])
    std: Floats = np.sqrt(np.cumsum(steps, axis=0) / count)
    return std
