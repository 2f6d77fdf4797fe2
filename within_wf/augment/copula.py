"""Synthetic rows whose columns are distributed, and go together, as those of real rows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from within_wf.errors import DatasetError, Problem
from within_wf.ops.sums import column_sums
from within_wf.runtime.streams import Stream

Floats = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
_SHRINKAGES = (0.0, 1e-9, 1e-6, 1e-4, 1e-3, 1e-2, 0.1, 0.5, 1.0)


class GaussianCopula:
    """A Gaussian copula with the marginal distributions that were seen (Liu, Lafferty and Wasserman, JMLR 10, 2009).

    Each column becomes normal by its ranks, a value that occurs often by their middle; what goes together is the correlation of
    these normal scores, each of two columns in the rows that have both. A synthetic row is drawn from that normal distribution
    and led back column by column: between the values that were seen where most of them differ, to one of them otherwise
    (flags, counts; these go together less than they did). Sums are exact and in a fixed order, so that neither the order of
    rows nor the processor changes a bit.

    Attributes:
        correlation: Of the normal scores, float64, shape [d, d]; after :meth:`fit`.
    """

    def __init__(self) -> None:
        self.correlation: Floats = np.zeros((0, 0))
        self._sorted: list[Floats] = []
        self._is_fitted = False
        self._is_stepped: npt.NDArray[np.bool_] = np.zeros(0, dtype=bool)
        self._factor: Floats = np.zeros((0, 0))

    def fit(self, x: npt.ArrayLike) -> GaussianCopula:
        """Learn from rows.

        Args:
            x: Numbers, NaN where one is missing, shape [n, d], n at least 2.

        Raises:
            DatasetError: The shape is another, or a number is infinite.
        """
        rows = np.asarray(x, dtype=np.float64)
        _check(rows)
        self._sorted = [np.sort(column[~np.isnan(column)]) for column in rows.T]
        self._is_stepped = np.array([_is_stepped(column) for column in self._sorted], dtype=bool)
        self._is_fitted = True
        scores = np.stack([_normal_scores(column) for column in rows.T], axis=1) if rows.shape[1] else rows
        self.correlation = _correlation(scores)
        self._factor = _factor(self.correlation)
        return self

    def sample(self, ids: I64, seed: int = 42) -> Floats:
        """Draw rows.

        Args:
            ids: What names each, shape [m]; a row depends on the seed and its id alone.
            seed: Seed of the draws.

        Returns:
            float64, shape [m, d]; NaN in a column that had no number at all, and nowhere else.

        Raises:
            DatasetError: It was fitted on no rows.
        """
        from scipy.special import ndtr

        if not self._is_fitted:
            raise DatasetError("rows cannot be drawn", [Problem("copula", "no rows", "one that was fitted")])
        width = len(self._sorted)
        draws = Stream(seed, "rows of a copula").normal(ids, width) if width else np.zeros((len(ids), 0))
        made = np.empty_like(draws)
        for column in range(width):
            total = self._factor[column, 0] * draws[:, 0]
            for other in range(1, column + 1):
                total = total + self._factor[column, other] * draws[:, other]
            made[:, column] = self._quantiles(column, ndtr(total))
        return made

    def _quantiles(self, column: int, share: Floats) -> Floats:
        values = self._sorted[column]
        if not values.size:
            return np.full(len(share), np.nan)
        place = share * len(values) - 0.5
        if self._is_stepped[column]:
            seen: Floats = values[np.clip(np.rint(place), 0, len(values) - 1).astype(np.int64)]
            return seen
        low = np.clip(np.floor(place), 0, len(values) - 2).astype(np.int64)
        part = np.clip(place - low, 0.0, 1.0)
        between: Floats = values[low] + part * (values[low + 1] - values[low])
        return between


def _check(rows: Floats) -> None:
    if rows.ndim != 2 or len(rows) < 2:
        problem = Problem("x", f"shape {list(rows.shape)}", "[rows, features], two rows or more")
        raise DatasetError("a copula cannot be fitted", [problem])
    bad = np.argwhere(np.isinf(rows))
    problems = [
        Problem(f"x, row {row}, column {column}", str(rows[row, column]), "a finite number, or NaN where it is missing")
        for row, column in bad[:20].tolist()
    ]
    if problems:
        raise DatasetError("a copula cannot be fitted", problems)


def _is_stepped(values: Floats) -> bool:
    """Whether sorted values repeat so often that what lies between two of them is none."""
    return 2 * (1 + int((np.diff(values) != 0).sum())) < len(values) or len(values) == 1


def _normal_scores(column: Floats) -> Floats:
    """NaN where a number is missing."""
    from scipy.special import ndtri

    is_known = ~np.isnan(column)
    _, group, counts = np.unique(column[is_known], return_inverse=True, return_counts=True)
    middle = (np.cumsum(counts) - counts / 2) / max(1, int(is_known.sum()))
    scores = np.full(len(column), np.nan)
    scores[is_known] = ndtri(middle)[group.reshape(-1)]
    return scores


def _correlation(scores: Floats) -> Floats:
    """Pearson's, of exact sums, of each two columns where both are known; 0 with a column that is constant."""
    is_known = ~np.isnan(scores)
    filled = np.where(is_known, scores, 0.0)
    centred = np.where(is_known, filled - column_sums(filled) / np.maximum(1, is_known.sum(axis=0)), 0.0)
    squares = centred * centred
    width = scores.shape[1]
    root = np.sqrt(column_sums(squares))
    found = np.eye(width)
    for column in range(1, width):
        products = column_sums(centred[:, :column] * centred[:, column : column + 1])
        own, others = root[column], root[:column]
        if not is_known.all():
            own = np.sqrt(column_sums(squares[:, column : column + 1] * is_known[:, :column]))
            others = np.sqrt(column_sums(squares[:, :column] * is_known[:, column : column + 1]))
        scale = others * own
        found[column, :column] = np.clip(np.divide(products, scale, out=np.zeros(column), where=scale > 0), -1.0, 1.0)
        found[:column, column] = found[column, :column]
    return found


def _factor(correlation: Floats) -> Floats:
    """The Cholesky factor, drawn to the identity by as little as makes it one."""
    identity = np.eye(len(correlation))
    for shrinkage in _SHRINKAGES:
        factor = _cholesky((1 - shrinkage) * correlation + shrinkage * identity)
        if factor is not None:
            return factor
    return identity


def _cholesky(matrix: Floats) -> Floats | None:
    """Row by row, each element one sum from left to right; none where a pivot is not positive."""
    size = len(matrix)
    factor = np.zeros((size, size))
    for row in range(size):
        left = matrix[row:, row].copy()
        for column in range(row):
            left -= factor[row:, column] * factor[row, column]
        if not left[0] > 1e-12:
            return None
        factor[row:, row] = left / np.sqrt(left[0])
    return factor
