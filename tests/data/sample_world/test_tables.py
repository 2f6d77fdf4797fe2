"""A table's bytes follow from its rows, not from how they were handed over."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest

from within_wf.data.sample_world.tables import TableWriter, dates, money, names, pick


def write(path: Path, rows: int, piece: int, **options: bool) -> bytes:
    with TableWriter(path, 100, **options) as writer:
        for begin in range(0, rows, piece):
            writer.write({"x": np.arange(begin, min(rows, begin + piece))})
    return path.read_bytes()


@pytest.mark.parametrize("rows", [1, 99, 100, 101, 350])
def test_pieces_change_nothing(tmp_path: Path, rows: int) -> None:
    whole = write(tmp_path / "a.parquet", rows, 1000)
    assert all(write(tmp_path / "b.parquet", rows, piece) == whole for piece in (1, 7, 100, 250))
    metadata = pq.read_metadata(tmp_path / "b.parquet")
    sizes = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
    assert sizes == [100] * (rows // 100) + [rows % 100] * (rows % 100 > 0)
    assert pl.read_parquet(tmp_path / "b.parquet")["x"].to_list() == list(range(rows))


def test_a_table_without_rows_keeps_its_columns(tmp_path: Path) -> None:
    with TableWriter(tmp_path / "a.parquet") as writer:
        writer.write({"x": np.arange(0)})
    assert pl.read_parquet(tmp_path / "a.parquet").schema == {"x": pl.Int64}


def test_a_failed_table_is_not_finished(tmp_path: Path) -> None:
    def fail() -> None:
        with TableWriter(tmp_path / "a.parquet") as writer:
            writer.write({"x": np.arange(3)})
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fail()
    assert not (tmp_path / "a.parquet").exists()


def test_uncompressed_tables(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", 10, 10, compress=False)
    assert pq.read_metadata(tmp_path / "a.parquet").row_group(0).column(0).compression == "UNCOMPRESSED"


def test_columns_from_numbers() -> None:
    assert names("ad", np.array([3, 0, 3])).to_pylist() == ["ad-00000003", "ad-00000000", "ad-00000003"]
    assert pick(("a", "b"), np.array([1, 0])).to_pylist() == ["b", "a"]
    assert str(dates(np.array([31]))[0]) == "2024-02-01"
    assert money(np.array([1999])).tolist() == [19.99]
