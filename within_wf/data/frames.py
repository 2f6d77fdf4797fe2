"""Whatever holds a table, as a polars table."""

from __future__ import annotations

from typing import Any

import polars as pl

from within_wf.errors import DatasetError, Problem


def as_frame(data: Any, name: str) -> pl.DataFrame:
    """A table that a person gave.

    Args:
        data: A polars table, lazy or not, or a pandas or pyarrow table.
        name: What the argument is called.

    Raises:
        DatasetError: It is none of these.
    """
    if isinstance(data, pl.DataFrame):
        return data
    if isinstance(data, pl.LazyFrame):
        return data.collect()
    kind = f"{type(data).__module__.partition('.')[0]}.{type(data).__name__}"
    if kind == "pandas.DataFrame":
        return pl.from_pandas(data)
    if kind == "pyarrow.Table":
        return pl.DataFrame(data)
    raise DatasetError(f"{name} is no table", [Problem(name, f"a {kind}", "a table of polars, pandas or pyarrow")])
