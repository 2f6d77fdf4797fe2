"""Weighted sums over rows, for many weightings at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from within_wf.ops.sums import column_sums

Floats = npt.NDArray[np.float64]


def weighted_sum(weight: Floats, values: Floats | None = None) -> Floats:
    """Sums of ``values`` under each weighting, exact before they are rounded once.

    Args:
        weight: float64, shape [n, r].
        values: float64, shape [n]; ones where there are none.

    Returns:
        float64, shape [r].
    """
    products = weight if values is None else weight * values[:, None]
    return np.asarray(column_sums(np.ascontiguousarray(products)), dtype=np.float64)


def divide(numerator: Floats, denominator: Floats, empty: float = np.nan) -> Floats:
    """``numerator / denominator``, ``empty`` where the denominator is 0."""
    out = np.full(np.broadcast_shapes(numerator.shape, denominator.shape), empty)
    np.divide(numerator, denominator, out=out, where=np.broadcast_to(denominator != 0, out.shape))
    return out


def is_constant(values: Floats, weight: Floats) -> npt.NDArray[np.bool_]:
    """Whether the rows that count hold one value alone; bool, shape [r]."""
    counts = weight > 0
    low = np.where(counts, values[:, None], np.inf).min(axis=0, initial=np.inf)
    high = np.where(counts, values[:, None], -np.inf).max(axis=0, initial=-np.inf)
    return np.asarray(low >= high)
