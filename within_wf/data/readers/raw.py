"""The rows of a file as it holds them, batch by batch; only one batch is in memory at a time."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import polars as pl
import pyarrow as pa

from within_wf.data.findings import Findings
from within_wf.errors import DatasetError, Problem

BATCH_ROWS = 100_000
_PLAIN = "numbers, text, dates or times"
_BROKEN = (
    pa.ArrowException,
    pl.exceptions.PolarsError,
    OSError,
    ValueError,
    TypeError,
    OverflowError,
    csv.Error,
    MemoryError,
)

Tables = Callable[[Sequence[str], Findings, set[int]], Iterator[pa.Table]]
"""Reads some columns of a file, table by table; notes the rows that it has to leave out, which it adds to the set."""


@dataclass(frozen=True)
class RawFile:
    """A file that was opened and found to be what it should be.

    Attributes:
        name: What messages call it.
        columns: Its columns, in order.
        types: The Arrow type of each; text for CSV.
        tables: Reads it.
        rows: How many it says it has, where it says so.
        partition: Columns that are not in the file but in the names of its folders, to their value.
    """

    name: str
    columns: tuple[str, ...]
    types: tuple[Any, ...]
    tables: Tables
    rows: int | None = None
    partition: tuple[tuple[str, str | None], ...] = ()

    def unusable(self, columns: Iterable[str]) -> list[Problem]:
        """What keeps some columns from being read, although they are there."""
        problems = []
        for column in dict.fromkeys(columns):
            if not column.strip():
                position = self.columns.index(column) + 1
                problems.append(Problem(f"{self.name}, column {position}", "no name", "a name in the header"))
            elif self.columns.count(column) > 1:
                problems.append(Problem(f"{self.name}, column {column}", f"{self.columns.count(column)} of that name", "one"))
            elif not _is_plain(kind := self.types[self.columns.index(column)]):
                found, cure = f"the type {kind}", "Write it with such a type."
                if pa.types.is_nested(kind):
                    found, cure = "objects or lists", "Write what is in them as columns of their own."
                problems.append(Problem(f"{self.name}, column {column}", found, _PLAIN, cure))
        return problems

    def batches(self, columns: Sequence[str], findings: Findings) -> Iterator[tuple[Sequence[int], pl.DataFrame]]:
        """Some columns of each batch, and the rows they stand in; the first row below the header is 1.

        Rows that are none of the table's are noted and left out.

        Raises:
            DatasetError: The file cannot be read to its end.
        """
        left_out: set[int] = set()
        done = 0
        constants = dict(self.partition)
        inside = [column for column in columns if column not in constants]
        with readable(self.name):
            for batch in self.tables(inside, findings, left_out):
                batch.validate(full=True)
                rows = _rows(done, batch.num_rows, left_out)
                # A new table has none of the file's metadata, which may be damaged too.
                table = pa.Table.from_arrays(batch.columns, inside) if inside else pa.table({"": [None] * batch.num_rows})
                frame = pl.DataFrame(pl.from_arrow(table))
                yield (
                    rows,
                    frame.select(
                        pl.lit(constants[column], pl.String).alias(column) if column in constants else pl.col(column)
                        for column in columns
                    ),
                )
                done = rows[-1] if rows else done
            if self.rows is not None and done != self.rows:
                raise ValueError(f"{done:,} rows of {self.rows:,}")


def _rows(done: int, count: int, left_out: Set[int]) -> Sequence[int]:
    """The numbers of the next ``count`` rows after row ``done``."""
    if not left_out:
        return range(done + 1, done + count + 1)
    return list(itertools.islice((row for row in itertools.count(done + 1) if row not in left_out), count))


def no_rows(name: str) -> DatasetError:
    """The error of a file that holds nothing."""
    return DatasetError(f"{name} is empty", [Problem(name, "no row below the header", "at least one")])


def _is_plain(kind: Any) -> bool:
    types = pa.types
    inner = kind.value_type if types.is_dictionary(kind) else kind
    tests = (
        types.is_integer,
        types.is_floating,
        types.is_boolean,
        types.is_string,
        types.is_large_string,
        types.is_string_view,
        types.is_date,
        types.is_timestamp,
        types.is_decimal,
        types.is_null,
    )
    return any(test(inner) for test in tests)


@contextmanager
def readable(name: str) -> Iterator[None]:
    """What the libraries say of a broken file, as an error of the file."""
    try:
        yield
    except DatasetError:
        raise
    except _BROKEN as error:
        said = str(error).strip().split("\n")[0].rstrip(".") or type(error).__name__
        problem = Problem(name, f"damaged content ({said})", "a whole file", "Copy or export it again.")
        raise DatasetError(f"{name} cannot be read", [problem]) from error
