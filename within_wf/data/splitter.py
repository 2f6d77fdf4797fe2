"""Rows divided into train, validation and test."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
import polars as pl

from within_wf.config.duration import EXPECTED, nanoseconds
from within_wf.data.division import Division, notes_of_classes, notes_of_groups
from within_wf.data.frames import as_frame
from within_wf.data.moments import Moments, moments_of
from within_wf.data.sides import (
    NONE,
    PARTS,
    TEST,
    TRAIN,
    VAL,
    Sides,
    Sizes,
    drawn_sides,
    exact_group_sides,
    exact_sides,
    sides_in_order,
)
from within_wf.data.units import Units, column_of, problems_of_columns, strata_of, units_of_rows, units_of_values, with_clusters
from within_wf.errors import DatasetError, Problem

Strategy = Literal["random", "stratified", "group", "time", "group_time"]
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)
_NEEDS = {
    "stratified": ("stratify_column",),
    "group": ("group_column",),
    "time": ("time_column",),
    "group_time": ("group_column", "time_column"),
}
_CURES = {
    "group": "Each group is on one side: give it more groups, another random_state or exact_sizes.",
    "time": "Give it more moments, or a shorter embargo.",
    "group_time": "Give it more groups that begin at different moments, or no embargo, which takes all that overlaps.",
}


class DataSplitter:
    """Splits a table by a rule that looks at no more than it has to.

    ``random`` draws each row's side from the seed and its id, ``stratified`` too, ``group`` from the seed and its group, so
    that rows that come later move no other row. Sizes, and the shares of classes, then hold in expectation; with
    ``exact_sizes`` they hold to the row, for groups to the group. ``time`` cuts between two moments: validation follows train,
    test follows validation, and what happened at one moment stays together. ``group_time`` cuts groups in the order of their
    first moments: no group of a later side begins before one of an earlier side, though an earlier one may last longer.
    docs/splits.md says what each keeps and gives up, and what becomes of rare classes and of large groups.

    Args:
        strategy: One of ``random``, ``stratified``, ``group``, ``time`` and ``group_time``.
        test_size: Share of all rows for the test, in (0, 1).
        val_size: Share of the remaining rows for validation, in (0, 1).
        random_state: Seed of the draws.
        stratify_column: The column whose classes keep their shares.
        group_column: The column whose rows stay together.
        time_column: The column that orders the rows.
        id_column: The column that names a row; none for its place in the table.
        cluster_column: The column that names clusters of near-duplicates, empty where a row is in none. A cluster is drawn as
            one row is, by its own name; groups that share a cluster are one group.
        exact_sizes: Order rows or groups by their draws and cut; a new row can then move others.
        embargo: What lies between two sides and is on none, taken from the earlier side: a number of moments, or a length of
            time as in ``12h`` or ``7d``. With ``group_time``, 0 already takes all rows of a side from where the next begins.

    Raises:
        DatasetError: The arguments contradict each other; everything wrong with them is named.
    """

    def __init__(
        self,
        strategy: str = "random",
        test_size: float = 0.2,
        val_size: float = 0.2,
        random_state: int = 42,
        stratify_column: str | None = None,
        group_column: str | None = None,
        *,
        time_column: str | None = None,
        id_column: str | None = None,
        cluster_column: str | None = None,
        exact_sizes: bool = False,
        embargo: int | str | None = None,
    ) -> None:
        self.strategy = strategy
        self.test_size = test_size
        self.val_size = val_size
        self.random_state = random_state
        self.stratify_column = stratify_column
        self.group_column = group_column
        self.time_column = time_column
        self.id_column = id_column
        self.cluster_column = cluster_column
        self.exact_sizes = exact_sizes
        self.embargo = embargo
        problems = [*self._wrong_numbers(), *self._wrong_columns()]
        if problems:
            raise DatasetError("the rows cannot be divided so", problems)
        self.sizes = Sizes(test_size, val_size)
        self.columns = tuple(str(getattr(self, name)) for name in _NEEDS.get(strategy, ()))

    def _wrong_numbers(self) -> list[Problem]:
        problems = [
            Problem(name, repr(size), "a share between 0 and 1, both left out")
            for name, size in (("test_size", self.test_size), ("val_size", self.val_size))
            if not isinstance(size, int | float) or not 0 < size < 1
        ]
        if type(self.random_state) is not int or not 0 <= self.random_state < 2**64:
            problems.append(Problem("random_state", repr(self.random_state), "a whole number from 0 up, below 2**64"))
        if isinstance(self.embargo, str):
            try:
                nanoseconds(self.embargo)
            except ValueError:
                problems.append(Problem("embargo", repr(self.embargo), EXPECTED))
        elif self.embargo is not None and (type(self.embargo) is not int or self.embargo < 0):
            problems.append(Problem("embargo", repr(self.embargo), f"a number of moments from 0 up, or {EXPECTED}"))
        return problems

    def _wrong_columns(self) -> list[Problem]:
        if self.strategy not in STRATEGIES:
            return [Problem("strategy", repr(self.strategy), f"one of {', '.join(STRATEGIES)}")]
        problems = [
            Problem(name, "no column", f"the column that strategy {self.strategy!r} needs")
            for name in _NEEDS.get(self.strategy, ())
            if getattr(self, name) is None
        ]
        if self.embargo not in (None, 0) and self.strategy not in ("time", "group_time"):
            problems.append(Problem("embargo", repr(self.embargo), "none, but for strategy 'time' and 'group_time'"))
        if self.cluster_column is not None and self.strategy == "time":
            cure = "Take strategy 'group_time'."
            problems.append(Problem("cluster_column", repr(self.cluster_column), "none: 'time' cuts between moments", cure))
        if self.cluster_column is not None and self.strategy == "stratified" and self.exact_sizes:
            expected = "false: rows are dealt one by one, which keeps no cluster whole"
            problems.append(Problem("exact_sizes", "true beside cluster_column", expected))
        return problems

    @property
    def promises(self) -> frozenset[str]:
        """What never crosses a side: kinds of :mod:`within_wf.data.leakage`."""
        kept = {
            "id": True,
            "group": "group" in self.strategy,
            "cluster": self.cluster_column is not None,
            "time": self.strategy == "time" or (self.strategy == "group_time" and self.embargo is not None),
        }
        return frozenset(kind for kind, holds in kept.items() if holds)

    @property
    def named_columns(self) -> dict[str, str | None]:
        """The columns that the check for leakage looks at, whether the strategy does or not."""
        names = ("id_column", "group_column", "time_column", "cluster_column")
        return {name: getattr(self, name) for name in names}

    def split(self, data: Any) -> dict[str, pl.DataFrame]:
        """Divide a table.

        Args:
            data: A table of polars, pandas or pyarrow.

        Returns:
            ``train``, ``val`` and ``test``; rows keep their order. Rows in an embargo are in none: :meth:`divide` tells them.

        Raises:
            DatasetError: A column is not there, or a side would stay empty.
        """
        table = as_frame(data, "data")
        return self.divide(table).parts(table)

    def sides(self, table: pl.DataFrame | pl.LazyFrame) -> Sides:
        """The side of each row: 0 train, 1 validation, 2 test, -1 none; int8, shape [rows].

        Raises:
            DatasetError: A column is not there or has missing values, or a side would stay empty.
        """
        return self.divide(table).sides

    def divide(self, table: pl.DataFrame | pl.LazyFrame) -> Division:
        """The side of each row, and how sizes came out; columns of a file are read one by one.

        Raises:
            DatasetError: A column is not there or has missing values, or a side would stay empty.
        """
        problems = problems_of_columns(table, [*self.columns, self.id_column], [self.cluster_column])
        if problems:
            raise DatasetError("the rows cannot be divided", problems)
        if self.strategy == "time":
            division = Division(self._by_time(moments_of(column_of(table, self.time_column or ""))), self.sizes)
        elif self.strategy == "group_time":
            division = self._by_group_and_time(table)
        elif self.strategy == "group":
            division = self._by_group(table)
        else:
            division = self._by_row(table)
        self._check_sides(division.sides)
        return division

    def _by_row(self, table: pl.DataFrame | pl.LazyFrame) -> Division:
        units = units_of_rows(table, self.id_column)
        if self.cluster_column is not None:
            units = with_clusters(units, column_of(table, self.cluster_column), named=True)
        draws = units.draws(self.random_state, "split")
        strata, dealt_together = np.zeros(units.of_row.size, np.int64), list[str]()
        if not self.exact_sizes:
            sides = drawn_sides(draws, self.sizes)[units.of_row]
        elif self.cluster_column is not None:
            sides = exact_group_sides(draws, units.rows, self.sizes)[units.of_row]
        else:
            if self.stratify_column is not None and self.strategy == "stratified":
                strata, dealt_together = strata_of(column_of(table, self.stratify_column), len(PARTS))
            sides = exact_sides(draws[units.of_row], strata, self.sizes)
        notes: tuple[str, ...] = ()
        if self.stratify_column is not None and self.strategy == "stratified":
            notes = notes_of_classes(sides, column_of(table, self.stratify_column), dealt_together)
        return Division(sides, self.sizes, None if self.exact_sizes else units.rows, notes)

    def _groups(self, table: pl.DataFrame | pl.LazyFrame) -> Units:
        groups = units_of_values(column_of(table, self.group_column or ""))
        return (
            groups if self.cluster_column is None else with_clusters(groups, column_of(table, self.cluster_column), named=False)
        )

    def _by_group(self, table: pl.DataFrame | pl.LazyFrame) -> Division:
        groups = self._groups(table)
        draws, rows = groups.draws(self.random_state, "split"), groups.rows
        of_group = exact_group_sides(draws, rows, self.sizes) if self.exact_sizes else drawn_sides(draws, self.sizes)
        drawn = None if self.exact_sizes else rows
        return Division(of_group[groups.of_row], self.sizes, drawn, notes_of_groups(rows, self.sizes))

    def _by_time(self, moments: Moments) -> Sides:
        sides = sides_in_order(moments.rows, self.sizes)
        for side in (VAL, TEST):
            place = np.flatnonzero(sides == side)
            if place.size and self.embargo:
                sides[moments.before_gap(int(place[0]), self.embargo) : place[0]] = NONE
        return sides[moments.of_row]

    def _by_group_and_time(self, table: pl.DataFrame | pl.LazyFrame) -> Division:
        groups, moments = self._groups(table), moments_of(column_of(table, self.time_column or ""))
        first = np.full(len(groups.names), moments.values.size)
        np.minimum.at(first, groups.of_row, moments.of_row)
        order = np.lexsort((groups.draws(self.random_state, "split"), first))
        of_group = np.empty(first.size, np.int8)
        of_group[order] = sides_in_order(groups.rows[order], self.sizes)
        sides = of_group[groups.of_row]
        for side in (TEST, VAL):
            starts = first[of_group == side]
            if self.embargo is not None and starts.size:
                gap = moments.before_gap(int(starts.min()), self.embargo)
                earlier = (sides >= TRAIN) & (sides < side)
                sides[earlier & (moments.of_row >= gap)] = NONE
        return Division(sides, self.sizes, None, notes_of_groups(groups.rows, self.sizes))

    def _check_sides(self, sides: Sides) -> None:
        empty = [part for number, part in enumerate(PARTS) if not (sides == number).any()]
        if not empty:
            return
        cure = _CURES.get(self.strategy, "Give it more rows, another random_state or exact_sizes.")
        problems = [Problem(f"the side {part}", "no row", "at least one", cure) for part in empty]
        raise DatasetError(f"{sides.size:,} rows are too few to be divided by {self.strategy}", problems)
