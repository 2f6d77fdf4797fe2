"""The other tables of a dataset: the columns of each that its contract names or that are spoken of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import polars as pl

from within_wf.config.related import RelatedTable, measure
from within_wf.data.layout import Kind, contract_layout
from within_wf.data.readers.kinds import TextFormat
from within_wf.data.readers.table import read_table
from within_wf.data.schemas import CONTRACTS
from within_wf.errors import DatasetError, DatasetNotFoundError, Problem


def read_related(
    related: Mapping[str, RelatedTable],
    files: Mapping[str, Mapping[str, Path]],
    ours: pl.Schema,
    say: Callable[[str], object] | None = None,
) -> dict[str, pl.DataFrame]:
    """Read the files of other tables.

    Args:
        related: What is said of each.
        files: Table to what messages call its files, to their paths.
        ours: The types of the model's table: keys that are moments there are read as moments.
        say: Takes lines that say what was left out.

    Returns:
        Table to the columns that its contract names or that are spoken of, under their names here.

    Raises:
        DatasetNotFoundError: Files are missing, and nothing else is wrong.
        DatasetError: Files cannot be read, or columns are not there; everything wrong with any of them is named.
    """
    tables, errors, problems = {}, [], []
    for name, says in related.items():
        try:
            tables[name] = _read(says, files[name], ours, say)
        except DatasetError as error:
            errors.append(error)
            problems += [Problem(f"{name}: {each.where}", each.found, each.expected, each.cure) for each in error.problems]
    if errors:
        kind = DatasetNotFoundError if all(isinstance(error, DatasetNotFoundError) for error in errors) else DatasetError
        raise kind("other tables of the dataset cannot be read", problems)
    return tables


def drawn_related(related: Mapping[str, RelatedTable], world: Path, ours: pl.Schema) -> dict[str, pl.DataFrame]:
    """The tables of a sample world that are spoken of: the columns of each that :func:`read_related` would read."""
    tables = {}
    for name, says in related.items():
        path = world / f"{name}.parquet"
        known, _ = _columns(says, ours)
        tables[name] = pl.read_parquet(path, columns=[column for column in pl.read_parquet_schema(path) if column in known])
    return tables


def _read(says: RelatedTable, files: Mapping[str, Path], ours: pl.Schema, say: Callable[[str], object] | None) -> pl.DataFrame:
    kinds, required = _columns(says, ours)
    named = {column: says.columns.get(column, column) for column in kinds}
    table = read_table(
        files,
        {named[column]: kind for column, kind in kinds.items()},
        {named[column] for column in required},
        text=TextFormat(says.decimal, says.skip_lines),
        say=say,
    )
    return table.rename({theirs: column for column, theirs in named.items() if theirs in table.columns})


def _columns(says: RelatedTable, ours: pl.Schema) -> tuple[dict[str, Kind], set[str]]:
    """The columns of a table that its contract names or that are spoken of, to their kinds; and those that must be there."""
    layout = contract_layout(CONTRACTS[says.contract]) if says.contract is not None else None
    kinds: dict[str, Kind] = dict(layout.kinds) if layout is not None else {}
    required = set(layout.required) if layout is not None else set()
    for mine, theirs in says.key_pairs():
        kinds.setdefault(theirs, _kind_of_key(ours.get(mine)))
        required.add(theirs)
    for each in says.agrees:
        kinds.setdefault(measure(each.theirs).column, "number")
        required.add(measure(each.theirs).column)
    return kinds, required


def _kind_of_key(ours: pl.DataType | None) -> Kind:
    """How a key is read that compares with a column of this type: ids are text, whatever they look like."""
    if ours is None or not (ours.is_temporal() or ours.is_float()):
        return "text"
    return "moment" if ours.is_temporal() else "number"
