"""Files whose bytes follow from their content alone.

safetensors writes metadata in a random order when there are several keys, so there is one key that holds canonical JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from within_wf.errors import StoreError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import polars as pl


def to_json(value: object) -> str:
    """Canonical JSON: sorted keys, shortest floats, no NaN.

    Raises:
        StoreError: ``value`` holds something JSON cannot say.
    """
    try:
        return json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False, indent=1) + "\n"
    except (TypeError, ValueError) as error:
        raise StoreError(f"a value cannot be written as JSON: {error}") from error


def write_json(path: Path, value: object) -> None:
    """Write ``value`` as canonical JSON."""
    path.write_text(to_json(value), encoding="utf-8")


def read_json(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def write_parquet(path: Path, table: pl.DataFrame | pl.LazyFrame) -> None:
    """Write a table as Parquet, of one in pieces only some at a time; rows keep their order.

    Row groups depend on the rows alone, so that the bytes are the same in whatever pieces they come.
    """
    table.lazy().sink_parquet(
        path, compression="zstd", compression_level=3, statistics=True, row_group_size=100_000, engine="streaming"
    )


def write_tensors(path: Path, tensors: Mapping[str, npt.NDArray[np.generic]], about: object = None) -> None:
    """Write arrays as safetensors, ``about`` as JSON beside them in the file's header."""
    import numpy as np
    from safetensors.numpy import save

    arrays = {name: np.ascontiguousarray(tensors[name]) for name in sorted(tensors)}
    metadata = None if about is None else {"about": json.dumps(about, sort_keys=True, allow_nan=False)}
    path.write_bytes(save(arrays, metadata))


def read_tensors(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Read the arrays of a safetensors file."""
    from safetensors.numpy import load_file

    return load_file(path)
