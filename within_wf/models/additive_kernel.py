"""Gaussian-process regression with one linear and one radial kernel for each view of an ad.

The score is a sum of what each view says: a linear function of it, and a smooth one that remembers similar training ads.
(Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006, ch. 2; Duvenaud et al., Additive Gaussian Processes,
NeurIPS 2011.) How much each part may say is chosen on validation rows, by search along one coordinate at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.linalg import solve

from within_wf.ops.sums import column_sums, group_sums
from within_wf.runtime.streams import Stream

Floats = npt.NDArray[np.float64]
Points = Mapping[str, Floats]
"""View to one centred vector a row, float64, shape [n, width]."""

MOST_ROWS = 6144
"""Different training rows that are remembered at most."""
_SEARCH_ROWS = 1024
_ROWS_AT_ONCE = 4096
_ROUNDS = 3
_FACTORS = (1 / 8, 1 / 3, 3.0, 8.0, 0.0)
_GAIN = 1e-4


@dataclass(frozen=True)
class Amplitudes:
    """How much one view may say, in units of the noise.

    Attributes:
        linear: Variance of the linear part, at least 0.
        radial: Variance of the radial part, at least 0.
        rate: How fast similarity fades with the squared distance, above 0.
    """

    linear: float = 3.0
    radial: float = 1.0
    rate: float = 0.5

    def similarity(self, products: Floats, distances: Floats) -> Floats:
        """The kernel of inner products and squared distances; the shape of both."""
        kernel: Floats = self.linear * products
        if self.radial:
            kernel += self.radial * np.exp(-self.rate * distances)
        return kernel


@dataclass(frozen=True)
class AdditiveKernel:
    """What is known of the training rows.

    Attributes:
        points: View to the training rows that are remembered, float64, shape [m, width].
        weights: What each adds to the rows like it, float64, shape [m].
        amplitudes: View to how much it says.
    """

    points: dict[str, Floats]
    weights: Floats
    amplitudes: dict[str, Amplitudes]

    def predict(self, points: Points) -> Floats:
        """The score of each row, float64, shape [n]."""
        return sum(self.predict_parts(points).values(), start=np.zeros(len(next(iter(points.values())))))

    def predict_parts(self, points: Points) -> dict[str, Floats]:
        """What each view adds to the score of each row; view to float64, shape [n]."""
        return {view: self._part(view, rows) for view, rows in points.items()}

    def _part(self, view: str, rows: Floats) -> Floats:
        parts = [
            self.amplitudes[view].similarity(*_compare(rows[start : start + _ROWS_AT_ONCE], self.points[view])) @ self.weights
            for start in range(0, len(rows), _ROWS_AT_ONCE)
        ]
        return np.concatenate(parts) if parts else np.zeros(0)


@dataclass(frozen=True)
class Rows:
    """Rows to learn from or to choose by.

    Attributes:
        points: View to centred vectors.
        target: Centred near 0 and scaled near 1, float64, shape [n].
        weight: How much a row counts, float64, shape [n], at least 0.
    """

    points: Points
    target: Floats
    weight: Floats

    def __len__(self) -> int:
        return len(self.target)

    def take(self, index: npt.NDArray[np.int64]) -> Rows:
        """Some of the rows."""
        return Rows({view: rows[index] for view, rows in self.points.items()}, self.target[index], self.weight[index])


def fit_additive_kernel(train: Rows, validation: Rows, seed: int) -> AdditiveKernel:
    """Choose the amplitudes on the validation rows and fit the training rows.

    Training rows that are equal count as one with their mean target, which changes nothing but the cost. Above
    ``MOST_ROWS`` of them, as many are drawn.

    Args:
        train: Rows to learn from; weights are relative to their mean.
        validation: Rows to choose by.
        seed: Seed of the draws.
    """
    known = _distinct(train)
    few = known.take(_draw(len(known), _SEARCH_ROWS, seed, "rows to search with"))
    judges = validation.take(_draw(len(validation), _SEARCH_ROWS, seed, "rows to search by"))
    amplitudes = _search(few, judges)
    kept = known.take(_draw(len(known), MOST_ROWS, seed, "rows to remember"))
    kernel = np.zeros((len(kept), len(kept)))
    for view, points in kept.points.items():
        kernel += amplitudes[view].similarity(*_compare(points, points))
    return AdditiveKernel(dict(kept.points), _solve(kernel, kept), amplitudes)


def _search(train: Rows, judges: Rows) -> dict[str, Amplitudes]:
    """One coordinate at a time: the amplitude with the least error on the judging rows."""
    inner = {view: _compare(points, points) for view, points in train.points.items()}
    outer = {view: _compare(judges.points[view], points) for view, points in train.points.items()}
    best = {view: Amplitudes() for view in train.points}
    inside = {view: best[view].similarity(*inner[view]) for view in best}
    outside = {view: best[view].similarity(*outer[view]) for view in best}

    def error(within: dict[str, Floats], across: dict[str, Floats]) -> float:
        weights = _solve(sum(within.values(), start=np.zeros((len(train), len(train)))), train)
        miss = sum(across.values(), start=np.zeros((len(judges), len(train)))) @ weights - judges.target
        return float(column_sums((miss**2 * judges.weight)[:, None])[0])

    lowest = error(inside, outside)
    for _ in range(_ROUNDS):
        before = lowest
        for view in best:
            for changed in _neighbours(best, view):
                within = {**inside, view: changed.similarity(*inner[view])}
                across = {**outside, view: changed.similarity(*outer[view])}
                found = error(within, across)
                if found < lowest:
                    lowest, best, inside, outside = found, {**best, view: changed}, within, across
        if lowest > before * (1 - _GAIN):
            break
    return best


def _neighbours(now: dict[str, Amplitudes], view: str) -> list[Amplitudes]:
    """Amplitudes that differ in one number from those a view has now; a part that is off can come back."""
    mine = now[view]
    options = [Amplitudes(mine.linear * factor, mine.radial, mine.rate) for factor in _FACTORS if mine.linear]
    options += [Amplitudes(mine.linear, mine.radial * factor, mine.rate) for factor in _FACTORS if mine.radial]
    options += [Amplitudes(mine.linear, mine.radial, mine.rate * factor) for factor in _FACTORS if factor and mine.radial]
    options += [] if mine.linear else [Amplitudes(1.0, mine.radial, mine.rate)]
    options += [] if mine.radial else [Amplitudes(mine.linear, 1.0, rate) for rate in (0.2, 1.0, 4.0)]
    return options


def _compare(rows: Floats, others: Floats) -> tuple[Floats, Floats]:
    """Inner products and squared distances, each of shape [rows, others]."""
    products: Floats = rows @ others.T
    lengths, other_lengths = (rows * rows).sum(axis=1), (others * others).sum(axis=1)
    distances = lengths[:, None] + other_lengths - 2 * products
    return products, np.maximum(distances, 0.0)


def _solve(kernel: Floats, rows: Rows) -> Floats:
    """The weights of the rows; ``kernel``, shape [m, m], is overwritten."""
    kernel[np.diag_indices(len(rows))] += 1 / rows.weight
    weights: Floats = solve(kernel, rows.target, assume_a="pos", overwrite_a=True, check_finite=False)
    return weights


def _distinct(rows: Rows) -> Rows:
    """Rows with weight, equal ones joined; weights are scaled to a mean of 1 a row first."""
    rows = rows.take(np.flatnonzero(rows.weight > 0))
    weight = rows.weight * (len(rows) / column_sums(rows.weight[:, None])[0])
    together = np.ascontiguousarray(np.concatenate(list(rows.points.values()), axis=1)) + 0.0
    whole = together.view(np.dtype((np.void, together.dtype.itemsize * together.shape[1])))[:, 0]
    _, first, group = np.unique(whole, return_index=True, return_inverse=True)
    # Numbered in the order of their first row, so that nothing hangs on how bytes are sorted.
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    sums = group_sums(np.stack([weight, weight * rows.target], axis=1), rank[group], len(first))
    kept = rows.take(np.sort(first))
    return Rows(kept.points, sums[:, 1] / sums[:, 0], sums[:, 0])


def _draw(count: int, most: int, seed: int, purpose: str) -> npt.NDArray[np.int64]:
    return np.sort(Stream(seed, purpose).permutation(count)[:most])
