"""Train, validation and test: which side each unit is on, by draws or by an order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from within_wf.data.units import Floats, Ints

PARTS = ("train", "val", "test")
TRAIN, VAL, TEST = range(3)
NONE = -1
"""The side of a row that an embargo keeps out of all three."""
Sides = npt.NDArray[np.int8]


@dataclass(frozen=True)
class Sizes:
    """How large the sides shall be.

    Attributes:
        test: Share of all rows for the test, in (0, 1).
        val: Share of the remaining rows for validation, in (0, 1).
    """

    test: float
    val: float

    @property
    def shares(self) -> tuple[float, float, float]:
        """Shares of all rows: train, validation, test."""
        validation = (1 - self.test) * self.val
        return 1 - self.test - validation, validation, self.test

    def rows(self, total: int) -> tuple[int, int]:
        """Rows of validation and test where sizes are exact."""
        test = round(self.test * total)
        return round(self.val * (total - test)), test


def drawn_sides(draws: Floats, sizes: Sizes) -> Sides:
    """Each unit by its own draw; sizes hold in expectation."""
    sides = np.full(draws.size, TRAIN, np.int8)
    sides[draws < sizes.test + (1 - sizes.test) * sizes.val] = VAL
    sides[draws < sizes.test] = TEST
    return sides


def exact_sides(draws: Floats, strata: Ints, sizes: Sizes) -> Sides:
    """Rows by their draws, the first of each stratum for the test, the next for validation; sizes hold to the row.

    A stratum gives as many rows as systematic sampling takes from it (Madow and Madow, 1944): where the rows of all strata
    stand in one line and T of N are wanted, the first k rows give T k / N, rounded down. So each stratum gives its share of T,
    rounded down or up; for validation, its share by what the test left of it.

    Args:
        draws: float64, shape [rows].
        strata: int64, shape [rows]; zeros for none.
        sizes: What is wanted.
    """
    _, number, rows = np.unique(strata, return_inverse=True, return_counts=True)
    order = np.lexsort((draws, number))
    rank = np.arange(draws.size) - np.repeat(np.cumsum(rows) - rows, rows)
    of_stratum = number[order]
    val, test = sizes.rows(draws.size)
    for_test = _dealt(rows, test)
    for_val = _dealt(rows - for_test, val)
    sides = np.full(draws.size, TRAIN, np.int8)
    sides[order[rank < (for_test + for_val)[of_stratum]]] = VAL
    sides[order[rank < for_test[of_stratum]]] = TEST
    return sides


def _dealt(rows: Ints, wanted: int) -> Ints:
    """How many of ``wanted`` rows each stratum gives."""
    total = max(1, int(rows.sum()))
    return np.diff(np.cumsum(rows) * wanted // total, prepend=0)


def exact_group_sides(draws: Floats, rows: Ints, sizes: Sizes) -> Sides:
    """Groups in the order of their draws: the first for the test, the next for validation, until sizes are nearest.

    A group with more rows than a side shall have is passed over for it; where every group is that large, the smallest goes
    there.

    Args:
        draws: float64, shape [groups].
        rows: Rows of each group, int64, shape [groups].
        sizes: What is wanted.
    """
    sides = np.full(draws.size, TRAIN, np.int8)
    order = np.argsort(draws, kind="stable")
    val, test = sizes.rows(int(rows.sum()))
    for side, wanted in ((TEST, test), (VAL, val)):
        fitting = order[rows[order] <= wanted]
        middle = np.cumsum(rows[fitting]) - rows[fitting] / 2
        chosen = fitting[middle < wanted] if fitting.size else order[np.argsort(rows[order], kind="stable")[:1]]
        sides[chosen] = side
        order = order[sides[order] == TRAIN]
    return sides


def sides_in_order(rows: Ints, sizes: Sizes) -> Sides:
    """Units that stand in an order: the last for the test, those before for validation; borders fall where sizes are nearest.

    Args:
        rows: Rows of each unit, first unit first, int64, shape [units].
        sizes: What is wanted.
    """
    val, test = sizes.rows(int(rows.sum()))
    last = rows[::-1]
    middle = (np.cumsum(last) - last / 2)[::-1]
    sides = np.full(rows.size, TRAIN, np.int8)
    sides[middle < test + val] = VAL
    sides[middle < test] = TEST
    return sides
