"""The rows of a model's table that quality checks look at, and what its columns are to them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from within_wf.config.dataset import AdTable, SeriesTable
from within_wf.config.quality import QualityConfig
from within_wf.data.layout import Layout, key_texts, layout_of
from within_wf.data.units import units_of_rows, units_of_values
from within_wf.store.pieces import take

_PURPOSE = "quality sample"


@dataclass(frozen=True)
class Sample:
    """Rows of a table.

    Attributes:
        roles: What its columns mean.
        table: The rows that are looked at.
        rows: Their places in the whole table, ascending, int64, shape [n].
        sound: Whether each keeps the contract, bool, shape [n].
        ids: Their keys as people know them.
        total: Rows of the whole table.
        seed: Of the draws.
    """

    roles: AdTable | SeriesTable
    table: pl.DataFrame
    rows: npt.NDArray[np.int64]
    sound: npt.NDArray[np.bool_]
    ids: list[str]
    total: int
    seed: int

    @property
    def target(self) -> str:
        """The column to predict."""
        return self.roles.target if isinstance(self.roles, AdTable) else self.roles.label

    @property
    def is_class(self) -> bool:
        """Whether the target names classes."""
        return isinstance(self.roles, SeriesTable)

    @property
    def features(self) -> list[str]:
        """The columns that the model sees, in their order."""
        roles = self.roles
        if isinstance(roles, SeriesTable):
            return list(roles.channels)
        return list(dict.fromkeys((*roles.text, *roles.numeric, *roles.categorical)))

    @property
    def measures(self) -> list[str]:
        """Numeric columns whose values can be judged by each other: the model's, and what the contract has in every row."""
        roles = self.roles
        if isinstance(roles, SeriesTable):
            return list(roles.channels)
        fields = layout_of(roles).contract.model_fields
        told = [name for name, field in fields.items() if field.is_required() and name in self.table.columns]
        names = dict.fromkeys((*told, *roles.numeric))
        return [name for name in names if name != roles.target and self.table.schema[name].is_numeric()]

    def sound_rows(self) -> tuple[pl.DataFrame, npt.NDArray[np.int64]]:
        """The rows that keep the contract, and their positions among the rows that are looked at."""
        return self.table.filter(pl.Series(self.sound)), np.flatnonzero(self.sound).astype(np.int64)


def draw_sample(
    table: pl.DataFrame | pl.LazyFrame, kept: pl.Series, roles: AdTable | SeriesTable, config: QualityConfig
) -> Sample:
    """The whole table, or as many of its rows as may be looked at, drawn by their ids; of series, whole ones.

    Args:
        table: The table; of a file the drawn rows are read alone.
        kept: Whether each row keeps the contract.
        roles: What its columns mean.
        config: How many rows, and the seed.
    """
    layout = layout_of(roles)
    table, rows = table.lazy(), np.arange(kept.len(), dtype=np.int64)
    if rows.size > config.max_rows:
        rows = _drawn(table, roles, config)
    drawn = take(table, rows)
    sound = kept.to_numpy()[rows].astype(bool)
    return Sample(roles, drawn, rows, sound, _ids(drawn, layout), kept.len(), config.seed)


def _drawn(table: pl.LazyFrame, roles: AdTable | SeriesTable, config: QualityConfig) -> npt.NDArray[np.int64]:
    if isinstance(roles, AdTable):
        named = table.select(pl.col(roles.id).cast(pl.String).fill_null("")).collect(engine="streaming")
        draws = units_of_rows(named, roles.id).draws(config.seed, _PURPOSE)
        return np.sort(np.argsort(draws, kind="stable")[: config.max_rows]).astype(np.int64)
    series = table.select(pl.col(roles.series).cast(pl.String).fill_null("")).collect(engine="streaming")
    units = units_of_values(series.to_series())
    order = np.argsort(units.draws(config.seed, _PURPOSE), kind="stable")
    whole = max(1, int(np.searchsorted(np.cumsum(units.rows[order]), config.max_rows, side="right")))
    return np.flatnonzero(np.isin(units.of_row, order[:whole])).astype(np.int64)


def _ids(table: pl.DataFrame, layout: Layout) -> list[str]:
    return table.select(pl.concat_str(key_texts(layout.keys), separator=" ").alias("id"))["id"].to_list()
