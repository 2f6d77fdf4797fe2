"""One table, by the name of its dataset or the path of its file, checked against its contract."""

from __future__ import annotations

import difflib
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import polars as pl

from within_wf.config.dataset import DatasetConfig, FileSource, SampleWorldSource
from within_wf.config.load import load_file
from within_wf.config.related import linked_columns
from within_wf.data.dvc.fetch import fetch as fetch_pointer
from within_wf.data.dvc.pointer import find_pointer
from within_wf.data.layout import Layout, contract_layout, layout_of
from within_wf.data.readers.files import read_files
from within_wf.data.readers.open import open_raw
from within_wf.data.readers.related import read_related
from within_wf.data.readers.table import read_table
from within_wf.data.schemas import CONTRACTS, Contract
from within_wf.data.sources import fetch_all, find_files
from within_wf.data.validated import Validated
from within_wf.data.validator import check_rows
from within_wf.errors import DatasetError, DatasetNotFoundError, DatasetValidationError, Problem

_TABLES = {"ad_performance": "ads", "account_health": "series"}
_WORLD = {
    "ads": "ads.parquet",
    "series": "account_days.parquet",
    "industry_benchmark": "industry_benchmarks.parquet",
    "annotated_training_set": "annotations.parquet",
}


def load_dataset(
    dataset: str | Path,
    schema_type: str | None = None,
    *,
    on_violation: Literal["refuse", "quarantine"] = "refuse",
    configs: Path = Path("configs"),
    data: Path | None = None,
) -> pl.DataFrame:
    """Load a table.

    Args:
        dataset: A file, of a kind that its content says, whose columns are named as the contract names them, or one that DVC
            tracks, by its path or its pointer; or the name of a dataset in ``configs/data``.
        schema_type: The name of a contract. Where it is not said: of a file, the contract whose keys it has, of several the one
            of whose other columns it has any; of a dataset, its ads, or else its series. Benchmarks and annotations
            are read by their file, from the sample world, or as the table that names the contract in ``related``.
        on_violation: ``refuse`` raises where rows break their contract, ``quarantine`` leaves these rows out.
        configs: The folder of configurations.
        data: The folder of raw files; where it is not said, the one that ``WITHIN_DATA`` names.

    Returns:
        The rows in their order. A file's columns that the contract does not name come last; in CSV they are text.

    Raises:
        DatasetNotFoundError: There is no such file or dataset.
        DatasetError: It cannot be read; everything wrong is named.
        DatasetValidationError: Rows break the contract, or there is no such contract.
        ConfigError: The dataset's configuration is wrong.
    """
    if on_violation not in ("refuse", "quarantine"):
        problem = Problem("on_violation", repr(on_violation), "'refuse' or 'quarantine'")
        raise DatasetError("rows that break the contract cannot be treated so", [problem])
    if schema_type is not None and schema_type not in CONTRACTS:
        problem = Problem("schema_type", repr(schema_type), f"one of {', '.join(sorted(CONTRACTS))}")
        raise DatasetValidationError("there is no such contract", [problem])
    path = Path(dataset)
    if isinstance(dataset, Path) or path.suffix or path.is_file() or len(path.parts) != 1:
        name, (table, layout) = path.name, _load_file(path, schema_type)
    else:
        name, (table, layout) = dataset, _load_named(dataset, schema_type, configs, data)
    return kept_rows(table, layout, name, on_violation)


def kept_rows(table: pl.DataFrame, layout: Layout, name: str, on_violation: Literal["refuse", "quarantine"]) -> pl.DataFrame:
    """The rows of a table that keep its contract.

    Raises:
        DatasetValidationError: Some do not, and are not to be left out.
    """
    found = check_rows(table, layout, name)
    if on_violation == "refuse":
        refuse_broken(found, name)
    return found.clean


def refuse_broken(found: Validated, name: str) -> None:
    """Refuse a table of which rows break the contract.

    Raises:
        DatasetValidationError: Some do.
    """
    if found.aside:
        cure = "correct them, or leave them out with on_violation='quarantine'"
        message = f"{found.aside:,} of {found.rows:,} rows of {name} break the contract; {cure}"
        raise DatasetValidationError(message, found.problems(name))


def _load_file(path: Path, schema_type: str | None) -> tuple[pl.DataFrame, Layout]:
    with tempfile.TemporaryDirectory() as folder:
        files = file_or_tracked(path, Path(folder))
        layout = contract_layout(CONTRACTS[schema_type or _contract_of(files)])
        return read_table(files, layout.kinds, layout.required, others=True, fixed=True), layout


def file_or_tracked(path: Path, folder: Path) -> dict[str, Path]:
    """A file; or, where it is one of DVC's pointers or not there itself, what is tracked, fetched into ``folder``.

    Returns:
        What messages call each file, to its path.

    Raises:
        DatasetError: What is tracked cannot be had.
    """
    pointer = find_pointer(path)
    return {path.name: path} if pointer is None else fetch_pointer(*pointer, folder)


