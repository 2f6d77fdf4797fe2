"""A Parquet file of any size held against a contract; no more of it is in memory than rules across rows compare."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from within_wf.data.layout import contract_layout
from within_wf.data.schemas import CONTRACTS
from within_wf.data.validated import Violation
from within_wf.data.validator import check_rows
from within_wf.errors import DatasetNotFoundError, DatasetValidationError, Problem


def scan_violations(path: Path, schema_type: str) -> list[Violation]:
    """What breaks a contract, by column and rule, as :class:`within_wf.data.DataValidator` finds it in a table.

    Args:
        path: A Parquet file.
        schema_type: The name of a contract.

    Raises:
        DatasetNotFoundError: There is no such file.
        DatasetValidationError: There is no such contract, or the columns are not those it asks for.
    """
    if schema_type not in CONTRACTS:
        problem = Problem("schema_type", repr(schema_type), f"one of {', '.join(sorted(CONTRACTS))}")
        raise DatasetValidationError("there is no such contract", [problem])
    if not path.is_file():
        raise DatasetNotFoundError("there is nothing to validate", [Problem(str(path), "no file", "a Parquet file")])
    return check_rows(pl.scan_parquet(path), contract_layout(CONTRACTS[schema_type]), path.name).violations
