"""Numbers of all rows and of groups of them, for many weightings at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from within_wf.ops.sums import column_sums, group_sums

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Groups:
    """The rows put into groups, each row into one.

    Attributes:
        names: Of the groups, in order.
        index: Number of each row's group, int64, shape [n].
    """

    names: list[str]
    index: Ints

    @classmethod
    def of(cls, values: npt.NDArray[np.str_]) -> Groups:
        """Rows of equal value together; values of shape [n]."""
        labels = values.tolist()
        names = sorted(set(labels))
        number = {name: place for place, name in enumerate(names)}
        return cls([str(name) for name in names], np.fromiter(map(number.__getitem__, labels), np.int64, len(labels)))

    def rows(self) -> list[int]:
        """How many rows each group has."""
        counts: list[int] = np.bincount(self.index, minlength=len(self.names)).tolist()
        return counts


def weighted_sum(weight: Floats, values: Floats | None = None, groups: Groups | None = None) -> Floats:
    """Sums of ``values`` under each weighting, exact before they are rounded once.

    Args:
        weight: float64, shape [n, r].
        values: float64, shape [n]; ones where there are none.
        groups: Whose sums are wanted too.

    Returns:
        float64, shape [r]; with groups [r, groups + 1], the last for all rows.
    """
    products = np.ascontiguousarray(weight if values is None else weight * values[:, None])
    of_all = np.asarray(column_sums(products), dtype=np.float64)
    if groups is None:
        return of_all
    return np.column_stack([group_sums(products, groups.index, len(groups.names)).T, of_all])


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
        options: Given to the operator.
    """

    def __init__(
        self,
        metric: Callable[..., dict[str, torch.Tensor]],
        first: Floats,
        second: Floats,
        descending: bool,
        **options: float,
    ) -> None:
        self._metric, self._options = metric, options
        self._order = np.argsort(-first if descending else first, kind="stable")
        self._columns = [torch.from_numpy(column[self._order]) for column in (first, second)]

    def under(self, weight: Floats, groups: Groups | None = None) -> dict[str, Floats]:
        """The operator's numbers under each weighting.

        Args:
            weight: float64, shape [n, r].
            groups: Which are measured in the same call.

        Returns:
            float64, each of shape [r], or [r, groups + 1], the last of which is all rows.
        """
        by: dict[str, Any] = dict(self._options)
        if groups is not None:
            by |= {"groups": torch.from_numpy(groups.index[self._order]), "num_groups": len(groups.names)}
        weightings = torch.from_numpy(np.ascontiguousarray(weight.T[:, self._order]))
        each = [self._metric(*self._columns, weights=weighting, **by) for weighting in weightings]
        return {name: torch.stack([found[name] for found in each]).numpy() for name in each[0]}
