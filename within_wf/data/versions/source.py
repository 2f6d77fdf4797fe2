"""What a snapshot is taken of: the dataset of a configuration, or a file."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from within_wf.config.dataset import DatasetConfig, FileSource
from within_wf.config.load import load_file
from within_wf.data.dvc.pointer import find_pointer
from within_wf.data.layout import contract_layout
from within_wf.data.load import file_or_tracked, kept_rows, load_dataset, raw_files
from within_wf.data.readers.kinds import file_kind
from within_wf.data.readers.open import open_raw
from within_wf.data.readers.table import read_table
from within_wf.data.schemas import CONTRACTS, Contract
from within_wf.data.versions.csv_types import typed
from within_wf.errors import DatasetError, DatasetValidationError, Problem
from within_wf.store.disk import digest_file

NO_CONTRACT = "none"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_STRANGE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True)
class Source:
    """A table that a snapshot can be taken of.

    Attributes:
        name: What the dataset is called.
        table: Its rows.
        contract: The contract they keep, if any.
        raw: What messages call a file that was read, to the SHA-256 of its bytes.
        said: What the person named.
    """

    name: str
    table: pl.DataFrame
    contract: str | None
    raw: Mapping[str, str]
    said: str


def open_source(
    source: str,
    *,
    name: str | None = None,
    contract: str | None = None,
    like: Mapping[str, str] | None = None,
    configs: Path = Path("configs"),
    data: Path | None = None,
) -> Source:
    """Read what a snapshot is to be taken of.

    Args:
        source: A file; one that DVC tracks, by its path or its pointer (a folder of tables alike too, or a file in it); or
            the name of a dataset in ``configs/data``.
        name: What the dataset is called; by default its own name, or the file's without what follows the first dot.
        contract: The contract it has to keep; ``none`` for no contract. By default, of a file, the one whose required
            columns it has, if there is just one; of a dataset, that of its ads, or else of its series.
        like: The schema of a version it came from: CSV columns that no contract names have its types where their values can.
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
        with tempfile.TemporaryDirectory() as folder:
            files = file_or_tracked(path, Path(folder))
            return _of_files(files, _checked(name or _stem(called)), contract, source, like or {})
    table = load_dataset(source, None if contract == NO_CONTRACT else contract, configs=configs, data=data)
    config = load_file(configs / "data" / f"{source}.yaml", DatasetConfig)
    kept = contract or ("ad_performance" if config.ads is not None else "account_health")
    with tempfile.TemporaryDirectory() as folder:
        files = raw_files(source, config.source, data, Path(folder)) if isinstance(config.source, FileSource) else {}
        raw = {file: digest_file(place) for file, place in files.items()}
    return Source(_checked(name or config.name), table, None if kept == NO_CONTRACT else kept, raw, source)


def _of_files(files: Mapping[str, Path], name: str, contract: str | None, said: str, like: Mapping[str, str]) -> Source:
    """Files that are one table, one below the other."""
    opened = [open_raw(path, file) for file, path in files.items()]
    raw = {file: digest_file(path) for file, path in files.items()}
    kept = contract or _fitting(opened[0].columns)
    if kept == NO_CONTRACT:
        table, known = read_table(files, {}, others=True, fixed=True), set()
    else:
        layout = contract_layout(_contract(kept))
        table, known = read_table(files, layout.kinds, layout.required, others=True, fixed=True), set(layout.kinds)
        table = kept_rows(table, layout, name, "refuse")
    if all(file_kind(path, file).format == "csv" for file, path in files.items()):
        columns = table.get_columns()
        table = pl.DataFrame([column if column.name in known else typed(column, like.get(column.name)) for column in columns])
    return Source(name, table, None if kept == NO_CONTRACT else kept, raw, said)


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
