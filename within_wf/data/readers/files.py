"""The files of a dataset as its table, by the reader that the dataset names; whole, or as a file whatever their size."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import polars as pl

from within_wf.config.dataset import AdTable, FileSource, SeriesTable
from within_wf.config.expressions import parse
from within_wf.data.computed import computed_pieces, with_computed
from within_wf.data.layout import Kind, Layout, layout_of
from within_wf.data.readers.ad_exchange import read_ad_exchange
from within_wf.data.readers.kinds import TextFormat
from within_wf.data.readers.table import table_pieces
from within_wf.data.readers.upworthy import read_upworthy
from within_wf.errors import DatasetError, Problem
from within_wf.store.canonical import write_parquet
from within_wf.store.pieces import write_pieces


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
    if source.reader == "table":
        name, layout = _named_layout(ads, series)
        table = pl.concat(_pieces(source, files, layout, linked or {}, say)).rechunk()
        return {name: with_computed(table, source.computed)}
    return _known(source, files, say)


def write_files(
    source: FileSource,
    files: Mapping[str, Path],
    folder: Path,
    ads: AdTable | None = None,
    series: SeriesTable | None = None,
    linked: Mapping[str, Kind] | None = None,
    say: Callable[[str], object] | None = None,
) -> dict[str, int]:
    """Write what :func:`read_files` reads as Parquet into a folder; of the reader ``table`` only some rows are in memory.

    Returns:
        ``ads`` or ``series``, which name the files, to the rows of the table.

    Raises:
        DatasetError: As :func:`read_files`; nothing is left in the folder then.
    """
    if source.reader != "table":
        tables = _known(source, files, say)
        for name, table in tables.items():
            write_parquet(folder / f"{name}.parquet", table)
        return {name: table.height for name, table in tables.items()}
    name, layout = _named_layout(ads, series)
    path, read = folder / f"{name}.parquet", folder / "read.parquet"
    try:
        rows = write_pieces(read, _pieces(source, files, layout, linked or {}, say))
        if source.computed:
            write_pieces(path, computed_pieces(pl.scan_parquet(read), source.computed))
        else:
            read.rename(path)
    finally:
        read.unlink(missing_ok=True)
    return {name: rows}


def _known(source: FileSource, files: Mapping[str, Path], say: Callable[[str], object] | None) -> dict[str, pl.DataFrame]:
    """The table of a format that the project knows."""
    return {"ads": read_upworthy(files)} if source.reader == "upworthy" else {"series": read_ad_exchange(files, say)}


def _named_layout(ads: AdTable | None, series: SeriesTable | None) -> tuple[str, Layout]:
    roles = {name: table for name, table in (("ads", ads), ("series", series)) if table is not None}
    if len(roles) != 1:
        problem = Problem("dataset", " and ".join(roles) or "neither ads nor series", "one of them", "Make a dataset of each.")
        raise DatasetError("files can be read as one table alone", [problem])
    return next((name, layout_of(table)) for name, table in roles.items())


def _pieces(
    source: FileSource,
    files: Mapping[str, Path],
    layout: Layout,
    linked: Mapping[str, Kind],
    say: Callable[[str], object] | None,
) -> Iterator[pl.DataFrame]:
    """The columns that a dataset reads, by its own names for them."""
    used = {column: kind for text in source.computed.values() for column, kind in parse(text).columns.items()}
    kinds: dict[str, Kind] = {column: "text" if kind == "text" else "number" for column, kind in used.items()}
    kinds |= dict(layout.kinds)
    kinds |= {name: kind for name, kind in linked.items() if name not in kinds}
    kinds = {name: kind for name, kind in kinds.items() if name not in source.computed}
    required = (layout.required | used.keys() | linked.keys()) - source.computed.keys()
    theirs = {name: source.columns.get(name, name) for name in kinds}
    found = table_pieces(
        files,
        {theirs[name]: kind for name, kind in kinds.items()},
        {theirs[name] for name in required},
        text=TextFormat(source.decimal, source.skip_lines, source.day_first),
        say=say,
    )
    for piece in found:
        yield piece.rename({column: name for name, column in theirs.items() if column in piece.columns})
