"""The views of an ad (text, image, table) as numbers on one scale."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from within_wf.ops.sums import column_sums

View = npt.NDArray[np.float32]
Views = Mapping[str, View]
"""``text``, ``image``, ``table`` to one vector an ad, float32, shape [n, width]; NaN where an ad lacks the view."""

_ROUNDING = 1e-6
"""What is left of the spread of equal rows, relative to their size."""


@dataclass(frozen=True)
class Centring:
    """Moves a view to mean 0 and scales it, as a whole, to a mean squared length of 1.

    One scale for all columns keeps the directions in which pretrained vectors differ much apart from those in which they
    hardly differ; a scale for each column would drown the first in the second.

    Attributes:
        mean: float64, shape [width].
        scale: The root of the mean squared length of the training rows; 0 where they are all alike.
    """

    mean: npt.NDArray[np.float64]
    scale: float

    @classmethod
    def fit(cls, view: View, weight: npt.NDArray[np.float64]) -> Centring:
        """Learn mean and scale from training rows that have the view.

        Args:
            view: Shape [n, width].
            weight: How much a row counts, shape [n].
        """
        known = ~np.isnan(view).any(axis=1) & (weight > 0)
        rows, weight = view[known].astype(np.float64), weight[known, None]
        if not len(rows):
            return cls(np.zeros(view.shape[1]), 0.0)
        total = column_sums(weight)[0]
        mean = column_sums(rows * weight) / total
        squares = column_sums((rows - mean) ** 2 * weight)
        scale = float(np.sqrt(column_sums(squares[:, None])[0] / total))
        return cls(mean, scale if scale > _ROUNDING * np.abs(mean).max(initial=0.0) else 0.0)

    def apply(self, view: View) -> View:
        """Centre and scale; 0, the training mean, where an ad lacks the view; float32, the shape of ``view``."""
        if self.scale == 0:
            return np.zeros(view.shape, np.float32)
        return np.nan_to_num((view.astype(np.float64) - self.mean) / self.scale, nan=0.0).astype(np.float32)
