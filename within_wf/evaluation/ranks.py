"""The sorted view of a column of scores, prepared once for many weightings."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


class Ranking:
    """A column sorted once, equal values standing together.

    Args:
        values: float64, shape [n].
        descending: Whether the highest comes first.

    Attributes:
        order: Row of each place, int64, shape [n].
        last: Place of the last row of each group of equal values, int64, shape [groups].
    """

    def __init__(self, values: Floats, descending: bool = False) -> None:
        self.order = np.argsort(-values if descending else values, kind="stable")
        ordered = values[self.order]
        changes = ordered[1:] != ordered[:-1]
        self.last = np.append(np.flatnonzero(changes), values.size - 1) if values.size else np.zeros(0, dtype=np.int64)
        self._group = np.concatenate([[0], np.cumsum(changes)])[: values.size].astype(np.int64)

    def cumulate(self, weight: Floats) -> Floats:
        """Weight of each group of equal values and all before it; float64, shape [groups, r]."""
        return np.asarray(np.cumsum(weight[self.order], axis=0)[self.last])

    def places(self) -> npt.NDArray[np.int64]:
        """Place of the first row equal to each row, counted from 0; int64, shape [n]."""
        first = np.concatenate([[0], self.last[:-1] + 1]).astype(np.int64)
        places = np.empty(self.order.size, dtype=np.int64)
        places[self.order] = first[self._group]
        return places
