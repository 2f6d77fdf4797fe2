"""The files of a dataset as its table, by the reader that the dataset names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import polars as pl

from within_wf.config.dataset import AdTable, FileSource, SeriesTable
from within_wf.config.expressions import parse
from within_wf.data.computed import with_computed
from within_wf.data.layout import Kind, Layout, layout_of
from within_wf.data.readers.ad_exchange import read_ad_exchange
from within_wf.data.readers.kinds import TextFormat
from within_wf.data.readers.table import read_table
from within_wf.data.readers.upworthy import read_upworthy
from within_wf.errors import DatasetError, Problem


def read_files(
    source: FileSource,
    files: Mapping[str, Path],
    ads: AdTable | None = None,
    series: SeriesTable | None = None,
    linked: Mapping[str, Kind] | None = None,
    say: Callable[[str], object] | None = None,
) -> dict[str, pl.DataFrame]:
    """Read the files of a dataset.

    Args:
        source: How they are read.
        files: Their names in the dataset's configuration, to their paths.
        ads: What the columns of a table of ads mean; for the reader ``table``.
        series: What the columns of a table of series mean; likewise.
        linked: Columns that other tables speak of, to their kind where the table's meaning says none; likewise.
        say: Takes lines that say what was left out or filled in.

    Returns:
        ``ads`` or ``series`` to the table.

    Raises:
        DatasetError: The files cannot be read, or are not the tables the dataset says they are; everything wrong is named.
    """
    if source.reader == "upworthy":
        return {"ads": read_upworthy(files)}
    if source.reader == "ad_exchange":
        return {"series": read_ad_exchange(files, say)}
    roles = {name: table for name, table in (("ads", ads), ("series", series)) if table is not None}
    if len(roles) != 1:
        problem = Problem("dataset", " and ".join(roles) or "neither ads nor series", "one of them", "Make a dataset of each.")
        raise DatasetError("files can be read as one table alone", [problem])
    return {name: _read(source, files, layout_of(table), linked or {}, say) for name, table in roles.items()}


def _read(
    source: FileSource,
    files: Mapping[str, Path],
    layout: Layout,
    linked: Mapping[str, Kind],
    say: Callable[[str], object] | None,
) -> pl.DataFrame:
    """The table that a dataset describes: columns renamed, and others made of them."""
    used = {column: kind for text in source.computed.values() for column, kind in parse(text).columns.items()}
    kinds: dict[str, Kind] = {column: "text" if kind == "text" else "number" for column, kind in used.items()}
    kinds |= dict(layout.kinds)
    kinds |= {name: kind for name, kind in linked.items() if name not in kinds}
    kinds = {name: kind for name, kind in kinds.items() if name not in source.computed}
    required = (layout.required | used.keys() | linked.keys()) - source.computed.keys()
    theirs = {name: source.columns.get(name, name) for name in kinds}
    table = read_table(
        files,
        {theirs[name]: kind for name, kind in kinds.items()},
        {theirs[name] for name in required},
        text=TextFormat(source.decimal, source.skip_lines),
        say=say,
    )
    table = table.rename({column: name for name, column in theirs.items() if column in table.columns})
    return with_computed(table, source.computed)
