"""What the training rows of an ad's account, campaign or other group say: all of them, or those of earlier days."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl
import torch

from within_wf.config.features import AggregateConfig
from within_wf.data.units import units_of_values
from within_wf.features.calendar import days_of
from within_wf.features.numeric import Floats, numbers_of
from within_wf.ops.scatter import scatter
from within_wf.ops.sums import group_sums

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class GroupAggregates:
    """What is known of groups, by day where days count.

    A row's features are of training rows alone, and with ``rows: earlier`` of those at least ``lag`` days before its own: they
    depend on no other row of its table, nor on what happens later. Sums of a day are correctly rounded; days are added in the
    order of time.

    Attributes:
        config: What is said of which groups.
        time: The column of time; none where days do not count.
        cells: A row a group and day, by both: ``group``, ``day``, ``rows``, and for each column how many of its values are
            known, their sum, the lowest and the highest.
    """

    config: AggregateConfig
    time: str | None
    cells: pl.DataFrame

    @classmethod
    def fit(cls, table: pl.DataFrame, config: AggregateConfig, time: str | None) -> GroupAggregates:
        """Learn from training rows, in any order; a row without a group, or without a day where days count, is left out.

        Raises:
            DatasetError: The column of time holds no times.
        """
        time = time if config.rows == "earlier" else None
        days = np.zeros(table.height) if time is None else days_of(table[time])
        kept = table[config.by].is_not_null().to_numpy() & ~np.isnan(days)
        units = units_of_values(table[config.by].filter(pl.Series(kept)))
        day = days[kept].astype(np.int64)
        first, span = (int(day.min()), int(day.max() - day.min()) + 1) if day.size else (0, 1)
        keys, cell = np.unique(units.of_row * span + (day - first), return_inverse=True)
        columns: dict[str, npt.NDArray[np.generic] | pl.Series] = {
            "group": pl.Series("group", units.names, pl.String).gather(keys // span),
            "day": keys % span + first,
            "rows": np.bincount(cell, minlength=keys.size).astype(np.int64),
        }
        for name in config.columns:
            values = numbers_of(table[name])[kept]
            known = ~np.isnan(values)
            columns[f"{name}: known"] = np.bincount(cell[known], minlength=keys.size).astype(np.int64)
            columns[f"{name}: sum"] = group_sums(np.where(known, values, 0.0), cell, keys.size)
            columns[f"{name}: min"] = _extreme(np.where(known, values, np.inf), cell, keys.size, "min")
            columns[f"{name}: max"] = _extreme(np.where(known, values, -np.inf), cell, keys.size, "max")
        return cls(config, time, pl.DataFrame(columns))

    def transform(self, table: pl.DataFrame) -> dict[str, Floats]:
        """The features of some rows by name, each of shape [n]; NaN where there is nothing to sum up.

        Raises:
            DatasetError: The column of time holds no times.
        """
        start, end = self._range(table)
        found = {name: self._reduced(name, start, end) for name in self._columns}
        features = {}
        for function in self.config.functions:
            if function == "count":
                features[self._named("ads")] = found["rows"]
            for name in self.config.columns if function != "count" else ():
                known = found[f"{name}: known"]
                with np.errstate(invalid="ignore", divide="ignore"):
                    value = found[f"{name}: sum"] / known if function == "mean" else found[f"{name}: {function}"]
                features[self._named(f"{name} {function}")] = value if function == "sum" else np.where(known > 0, value, np.nan)
        return features

    def _named(self, what: str) -> str:
        earlier = "" if self.time is None else f", {self.config.lag} days earlier" if self.config.lag > 1 else ", earlier"
        return f"{what} by {self.config.by}{earlier}" + (f", {self.config.days} days" if self.config.days else "")

    @cached_property
    def _groups(self) -> tuple[dict[str, int], Ints, Ints]:
        """The number of each group, its first cell, and the one after its last."""
        runs = self.cells["group"].rle().struct
        names, lengths = runs.field("value").to_list(), runs.field("len").to_numpy().astype(np.int64)
        return dict(zip(names, range(len(names)), strict=True)), np.cumsum(lengths) - lengths, np.cumsum(lengths)

    @cached_property
    def _days(self) -> tuple[Ints, int, int]:
        """A number of each cell that grows with group and day; the first day, and the days that a group has room for."""
        days = self.cells["day"].to_numpy()
        first, span = int(days.min()), int(days.max() - days.min()) + 2
        _, starts, ends = self._groups
        return np.repeat(np.arange(starts.size), ends - starts) * span + (days - first), first, span

    @cached_property
    def _columns(self) -> dict[str, Floats]:
        """The cells' columns; where all days count each cell with those of its group before it."""
        names = ["rows", *(f"{name}: {part}" for name in self.config.columns for part in ("known", "sum", "min", "max"))]
        columns = {name: self.cells[name].cast(pl.Float64).to_numpy() for name in names}
        if self.config.days is None:
            lengths = self._groups[2] - self._groups[1]
            columns = {name: _accumulated(values, lengths, _combined(name)[0]) for name, values in columns.items()}
        return columns

    def _range(self, table: pl.DataFrame) -> tuple[Ints, Ints]:
        """The first of each row's cells, and the one after the last."""
        numbers, starts, ends = self._groups
        days = np.zeros(table.height) if self.time is None else days_of(table[self.time])
        if not numbers:
            return np.zeros(table.height, np.int64), np.zeros(table.height, np.int64)
        groups = table[self.config.by].cast(pl.String).replace_strict(numbers, default=-1, return_dtype=pl.Int64)
        code = np.where(np.isnan(days), -1, groups.fill_null(-1).to_numpy())
        start, end = starts[code], ends[code]
        if self.time is not None:
            keys, first, span = self._days

            def reached(day: Floats) -> Ints:
                """The first cell of each row's group that is of ``day`` or later."""
                place = np.clip(np.nan_to_num(day) - first, 0, span - 1).astype(np.int64)
                return np.searchsorted(keys, code * span + place).astype(np.int64)

            end = reached(days - self.config.lag + 1)
            if self.config.days is not None:
                start = reached(days - self.config.lag + 1 - self.config.days)
        return np.where(code < 0, 0, start), np.where(code < 0, 0, end)

    def _reduced(self, name: str, start: Ints, end: Ints) -> Floats:
        """A column of the cells, summed up over each row's; the cells that come first are added first."""
        values = self._columns[name]
        combine, nothing = _combined(name)
        result = np.full(start.size, nothing)
        if self.config.days is None:
            some = end > start
            result[some] = values[end[some] - 1]
            return result
        for step in range(int((end - start).max(initial=0))):
            rows = np.flatnonzero(start + step < end)
            result[rows] = combine(result[rows], values[start[rows] + step])
        return result


def _combined(name: str) -> tuple[np.ufunc, float]:
    """How cells of a column are joined, and what none of them give."""
    extremes = {"min": (np.minimum, np.inf), "max": (np.maximum, -np.inf)}
    return extremes.get(name.rpartition(": ")[2], (np.add, 0.0))


def _accumulated(values: Floats, lengths: Ints, combine: np.ufunc) -> Floats:
    """Each cell with those of its group before it, one after the other, so that a group knows nothing of others' rounding."""
    rank = np.arange(values.size) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    order = np.argsort(rank, kind="stable")
    bounds = np.searchsorted(rank[order], np.arange(int(lengths.max(initial=0)) + 1))
    result = values.copy()
    for step in range(1, bounds.size - 1):
        cells = order[bounds[step] : bounds[step + 1]]
        result[cells] = combine(result[cells - 1], values[cells])
    return result


def _extreme(values: Floats, index: Ints, groups: int, reduce: Literal["min", "max"]) -> Floats:
    result: Floats = scatter(torch.from_numpy(values), torch.from_numpy(index.astype(np.int64)), groups, reduce).numpy()
    return result
