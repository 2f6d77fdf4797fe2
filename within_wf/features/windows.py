"""Time series as windows: the last moments before, and of, each moment that is judged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, combinations
from math import comb
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from within_wf.config.dataset import SeriesTable
from within_wf.config.features import ColumnTreatment, WindowConfig
from within_wf.errors import DatasetError, Problem
from within_wf.features.calendar import calendar_features, calendar_names
from within_wf.features.history import history_features, history_names
from within_wf.features.numeric import Floats, NumericColumn, takes_log
from within_wf.features.statistics import STATISTICS, window_statistics
from within_wf.store.canonical import read_json, write_json

_FILE = "windows.json"
_FIRST_KEYS = ("length", "train_stride")
_SCALING = ColumnTreatment(imputation="median", scaling="robust", outlier_quantile=0)
"""Median and quartiles: what is in trouble must not set the scale."""
SPLITS = ("train", "validation", "test")
EXCLUDED = "excluded"
"""Moments in an embargo: windows look back at them, and none ends there."""


@dataclass(frozen=True)
class Windows:
    """Windows of one or several series, by series and time.

    Attributes:
        x: Scaled channels, then each channel's distance from the window's median; float32, shape [n, length, 2 channels].
        features: Statistics of each window; float32, shape [n, f].
        label: Of the last moment; int64, shape [n].
        rows: The last moment's row in the table; int64, shape [n].
    """

    x: npt.NDArray[np.float32]
    features: npt.NDArray[np.float32]
    label: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]


class WindowBuilder:
    """Cuts series into windows on an even grid of moments.

    A moment that is missing takes the values of the one before it and ends no window. A window looks back as far as the
    series reaches, into another side of the split too; it is labelled by its last moment and belongs to that moment's side.

    Args:
        roles: What the columns mean.
        config: How long windows are, and how far apart.
    """

    def __init__(self, roles: SeriesTable, config: WindowConfig | None = None) -> None:
        self.roles = roles
        self.config = config or WindowConfig()
        self._channels: list[NumericColumn] = []

    def fit(self, table: pl.DataFrame) -> WindowBuilder:
        """Learn each channel's scale from training moments.

        Raises:
            DatasetError: There are none.
        """
        if table.height == 0:
            raise DatasetError("there is nothing to learn from", [Problem("the training moments", "none", "at least one")])
        columns = [table[name].cast(pl.Float64).to_numpy() for name in self.roles.channels]
        present = [values[~np.isnan(values)] for values in columns]
        # differences of logarithms are rates; where one channel needs its logarithm, all are taken so
        log = all(values.size and values.min() >= 0 for values in present) and any(takes_log(values) for values in present)
        self._channels = [NumericColumn.fit(values, _SCALING, log=log) for values in columns]
        return self

    @property
    def feature_names(self) -> list[str]:
        """``channel: statistic`` or ``channel / channel: statistic``; then what the past and the calendar say."""
        names = [*self.roles.channels, *(f"{a} / {b}" for a, b in combinations(self.roles.channels, 2))]
        told = [f"{name}: {statistic}" for name in names for statistic in STATISTICS]
        told += [f"{name}: {past}" for name in self.roles.channels for past in history_names(self.config.history)]
        return told + calendar_names(self.roles.time, self.config.calendar)

    def build(self, table: pl.DataFrame) -> Iterator[Windows]:
        """The windows of each series, in the order of the series' names.

        Args:
            table: The moments of all sides, with the column ``split`` (``train``, ``validation``, ``test`` or ``excluded``) and
                ``row``, sorted by series and time.
        """
        step = _common_step(table, self.roles)
        lengths = table[self.roles.series].rle().struct.field("len").to_list()
        for end, length in zip(accumulate(lengths), lengths, strict=True):
            yield self._of_series(table.slice(end - length, length), step)

    def prepare(self, table: pl.DataFrame) -> pl.DataFrame:
        """Moments that are only to be scored, as :meth:`build` takes them; they need no label and belong to no side.

        Args:
            table: The columns of series, time and channels, rows in any order.

        Raises:
            DatasetError: Columns are missing; all of them are named.
        """
        needed = [self.roles.series, self.roles.time, *self.roles.channels]
        given = ", ".join(table.columns)
        missing = [
            Problem(f"column {name}", "no such column", f"one among {given}") for name in needed if name not in table.columns
        ]
        if missing:
            raise DatasetError("the series lack what the model reads", missing)
        moments = table.select(needed).sort(self.roles.series, self.roles.time).with_row_index("row")
        return moments.with_columns(pl.lit("test").alias("split"), pl.lit(0).alias(self.roles.label))

    def _of_series(self, moments: pl.DataFrame, step: int) -> Windows:
        length = self.config.length
        time = moments[self.roles.time].to_physical().cast(pl.Int64).to_numpy()
        place = _places(time, step)
        grid = np.maximum.accumulate(_last_known(place))
        values = np.stack([self._scaled(channel, moments[name]) for channel, name in self._pairs()], axis=1)[grid]
        ends = self._ends(place, moments["split"].to_numpy())
        around = place[ends][:, None] + np.arange(1 - length, 1)
        x, features = self.complete(values[around], self._further(values, place[ends], moments[ends]))
        label = moments[self.roles.label].to_numpy().astype(np.int64)
        return Windows(x, features, label[ends], moments["row"].to_numpy().astype(np.int64)[ends])

    @property
    def statistics(self) -> int:
        """Features that are computed from a window's own moments; the first ones."""
        channels = len(self.roles.channels)
        return len(STATISTICS) * (channels + comb(channels, 2))

    def complete(self, x: Floats, further: Iterable[Floats] = ()) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Windows as a model reads them.

        Args:
            x: Scaled channels, shape [n, length, channels].
            further: Features that say more than the moments do, each of shape [n, …].

        Returns:
            ``x`` and ``features`` of :class:`Windows`.
        """
        deviation = x - np.median(x, axis=1, keepdims=True)
        features = np.concatenate([self._statistics(x), *further], axis=1)
        return np.concatenate([x, deviation], axis=2).astype(np.float32), features.astype(np.float32)

    def _pairs(self) -> Iterator[tuple[NumericColumn, str]]:
        return zip(self._channels, self.roles.channels, strict=True)

    def _scaled(self, channel: NumericColumn, values: pl.Series) -> Floats:
        return channel.transform(values.cast(pl.Float64).to_numpy())

    def _ends(self, place: npt.NDArray[np.int64], split: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        """The moments that end a window: every one with enough before it, of training moments every ``train_stride``-th."""
        candidates = np.flatnonzero(place >= self.config.length - 1)
        train = candidates[split[candidates] == "train"]
        rest = candidates[np.isin(split[candidates], SPLITS[1:])]
        return np.sort(np.concatenate([train[:: self.config.train_stride], rest]))

    def _statistics(self, x: Floats) -> Floats:
        """Of each channel, and of the difference of each two: what a rate is to logarithms."""
        ratios = [x[..., a] - x[..., b] for a, b in combinations(range(x.shape[2]), 2)]
        columns = [window_statistics(x[..., c]) for c in range(x.shape[2])] + [window_statistics(ratio) for ratio in ratios]
        return np.concatenate(columns, axis=1)

    def _further(self, values: Floats, place: npt.NDArray[np.int64], ends: pl.DataFrame) -> Iterator[Floats]:
        """What the series' past and the calendar say at the moments that end a window; 0 where the series had not begun."""
        if self.config.history.is_on:
            past = history_features(values, self.config.history)[place]
            yield np.nan_to_num(past, nan=0.0).reshape(len(place), -1)
        if self.config.calendar:
            yield calendar_features(ends[self.roles.time], self.config.calendar)

    def save(self, folder: Path) -> None:
        """Write what was learned; the same bytes each time."""
        folder.mkdir(parents=True, exist_ok=True)
        channels = [{"name": name, **channel.to_json()} for channel, name in self._pairs()]
        write_json(
            folder / _FILE, {"roles": self.roles.model_dump(), "config": self.config.said(_FIRST_KEYS), "channels": channels}
        )

    @classmethod
    def load(cls, folder: Path) -> WindowBuilder:
        """Read what :meth:`save` wrote.

        Raises:
            DatasetError: The folder holds none.
        """
        try:
            content = read_json(folder / _FILE)
            made = cls(SeriesTable(**content["roles"]), WindowConfig.model_validate(content["config"]))
            made._channels = [
                NumericColumn.from_json({key: value for key, value in entry.items() if key != "name"})
                for entry in content["channels"]
            ]
        except (OSError, ValueError, KeyError, TypeError) as error:
            problem = Problem(str(folder / _FILE), str(error), "what WindowBuilder.save writes")
            raise DatasetError("what windows were made with cannot be read", [problem]) from error
        return made


