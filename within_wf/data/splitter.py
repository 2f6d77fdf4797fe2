"""Rows divided into train, validation and test."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from within_wf.data.frames import as_frame
from within_wf.errors import DatasetError, Problem
from within_wf.runtime.streams import Stream, ids_of

Strategy = Literal["random", "stratified", "group", "time"]
STRATEGIES: tuple[Strategy, ...] = ("random", "stratified", "group", "time")
PARTS = ("train", "val", "test")
_TRAIN, _VAL, _TEST = range(3)
Sides = npt.NDArray[np.int8]


class DataSplitter:
    """Splits a table by a rule that looks at no more than it has to.

    ``random`` draws each row's side from the seed and its id, ``group`` from the seed and its group, so that rows that come
    later move no other row; sizes then hold in expectation. ``stratified`` orders the rows of each class by such draws and
    cuts, so every class keeps its share to the row. ``time`` cuts between two moments: validation follows train, test follows
    validation, and what happened at one moment stays together.

    Args:
        strategy: One of ``random``, ``stratified``, ``group`` and ``time``.
        test_size: Share of all rows for the test, in (0, 1).
        val_size: Share of the remaining rows for validation, in (0, 1).
        random_state: Seed of the draws.
        stratify_column: The column whose classes keep their shares.
        group_column: The column whose rows stay together.
        time_column: The column that orders the rows.
        id_column: The column that names a row; none for its place in the table.
        exact_sizes: Order rows or groups by their draws and cut, so that ``random`` and ``group`` have exact sizes too; a new
            row can then move others.

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
        exact_sizes: bool = False,
    ) -> None:
        needed = {"stratified": stratify_column, "group": group_column, "time": time_column}
        self.column = needed.get(strategy)
        problems = [
            Problem(name, repr(size), "a share between 0 and 1, both left out")
            for name, size in (("test_size", test_size), ("val_size", val_size))
            if not isinstance(size, int | float) or not 0 < size < 1
        ]
        if type(random_state) is not int or not 0 <= random_state < 2**64:
            problems.append(Problem("random_state", repr(random_state), "a whole number from 0 up, below 2**64"))
        if strategy not in STRATEGIES:
            problems.append(Problem("strategy", repr(strategy), f"one of {', '.join(STRATEGIES)}"))
        elif strategy in needed and self.column is None:
            name = {"stratified": "stratify_column", "group": "group_column", "time": "time_column"}[strategy]
            problems.append(Problem(name, "no column", f"the column that strategy {strategy!r} needs"))
        if problems:
            raise DatasetError("the rows cannot be divided so", problems)
        self.strategy = strategy
        self.test_size = test_size
        self.val_size = val_size
        self.random_state = random_state
        self.id_column = id_column
        self.exact_sizes = exact_sizes

    def split(self, data: Any) -> dict[str, pl.DataFrame]:
        """Divide a table.

        Args:
            data: A table of polars, pandas or pyarrow.

        Returns:
            ``train``, ``val`` and ``test``; rows keep their order.

        Raises:
            DatasetError: A column is not there, or a side would stay empty.
        """
        table = as_frame(data, "data")
        sides = self.sides(table)
        return {part: table.filter(pl.Series(sides == number)) for number, part in enumerate(PARTS)}

    def sides(self, table: pl.DataFrame) -> Sides:
        """The side of each row: 0 train, 1 validation, 2 test; int8, shape [rows].

        Raises:
            DatasetError: A column is not there or has missing values, or a side would stay empty.
        """
        self._check(table)
        if self.strategy == "time":
            sides = self._by_time(table)
        elif self.strategy == "stratified":
            sides = self._stratified(table)
        elif self.strategy == "group":
            names, of_row = _distinct(table[self.column or ""])
            sides = self._drawn(names, np.bincount(of_row, minlength=len(names)))[of_row]
        else:
            sides = self._drawn(self._ids(table), np.ones(table.height, np.int64))
        self._check_sides(sides)
        return sides

    def _check(self, table: pl.DataFrame) -> None:
        problems = []
        for column in (self.column, self.id_column):
            if column is not None and column not in table.columns:
                problems.append(Problem(f"column {column}", "no such column", f"one of {', '.join(table.columns)}"))
            elif column is not None and table[column].null_count():
                empty = table[column].null_count()
                problems.append(Problem(f"column {column}", f"{empty:,} missing values", "a value in every row"))
        if problems:
            raise DatasetError("the rows cannot be divided", problems)

    def _ids(self, table: pl.DataFrame) -> list[str]:
        if self.id_column is None:
            return [str(row) for row in range(table.height)]
        return table[self.id_column].cast(pl.String).to_list()

    def _draws(self, names: list[str], purpose: str) -> npt.NDArray[np.float64]:
        return Stream(self.random_state, purpose).uniform(ids_of(names))[:, 0]

    def _drawn(self, names: list[str], rows: npt.NDArray[np.int64]) -> Sides:
        """The side of each name; ``rows`` is how many rows it stands for."""
        draws = self._draws(names, "split")
        if self.exact_sizes:
            return self._cut(np.argsort(draws, kind="stable"), rows)
        sides = np.full(len(names), _TRAIN, np.int8)
        sides[draws < self.test_size + (1 - self.test_size) * self.val_size] = _VAL
        sides[draws < self.test_size] = _TEST
        return sides

    def _cut(self, order: npt.NDArray[np.int64], rows: npt.NDArray[np.int64]) -> Sides:
        """Sides by an order: the first for the test, the next for validation; the borders fall where the sizes are nearest."""
        total = int(rows.sum())
        test = round(self.test_size * total)
        held = test + round(self.val_size * (total - test))
        middle = np.cumsum(rows[order]) - rows[order] / 2
        sides = np.full(order.size, _TRAIN, np.int8)
        sides[order[middle < held]] = _VAL
        sides[order[middle < test]] = _TEST
        return sides

    def _stratified(self, table: pl.DataFrame) -> Sides:
        draws = self._draws(self._ids(table), "split")
        names, of_row = _distinct(table[self.column or ""])
        sides = np.empty(table.height, np.int8)
        for number in range(len(names)):
            members = np.flatnonzero(of_row == number)
            order = np.argsort(draws[members], kind="stable")
            sides[members] = self._cut(order, np.ones(members.size, np.int64))
        return sides

    def _by_time(self, table: pl.DataFrame) -> Sides:
        moments = table[self.column or ""].to_physical().to_numpy()
        distinct, of_row, counts = np.unique(moments, return_inverse=True, return_counts=True)
        return self._cut(np.arange(distinct.size)[::-1], counts.astype(np.int64))[of_row]

    def _check_sides(self, sides: Sides) -> None:
        empty = [part for number, part in enumerate(PARTS) if not (sides == number).any()]
        if not empty:
            return
        cure = {
            "group": "Each group is on one side: give it more groups, another random_state or exact_sizes.",
            "time": "Give it more moments.",
        }.get(self.strategy, "Give it more rows, another random_state or exact_sizes.")
        problems = [Problem(f"the side {part}", "no row", "at least one", cure) for part in empty]
        raise DatasetError(f"{sides.size:,} rows are too few to be divided by {self.strategy}", problems)


def _distinct(column: pl.Series) -> tuple[list[str], npt.NDArray[np.int64]]:
    """The distinct values of a column as text, in order, and the number of each row's value."""
    text = column.cast(pl.String)
    names = text.unique().sort().to_list()
    numbers = dict(zip(names, range(len(names)), strict=True))
    return names, text.replace_strict(numbers, return_dtype=pl.Int64).to_numpy()
