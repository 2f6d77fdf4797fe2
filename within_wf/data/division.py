"""How a table came out divided: the side of each row, sizes beside what was asked, and what a person should know."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from within_wf.data.findings import NAMED, shown
from within_wf.data.sides import NONE, PARTS, Sides, Sizes
from within_wf.data.units import Ints
from within_wf.store.pieces import pieces


@dataclass(frozen=True)
class Division:
    """A table divided into train, validation and test.

    Attributes:
        sides: 0 train, 1 validation, 2 test, -1 none; int8, shape [rows].
        sizes: What was asked.
        drawn: Rows of each unit that was drawn by itself, int64, shape [units]; none where sizes are no matter of chance.
        notes: What became of rare classes and of large groups, in words.
    """

    sides: Sides
    sizes: Sizes
    drawn: Ints | None = None
    notes: tuple[str, ...] = ()

    def parts(self, table: pl.DataFrame) -> dict[str, pl.DataFrame]:
        """The rows of each side, in their order."""
        return {part: pl.concat(self.pieces(table.lazy(), number), rechunk=True) for number, part in enumerate(PARTS)}

    def excluded(self, table: pl.DataFrame) -> pl.DataFrame:
        """The rows that an embargo keeps out of all sides, in their order."""
        return pl.concat(self.pieces(table.lazy(), NONE), rechunk=True)

    def pieces(self, table: pl.LazyFrame, side: int) -> Iterator[pl.DataFrame]:
        """The rows of one side in their order, some after the others."""
        begin = 0
        for piece in pieces(table):
            yield piece.filter(pl.Series(self.sides[begin : begin + piece.height] == side))
            begin += piece.height

    @property
    def rows(self) -> dict[str, int]:
        """Rows of each side."""
        return {part: int((self.sides == number).sum()) for number, part in enumerate(PARTS)}

    @property
    def deviations(self) -> dict[str, float]:
        """Rows of each side above or below its share of all rows that are on one."""
        rows = self.rows
        total = sum(rows.values())
        return {part: rows[part] - share * total for part, share in zip(PARTS, self.sizes.shares, strict=True)}

    @property
    def spreads(self) -> dict[str, float] | None:
        """The standard deviation of each side's rows over all seeds; none where they are no matter of chance.

        A side is a sum of independent units of n rows each, taken with probability p: its variance is p (1 - p) sum of n^2.
        """
        if self.drawn is None:
            return None
        squares = int((self.drawn * self.drawn).sum())
        return {part: math.sqrt(share * (1 - share) * squares) for part, share in zip(PARTS, self.sizes.shares, strict=True)}


def notes_of_classes(sides: Sides, classes: pl.Series, small: list[str]) -> tuple[str, ...]:
    """What should be known of classes: those that share a stratum, and those that a side lacks.

    Args:
        sides: The side of each row.
        classes: The class of each row.
        small: Classes that were dealt together because they have fewer rows than there are sides.
    """
    table = pl.DataFrame({"class": classes.cast(pl.String), "side": sides})
    counts = table.group_by("class").agg(
        pl.len().alias("rows"), *((pl.col("side") == n).any().alias(p) for n, p in enumerate(PARTS))
    )
    lacking = counts.filter(~pl.all_horizontal(PARTS)).sort("class").to_dicts()
    notes = []
    for row in lacking[:NAMED]:
        empty = " and ".join(part for part in PARTS if not row[part])
        notes.append(f"class {shown(row['class'])} ({row['rows']:,} rows) has none in {empty}")
    if len(lacking) > NAMED:
        notes.append(f"{len(lacking) - NAMED:,} more classes have no row on some side")
    if small:
        notes.append(f"{len(small):,} classes with fewer than {len(PARTS)} rows are one stratum: {_some(small)}")
    return tuple(notes)


def notes_of_groups(rows: Ints, sizes: Sizes) -> tuple[str, ...]:
    """What should be known of groups: whether one is larger than a side.

    Args:
        rows: Rows of each group.
        sizes: What was asked.
    """
    val, test = sizes.rows(int(rows.sum()))
    notes = []
    for part, wanted in (("val", val), ("test", test)):
        large = int(np.count_nonzero(rows > wanted))
        if large:
            asked = f"{large:,} groups have more rows than the {wanted:,} that were asked for {part}"
            notes.append(f"{asked}; the largest has {int(rows.max()):,}")
    return tuple(notes)


def _some(names: list[str]) -> str:
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return ", ".join(map(shown, names[:NAMED])) + more
