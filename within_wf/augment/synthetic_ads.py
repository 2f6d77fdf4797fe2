"""Synthetic ads: whole rows of a table, target included."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from within_wf.augment.copula import GaussianCopula
from within_wf.config.dataset import AdTable
from within_wf.config.features import FeatureConfig
from within_wf.errors import DatasetError, Problem
from within_wf.features.numeric import Floats, numbers_of
from within_wf.ops.sums import group_sums

I64 = npt.NDArray[np.int64]


class AdSynthesizer:
    """Draws ads from what training ads have in common: numbers, categories, time, weight and target of a row together.

    What is drawn are columns as they were read, and features are made of them as of any new ad: a synthetic ad has one
    category of each column, and what is computed from columns is computed from its own. A Gaussian copula
    (:class:`within_wf.augment.copula.GaussianCopula`) draws the places that a row's values have in the order of each column,
    and which of them are missing. Numbers lie between those that were seen, whole ones stay whole; times and categories are
    some that were seen. Categories, a missing one among them, stand in the order of their rows' mean target, since they have
    none of their own: so the target goes with them.

    Args:
        roles: What the columns of the table mean.
        features: What is made of them; says which columns are read besides.
    """

    def __init__(self, roles: AdTable, features: FeatureConfig) -> None:
        groups = [part.by for part in features.aggregates]
        counted = [name for part in features.aggregates for name in part.columns]
        is_timed = bool(features.calendar) or any(part.rows == "earlier" for part in features.aggregates)
        self._roles = roles
        self._categories = tuple(dict.fromkeys([*roles.categorical, *groups]))
        self._times = (roles.time,) if is_timed and roles.time is not None else ()
        self._answers = (roles.target,) if roles.weight is None else (roles.target, roles.weight)
        named = dict.fromkeys([*roles.numeric, *counted, *self._answers])
        self._numbers = tuple(name for name in named if name not in (*self._categories, *self._times))
        self._columns: dict[str, _Column] = {}
        self._gaps: I64 = np.zeros(0, dtype=np.int64)
        self._copula = GaussianCopula()

    @property
    def columns(self) -> list[str]:
        """The columns that are read, and drawn."""
        return [*self._numbers, *self._categories, *self._times]

    def fit(self, table: pl.DataFrame) -> AdSynthesizer:
        """Learn from training ads, in any order; those without a target or a weight are left out.

        Raises:
            DatasetError: There are fewer than two.
        """
        known = np.all([np.isfinite(numbers_of(table[name])) for name in self._answers], axis=0)
        rows = table.filter(pl.Series(known))
        if rows.height < 2:
            problem = Problem("the training ads", f"{rows.height} with a target", "two or more")
            raise DatasetError("synthetic ads cannot be drawn", [problem])
        target = numbers_of(rows[self._roles.target])
        found = {name: _number(rows[name]) for name in self._numbers}
        found |= {name: _category(rows[name], target) for name in self._categories}
        found |= {name: _time(rows[name]) for name in self._times}
        self._columns = {name: column for name, (column, _) in found.items()}
        places = np.stack([places for _, places in found.values()], axis=1)
        is_missing = np.isnan(places)
        self._gaps = np.flatnonzero(is_missing.any(axis=0))
        self._copula.fit(np.concatenate([places, is_missing[:, self._gaps]], axis=1))
        return self

    def sample(self, ids: I64, seed: int = 42) -> pl.DataFrame:
        """Draw ads: :attr:`columns`, a row for each id; it depends on the seed and its id alone.

        Raises:
            DatasetError: It was fitted on no ads.
        """
        drawn = self._copula.sample(ids, seed)
        places, is_missing = drawn[:, : len(self._columns)], drawn[:, len(self._columns) :]
        places[:, self._gaps] = np.where(is_missing > 0.5, np.nan, places[:, self._gaps])
        columns = enumerate(self._columns.items())
        return pl.DataFrame([column.at(places[:, number]).alias(name) for number, (name, column) in columns])


@dataclass(frozen=True)
class _Column:
    """The values of a column in their order; a value's number is its place.

    Attributes:
        seen: Each once.
        is_number: Whether what lies between two of them is a value too.
        is_whole: Whether it is rounded.
    """

    seen: pl.Series
    is_number: bool = False
    is_whole: bool = False

    def at(self, places: Floats) -> pl.Series:
        """The values at some places, NaN for a missing one; shape [n]."""
        is_missing = pl.Series(np.isnan(places))
        inside = np.nan_to_num(places, nan=0.0)
        if not self.seen.len():
            return pl.repeat(None, len(places), dtype=self.seen.dtype, eager=True)
        if not self.is_number:
            return self.seen.gather(np.rint(inside).astype(np.int64)).set(is_missing, None)
        values = self.seen.to_numpy()
        low = np.minimum(np.floor(inside).astype(np.int64), max(len(values) - 2, 0))
        part = inside - low
        between = (1 - part) * values[low] + part * values[np.minimum(low + 1, len(values) - 1)]
        return pl.Series(np.rint(between) if self.is_whole else between).set(is_missing, None)


def _number(column: pl.Series) -> tuple[_Column, Floats]:
    values = numbers_of(column)
    is_known = ~np.isnan(values)
    seen, places = np.unique(values[is_known], return_inverse=True)
    result = np.full(len(values), np.nan)
    result[is_known] = places.reshape(-1)
    return _Column(pl.Series(seen, dtype=pl.Float64), is_number=True, is_whole=column.dtype.is_integer()), result


def _time(column: pl.Series) -> tuple[_Column, Floats]:
    seen = column.drop_nulls().unique().sort()
    return _Column(seen), _places(column, seen)


def _category(column: pl.Series, target: Floats) -> tuple[_Column, Floats]:
    """Categories in the order of the mean target of their rows, equal ones by name."""
    texts = column.cast(pl.String)
    names = texts.unique().sort()
    of_row = _places(texts, names).astype(np.int64)
    means = group_sums(target, of_row, len(names)) / np.bincount(of_row)
    order = np.lexsort((np.arange(len(names)), means))
    return _Column(names.gather(order)), np.argsort(order)[of_row].astype(np.float64)


def _places(column: pl.Series, seen: pl.Series) -> Floats:
    """Where each value stands among those that were seen; NaN for none."""
    numbered = pl.DataFrame({"value": seen}).with_row_index("place")
    found = pl.DataFrame({"value": column}).join(numbered, on="value", how="left", nulls_equal=True, maintain_order="left")
    return found["place"].cast(pl.Float64).fill_null(np.nan).to_numpy()