def _contract_of(files: Mapping[str, Path]) -> str:
    """The one contract whose keys a file has.

    Raises:
        DatasetError: None, or several.
    """
    name, path = next(iter(files.items()))
    columns = open_raw(path, name).columns
    by_keys = [each for each, contract in CONTRACTS.items() if set(contract.keys) <= set(columns)]
    fitting = [each for each in by_keys if _has_more_than_keys(CONTRACTS[each], columns)] or by_keys
    if len(fitting) != 1:
        keys = "; or ".join(f"{' and '.join(contract.keys)} of {each}" for each, contract in CONTRACTS.items())
        cure = "Say which by schema_type, or rename the columns."
        problem = Problem(f"{name}, the header", ", ".join(columns) or "nothing", keys, cure)
        raise DatasetError(f"{name} fits {'several contracts' if fitting else 'no contract'}", [problem])
    return fitting[0]


def _has_more_than_keys(contract: type[Contract], columns: Sequence[str]) -> bool:
    """Whether a table has a column that a contract asks for besides its keys: an ad's industry and platform are none."""
    return not (contract_layout(contract).required - set(contract.keys)).isdisjoint(columns)


def _load_named(name: str, schema_type: str | None, configs: Path, data: Path | None) -> tuple[pl.DataFrame, Layout]:
    config = load_file(configuration_of(name, configs), DatasetConfig)
    kind = _TABLES.get(schema_type, schema_type) if schema_type else "ads" if config.ads is not None else "series"
    roles = config.ads if kind == "ads" else config.series if kind == "series" else None
    if roles is None and schema_type is not None and kind not in _TABLES.values():
        if isinstance(config.source, SampleWorldSource):
            return _drawn(config.source, _WORLD[schema_type]), contract_layout(CONTRACTS[schema_type])
        return _load_related(name, config, config.source, schema_type, data)
    if roles is None:
        problem = Problem(f"{name}.yaml", f"no {kind}", f"{kind}, for {schema_type or 'any contract'}")
        raise DatasetError(f"the dataset {name} has no such table", [problem])
    if isinstance(config.source, SampleWorldSource):
        return _drawn(config.source, _WORLD[kind]), layout_of(roles)
    with tempfile.TemporaryDirectory() as folder:
        files = raw_files(name, config.source, data, Path(folder))
        tables = read_files(config.source, files, config.ads, config.series, linked_columns(config.related))
    if kind not in tables:
        problem = Problem(f"{name}.yaml", kind, f"{', '.join(tables)}, which is what the reader {config.source.reader} reads")
        raise DatasetError(f"the dataset {name} has no such table", [problem])
    return tables[kind], layout_of(roles)


def _load_related(
    name: str, config: DatasetConfig, source: FileSource, schema_type: str, data: Path | None
) -> tuple[pl.DataFrame, Layout]:
    """The other table of a dataset that names this contract."""
    other = next((table for table, says in config.related.items() if says.contract == schema_type), None)
    if other is None:
        expected = "ad_performance or account_health, or the contract of a table in related"
        problem = Problem("schema_type", repr(schema_type), expected, "Name the table in related, or load it by its file.")
        raise DatasetError(f"the dataset {name} has no such table", [problem])
    says = config.related[other]
    with tempfile.TemporaryDirectory() as folder:
        files = raw_files(name, source, data, Path(folder), says.files)
        table = read_related({other: says}, {other: files}, pl.Schema())[other]
    return table, contract_layout(CONTRACTS[schema_type])


def configuration_of(name: str, configs: Path) -> Path:
    """The file that describes a dataset.

    Raises:
        DatasetNotFoundError: There is none.
    """
    path = configs / "data" / f"{name}.yaml"
    if not path.is_file():
        known = sorted(entry.stem for entry in path.parent.glob("*.yaml"))
        near = difflib.get_close_matches(name, known, 1)
        hint = f"Did you mean {near[0]}?" if near else "A file is named with its suffix."
        problem = Problem("dataset", repr(name), f"a file, or one of {', '.join(known) or 'none'}", hint)
        raise DatasetNotFoundError(f"there is no dataset {name!r}", [problem])
    return path


def raw_files(
    name: str, source: FileSource, data: Path | None, folder: Path, files: Sequence[str] | None = None
) -> dict[str, Path]:
    """The files of a dataset, or ``files`` of another of its tables, to their paths; those at a URL are fetched to ``folder``.

    Raises:
        DatasetNotFoundError: Files are not there, or are looked for in WITHIN_DATA, which is not set.
        DatasetError: A URL cannot be read.
    """
    base = data or (Path(os.environ["WITHIN_DATA"]) if os.environ.get("WITHIN_DATA") else None)
    found = find_files(name, source.folder, source.files if files is None else files, base, folder)
    return fetch_all(found, folder)


def _drawn(source: SampleWorldSource, file: str) -> pl.DataFrame:
    """A table of the sample world, which is drawn anew."""
    from within_wf.data.sample_world.world import simulate

    with tempfile.TemporaryDirectory() as folder:
        simulate(source.rows, source.seed, Path(folder))
        return pl.read_parquet(Path(folder) / file, memory_map=False)
