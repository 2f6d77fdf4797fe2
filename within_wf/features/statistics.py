"""What a window says in a few numbers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
STATISTICS = ("last", "mean", "std", "min", "max", "trend", "z", "recent", "lowest recent")
_SPREADLESS = 1e-3
"""The least spread a z-score divides by, in units of the channel's scale."""
_CAP = 10.0


def window_statistics(x: Floats) -> Floats:
    """Statistics of windows of one channel.

    The trend is the slope of the least-squares line; z is the last value's distance from the median of those before it in
    units of 1.4826 median absolute deviations (Rousseeuw and Croux, 1993), at most 10; recent is the mean of the last quarter
    less that of the rest, and the lowest recent its minimum less the median.

    Args:
        x: Shape [n, length].

    Returns:
        Shape [n, 9], in the order of ``STATISTICS``.
    """
    length = x.shape[1]
    quarter = max(1, length // 4)
    mean = _ordered_sum(x) / length
    centred = x - mean[:, None]
    std = np.sqrt(_ordered_sum(centred * centred) / length)
    steps = np.arange(length) - (length - 1) / 2
    trend = _ordered_sum(centred * steps) / float(np.sum(steps * steps))
    before = x[:, :-1] if length > 1 else x
    median = np.median(before, axis=1)
    spread = 1.4826 * np.median(np.abs(before - median[:, None]), axis=1)
    z = np.clip((x[:, -1] - median) / np.maximum(spread, _SPREADLESS), -_CAP, _CAP)
    late, early = x[:, -quarter:], x[:, :-quarter] if quarter < length else x
    recent = _ordered_sum(late) / quarter - _ordered_sum(early) / early.shape[1]
    columns = [x[:, -1], mean, std, x.min(axis=1), x.max(axis=1), trend, z, recent, late.min(axis=1) - median]
    return np.stack(columns, axis=1)


def _ordered_sum(x: Floats) -> Floats:
    """The sum of each row, one column after the other: the same bits on every processor."""
    total = x[:, 0].copy()
    for column in range(1, x.shape[1]):
        total += x[:, column]
    return total
