"""What a snapshot is taken of: the dataset of a configuration, or a file."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import polars as pl

from within_wf.config.dataset import DatasetConfig, FileSource
from within_wf.config.load import load_file
from within_wf.config.related import linked_columns
from within_wf.data.dvc.pointer import find_pointer
from within_wf.data.layout import contract_layout, layout_of
from within_wf.data.load import configuration_of, file_or_tracked, load_dataset, raw_files, refuse_broken
from within_wf.data.readers.files import write_files
from within_wf.data.readers.kinds import TextFormat, file_kind
from within_wf.data.readers.numerals import DecimalMark
from within_wf.data.readers.open import open_raw
from within_wf.data.readers.table import table_pieces
from within_wf.data.schemas import CONTRACTS, Contract
from within_wf.data.units import column_of
from within_wf.data.validator import check_rows
from within_wf.data.versions.csv_types import as_type, type_of
from within_wf.errors import DatasetError, DatasetValidationError, Problem
from within_wf.store.disk import digest_file
from within_wf.store.pieces import write_pieces

NO_CONTRACT = "none"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_STRANGE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True)
class Source:
    """A table that a snapshot can be taken of.

    Attributes:
        name: What the dataset is called.
        table: Its rows, some of which are read at a time where they are many.
        contract: The contract they keep, if any.
        raw: What messages call a file that was read, to the SHA-256 of its bytes.
        said: What the person named.
    """

    name: str
    table: pl.LazyFrame
    contract: str | None
    raw: Mapping[str, str]
    said: str


def open_source(
    source: str,
    folder: Path,
    *,
    name: str | None = None,
    contract: str | None = None,
    like: Mapping[str, str] | None = None,
    decimal: DecimalMark | None = None,
    skip_lines: int = 0,
    configs: Path = Path("configs"),
    data: Path | None = None,
) -> Source:
    """Read what a snapshot is to be taken of, not all of it at once where it is a table of files.

    Args:
        source: A file; one that DVC tracks, by its path or its pointer (a folder of tables alike too, or a file in it); or
            the name of a dataset in ``configs/data``.
        folder: Where its rows are kept while they are needed.
        name: What the dataset is called; by default its own name, or the file's without what follows the first dot.
        contract: The contract it has to keep; ``none`` for no contract. By default, of a file, the one whose required
            columns it has, if there is just one; of a dataset, that of its ads, or else of its series.
        like: The schema of a version it came from: CSV columns that no contract names have its types where their values can.
        decimal: The decimal mark of a file's numbers in text, if somebody said it.
        skip_lines: Lines above the header of a CSV file.
        configs: The folder of configurations.
        data: The folder of raw files; where it is not said, the one that ``WITHIN_DATA`` names.

    Raises:
        DatasetNotFoundError: There is no such file or dataset.
        DatasetError: It cannot be read; or the name cannot be one.
        DatasetValidationError: Rows break the contract, or there is no such contract.
        ConfigError: The dataset's configuration is wrong.
    """
    path = Path(source)
    pointer = find_pointer(path)
    if pointer is not None or path.suffix or path.is_file() or len(path.parts) != 1:
        called = path if pointer is None else Path(pointer[1]) if pointer[1] else pointer[0].with_suffix("")
        with tempfile.TemporaryDirectory() as fetched:
            files = file_or_tracked(path, Path(fetched))
            return _of_files(files, folder, _checked(name or _stem(called)), contract, source, like or {}, decimal, skip_lines)
    config = load_file(configuration_of(source, configs), DatasetConfig)
    own = "ad_performance" if config.ads is not None else "account_health"
    with tempfile.TemporaryDirectory() as fetched:
        files = raw_files(source, config.source, data, Path(fetched)) if isinstance(config.source, FileSource) else {}
        raw = {file: digest_file(place) for file, place in files.items()}
        if isinstance(config.source, FileSource) and contract in (None, NO_CONTRACT, own):
            table = _of_dataset(config, config.source, files, folder)
        else:
            table = load_dataset(source, None if contract == NO_CONTRACT else contract, configs=configs, data=data).lazy()
    return Source(_checked(name or config.name), table, None if contract == NO_CONTRACT else contract or own, raw, source)


def _of_dataset(config: DatasetConfig, source: FileSource, files: Mapping[str, Path], folder: Path) -> pl.LazyFrame:
    """The table of a dataset of files, in a file of its own; its rows keep their contract."""
    linked = linked_columns(config.related)
    (name,) = write_files(source, files, folder, config.ads, config.series, linked)
    table = pl.scan_parquet(folder / f"{name}.parquet")
    roles = config.ads or config.series
    if roles is not None:
        refuse_broken(check_rows(table, layout_of(roles), config.name), config.name)
    return table


def _of_files(
    files: Mapping[str, Path],
    folder: Path,
    name: str,
    contract: str | None,
    said: str,
    like: Mapping[str, str],
    decimal: DecimalMark | None,
    skip_lines: int,
) -> Source:
    """Files that are one table, one below the other."""
    form = TextFormat(decimal or ".", skip_lines)
    opened = [open_raw(path, file, form) for file, path in files.items()]
    raw = {file: digest_file(path) for file, path in files.items()}
    kept = contract or _fitting(opened[0].columns)
    layout = None if kept == NO_CONTRACT else contract_layout(_contract(kept))
    kinds, required = (layout.kinds, layout.required) if layout is not None else ({}, frozenset())
    write_pieces(folder / "read.parquet", table_pieces(files, kinds, required, others=True, fixed=True, text=form))
    table = pl.scan_parquet(folder / "read.parquet")
    if layout is not None:
        refuse_broken(check_rows(table, layout, name), name)
    if all(file_kind(path, file).format == "csv" for file, path in files.items()):
        others = [column for column in table.collect_schema() if column not in kinds]
        types = {column: type_of(column_of(table, column), like.get(column), decimal) for column in others}
        table = table.with_columns(_typed(column, dtype, decimal) for column, dtype in types.items())
    return Source(name, table, None if kept == NO_CONTRACT else kept, raw, said)


def _typed(column: str, dtype: pl.DataType, decimal: DecimalMark | None) -> pl.Expr:
    return pl.col(column).map_batches(partial(as_type, dtype=dtype, decimal=decimal), return_dtype=dtype, is_elementwise=True)


def _contract(name: str) -> type[Contract]:
    if name not in CONTRACTS:
        problem = Problem("contract", repr(name), f"one of {', '.join(sorted(CONTRACTS))}, or {NO_CONTRACT}")
        raise DatasetValidationError("there is no such contract", [problem])
    return CONTRACTS[name]


def _fitting(columns: tuple[str, ...]) -> str:
    """The one contract all of whose columns a table has that must be there; none where it has those of several, or of none."""
    fitting = [contract for contract, model in CONTRACTS.items() if contract_layout(model).required <= set(columns)]
    return fitting[0] if len(fitting) == 1 else NO_CONTRACT


def _stem(path: Path) -> str:
    return _STRANGE.sub("_", path.name.partition(".")[0]).strip("_") or "table"


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        problem = Problem("name", repr(name), "letters, digits and . - _, a letter or digit first")
        raise DatasetError("a version cannot be called so", [problem])
    return name
