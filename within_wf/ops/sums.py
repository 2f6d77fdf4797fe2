"""Exact sums of NumPy arrays: what every float aggregate in an artifact is made of."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import torch

from within_wf.ops.scatter import scatter

Floats = npt.NDArray[np.float64]


def group_sums(values: npt.ArrayLike, index: npt.ArrayLike, groups: int) -> Floats:
    """The correctly rounded sum of each group.

    Args:
        values: Numbers, shape [n] or [n, d].
        index: The group of each row, integers in [0, groups), shape [n].
        groups: How many groups.

    Returns:
        float64, shape [groups] or [groups, d]; 0 for a group without rows.

    Raises:
        ValueError: A shape does not fit.
        IndexError: A group is outside [0, groups).
    """
    rows = np.ascontiguousarray(values, dtype=np.float64)
    of = np.ascontiguousarray(index, dtype=np.int64)
    rows = rows if rows.flags.writeable else rows.copy()
    of = of if of.flags.writeable else of.copy()
    result: Floats = scatter(torch.from_numpy(rows), torch.from_numpy(of), groups).numpy()
    return result


def column_sums(x: npt.ArrayLike) -> Floats:
    """The correctly rounded sum of each column; x of shape [n, d] gives float64, shape [d]."""
    rows = np.asarray(x, dtype=np.float64)
    sums: Floats = group_sums(rows, np.zeros(len(rows), dtype=np.int64), 1)[0]
    return sums


def column_means(x: npt.ArrayLike) -> Floats:
    """The mean of each column, its sum correctly rounded; NaN where there are no rows."""
    rows = np.asarray(x, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return column_sums(rows) / np.float64(len(rows))


def column_stds(x: npt.ArrayLike, ddof: int = 0) -> Floats:
    """The standard deviation of each column about its mean.

    Args:
        x: Shape [n, d].
        ddof: What is taken from n in the divisor.

    Returns:
        float64, shape [d]; NaN where n <= ddof.
    """
    rows = np.asarray(x, dtype=np.float64)
    if len(rows) <= ddof:
        return np.full(rows.shape[1:], np.nan)
    return np.sqrt(column_sums((rows - column_means(rows)) ** 2) / np.float64(len(rows) - ddof))


class RunningSums:
    """Column sums of rows that come in pieces: the bits of :func:`column_sums` of all of them.

    The exact sum of a piece is kept as numbers that are its sum: the rounded sum, the rounded sum of what that leaves, and so
    on until nothing is left (an expansion: Shewchuk, "Adaptive precision floating-point arithmetic and fast robust geometric
    predicates", Discrete & Computational Geometry 18, 1997).
    """

    def __init__(self) -> None:
        self.rows = 0
        self._parts: list[Floats] = []

    def add(self, x: npt.ArrayLike) -> None:
        """Count in more rows, finite numbers of shape [n, d]."""
        left = np.asarray(x, dtype=np.float64)
        self.rows += len(left)
        while (part := column_sums(left)).any():
            self._parts.append(part)
            left = np.concatenate([left, -part[None]])

    def sums(self, columns: int) -> Floats:
        """The correctly rounded sum of each column; float64, shape [columns]."""
        return np.array([math.fsum(part[column] for part in self._parts) for column in range(columns)])
