"""Weighted sums over rows, for many weightings at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch

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


class Columns:
    """Columns of a metrics operator, sorted once by the first of them, so that no weighting has to.

    Args:
        metric: ``within_wf.ops.binary_metrics`` or ``regression_metrics``.
        first: float64, shape [n].
        second: float64, shape [n].
        descending: Whether the operator sorts downwards.
    """

    def __init__(self, metric: Callable[..., dict[str, torch.Tensor]], first: Floats, second: Floats, descending: bool) -> None:
        self._metric = metric
        self._order = np.argsort(-first if descending else first, kind="stable")
        self._columns = [torch.from_numpy(column[self._order]) for column in (first, second)]

    def under(self, weight: Floats) -> dict[str, Floats]:
        """The operator's numbers under each weighting, float64, shape [n, r]; each float64, shape [r, …]."""
        weightings = torch.from_numpy(np.ascontiguousarray(weight.T[:, self._order]))
        each = [self._metric(*self._columns, weights=weighting) for weighting in weightings]
        return {name: torch.stack([found[name] for found in each]).numpy() for name in each[0]}