def with_rows(parts: Sequence[pl.DataFrame], roles: SeriesTable) -> pl.DataFrame:
    """The sides of a split as one table, by series and time, with ``split`` and ``row``.

    Args:
        parts: Train, validation, test and, where there is an embargo, what it excludes.
        roles: What the columns mean.
    """
    names = (*SPLITS, EXCLUDED)
    named = [part.with_columns(split=pl.lit(name, pl.Enum(names))) for name, part in zip(names, parts, strict=False)]
    return pl.concat(named).sort(roles.series, roles.time).with_row_index("row")


def _common_step(table: pl.DataFrame, roles: SeriesTable) -> int:
    """The most frequent distance of neighbouring moments; 0 where moments are not on a grid of it."""
    time = table[roles.time].to_physical().cast(pl.Int64)
    apart = time.diff().filter((table[roles.series] == table[roles.series].shift()).fill_null(value=False))
    apart = apart.drop_nulls()
    if apart.is_empty():
        return 0
    counts = apart.value_counts(name="n").sort(["n", apart.name], descending=[True, False])
    step = int(counts[apart.name][0])
    return step if step > 0 and not (apart % step != 0).any() else 0


def _places(time: npt.NDArray[np.int64], step: int) -> npt.NDArray[np.int64]:
    """Where each moment stands on the series' grid; without a grid they follow each other."""
    return (time - time[0]) // step if step else np.arange(time.size)


def _last_known(place: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """For each place of the grid the moment that stands there, 0 where none does."""
    known = np.zeros(place[-1] + 1, np.int64)
    known[place] = np.arange(place.size)
    return known
