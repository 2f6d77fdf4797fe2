"""Tables in pieces, beside polars' own whole tables."""

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from within_wf.store.pieces import pieces, sorted_pieces, take, write_pieces

SIZES = st.lists(st.integers(0, 120), min_size=1, max_size=8)


def table(rows):
    draws = np.random.default_rng(rows)
    return pl.DataFrame(
        {
            "id": [f"ad-{number}" for number in draws.permutation(rows)],
            "x": draws.normal(size=rows),
            "kind": [["a", "b", None][number] for number in draws.integers(0, 3, rows)],
            "day": draws.integers(0, 999, rows).astype("datetime64[D]"),
        },
        schema_overrides={"id": pl.String, "kind": pl.String},
    )


def by_polars(path, whole):
    whole.write_parquet(path, compression="zstd", compression_level=3, statistics=True, row_group_size=100_000)
    return path.read_bytes()


@given(SIZES)
@settings(max_examples=25, deadline=None)
def test_the_bytes_are_those_of_the_whole(tmp_path_factory, sizes):
    folder, whole = tmp_path_factory.mktemp("pieces"), table(sum(sizes))
    ends = np.cumsum(sizes).tolist()
    rows = write_pieces(folder / "ours", (whole[end - size : end] for end, size in zip(ends, sizes, strict=True)))
    assert rows == whole.height
    assert (folder / "ours").read_bytes() == by_polars(folder / "theirs", whole)


def test_row_groups_do_not_depend_on_pieces(tmp_path):
    whole = pl.select(x=pl.int_range(250_007), text=pl.format("text {}", pl.int_range(250_007) % 1000))
    write_pieces(tmp_path / "ours", (whole.slice(begin, 33_333) for begin in range(0, whole.height, 33_333)))
    assert (tmp_path / "ours").read_bytes() == by_polars(tmp_path / "theirs", whole)


@pytest.mark.parametrize("good", [0, 1, 3])
def test_a_failure_midway_leaves_no_file(tmp_path, good):
    def some():
        for _ in range(good):
            yield table(100_000)
        raise ValueError("the disk of the rows is gone")

    with pytest.raises(ValueError, match="the disk of the rows is gone"):
        write_pieces(tmp_path / "x.parquet", some())
    assert list(tmp_path.iterdir()) == []


@given(st.integers(0, 90), st.integers(1, 40), st.data())
@settings(max_examples=25, deadline=None)
def test_rows_are_read_in_any_pieces_of_any_row_groups(tmp_path_factory, rows, size, data):
    path, whole = tmp_path_factory.mktemp("pieces") / "x.parquet", table(rows)
    whole.write_parquet(path, row_group_size=data.draw(st.integers(1, 50)))
    found = list(pieces(pl.scan_parquet(path), size))
    assert len(found) == max(1, math.ceil(rows / size))
    assert pl.concat(found).equals(whole)
    some = data.draw(st.sets(st.integers(0, max(0, rows - 1)))) if rows else set()
    assert take(pl.scan_parquet(path), np.array(sorted(some), np.int64), size).equals(whole[sorted(some)])
    assert pl.concat(sorted_pieces(pl.scan_parquet(path), "id", size)).equals(whole.sort("id"))
