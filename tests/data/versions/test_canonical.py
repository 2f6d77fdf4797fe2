"""The bytes of a version: the same for the same rows, whatever they were read from."""

import datetime
import gzip
import hashlib
from itertools import pairwise

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from within_wf.data.versions.canonical import canonical, canonical_pieces, schema_of, write_rows
from within_wf.data.versions.row_digest import row_hashes, rows_digest
from within_wf.data.versions.source import open_source
from within_wf.errors import DatasetError
from within_wf.store.disk import digest_file
from within_wf.store.pieces import pieces

VALUES = {
    "t": st.none() | st.text(max_size=5),
    "w": st.none() | st.integers(-(2**63), 2**63 - 1),
    "n": st.none() | st.floats(),
    "f": st.none() | st.booleans(),
    "d": st.none() | st.dates(),
    "m": st.none() | st.datetimes(),
}
TYPES = {"t": pl.String, "w": pl.Int64, "n": pl.Float64, "f": pl.Boolean, "d": pl.Date, "m": pl.Datetime("us")}
TABLES = st.lists(st.fixed_dictionaries(VALUES), max_size=12)


def digest(table, folder):
    write_rows(folder / "x.parquet", [canonical(table, "x")])
    return digest_file(folder / "x.parquet")


@given(rows=TABLES, cuts=st.lists(st.integers(0, 12), max_size=4))
@settings(max_examples=20)
def test_chunks_do_not_matter_and_rows_come_back(tmp_path_factory, rows, cuts):
    folder = tmp_path_factory.mktemp("d")
    table = pl.DataFrame(rows, schema=TYPES)
    places = sorted({0, len(rows), *(cut for cut in cuts if cut <= len(rows))})
    chunked = pl.concat([table.slice(a, b - a) for a, b in pairwise(places)], rechunk=False) if rows else table
    assert digest(table, folder) == digest(chunked, folder)
    assert pl.read_parquet(folder / "x.parquet").equals(table)


@pytest.mark.parametrize("rows", [70_001, 100_000, 300_000])
def test_row_groups_do_not_depend_on_how_rows_arrive(tmp_path, rows):
    table = pl.DataFrame({"w": list(range(250_001)), "t": [str(i % 7) for i in range(250_001)]})
    whole = digest(table, tmp_path)
    write_rows(tmp_path / "pieces.parquet", pieces(canonical(table, "x").lazy(), rows))
    assert digest_file(tmp_path / "pieces.parquet") == whole
    assert pq.ParquetFile(tmp_path / "x.parquet").metadata.num_row_groups == 3


def test_what_changes_the_digest(tmp_path):
    table = pl.DataFrame({"a": ["x", "y"], "b": [1, 2]})
    one = digest(table, tmp_path)
    others = [table.reverse(), table.select("b", "a"), table.rename({"a": "c"}), table.cast({"b": pl.Float64}), table.head(1)]
    digests = [digest(other, tmp_path) for other in others]
    assert len({one, *digests}) == 6
    assert digest(table.cast({"b": pl.Int8, "a": pl.Categorical}), tmp_path) == one


def test_every_nan_is_one(tmp_path):
    import numpy as np

    payload = np.array([0x7FF8000000000001, 0xFFF8000000000000], np.uint64).view(np.float64)
    plain, strange = pl.DataFrame({"n": [float("nan")] * 2}), pl.DataFrame({"n": payload})
    assert digest(plain, tmp_path) == digest(strange, tmp_path)
    assert rows_digest(canonical(plain, "x")) == rows_digest(canonical(strange, "x"))
    assert digest(pl.DataFrame({"n": [0.0]}), tmp_path) != digest(pl.DataFrame({"n": [-0.0]}), tmp_path)


def test_what_no_version_holds_is_refused():
    table = pl.DataFrame({"a": [[1]], "b": [datetime.timedelta(1)], "c": [1]})
    with pytest.raises(DatasetError, match=r"(?s)x cannot be kept.*column a: found the type List.*column b: found the type D"):
        canonical(table, "x")
    with pytest.raises(DatasetError, match="x has no columns"):
        canonical(pl.DataFrame(), "x")
    assert schema_of(pl.DataFrame({"c": [1], "u": pl.Series([1], dtype=pl.UInt64)})) == {"c": "whole", "u": "unsigned"}


FORMATS = {
    "a.csv": lambda table, path: table.write_csv(path),
    "b.csv": lambda table, path: table.write_csv(path, separator=";", quote_style="always", include_bom=True),
    "c.parquet": lambda table, path: table.write_parquet(path, compression="snappy", row_group_size=2),
    "d.parquet": lambda table, path: pq.write_table(
        pa.table(table.cast({"headline": pl.Categorical, "clicks": pl.Int16}).to_arrow()), path, compression="none"
    ),
}


@pytest.mark.parametrize("contract", ["ad_performance", "none"])
def test_the_same_rows_out_of_any_file(ads, tmp_path, contract):
    found = set()
    for name, write in FORMATS.items():
        write(ads.with_columns(extra=pl.Series([1, 2, None, 4])), tmp_path / name)
        source = open_source(str(tmp_path / name), tmp_path, contract=contract)
        found.add(digest(source.table.collect(), tmp_path))
        assert source.contract == (None if contract == "none" else contract)
    assert len(found) == 1


@given(rows=TABLES, seed=st.randoms(use_true_random=False))
@settings(max_examples=20)
def test_the_digest_of_rows_knows_no_order(rows, seed):
    table = canonical(pl.DataFrame(rows, schema=TYPES), "x")
    shuffled = list(rows)
    seed.shuffle(shuffled)
    columns = list(TYPES)
    seed.shuffle(columns)
    other = canonical(pl.DataFrame(shuffled, schema=TYPES).select(columns), "x")
    assert rows_digest(other) == rows_digest(table)
    if rows:
        assert rows_digest(pl.concat([table, table.head(1)])) != rows_digest(table)
        assert rows_digest(table.slice(1)) != rows_digest(table)


def test_the_hash_of_a_row_is_what_it_is_said_to_be():
    """Against the definition, written out with struct."""
    import struct

    table = pl.DataFrame({"n": [1.5, None], "a": ["x", ""]})
    head = b"text 1 a\nnumber 1 n"

    def text(value):
        return bytes([0]) + hashlib.sha256(value.encode()).digest()[:16]

    want = [
        hashlib.sha256(head + text("x") + b"\0" + struct.pack("<d", 1.5)).digest(),
        hashlib.sha256(head + text("") + b"\1" + struct.pack("<d", 0.0)).digest(),
    ]
    assert [bytes(row) for row in row_hashes(table)] == want
    assert rows_digest(table) == hashlib.sha256(head + b"".join(sorted(want))).hexdigest()


def test_missing_and_empty_are_two_values():
    assert rows_digest(pl.DataFrame({"a": [""]})) != rows_digest(pl.DataFrame({"a": [None]}, schema={"a": pl.String}))
    assert rows_digest(pl.DataFrame({"a": [0]})) != rows_digest(pl.DataFrame({"a": [None]}, schema={"a": pl.Int64}))


def test_a_compressed_file_is_the_same(tmp_path):
    content = b"a,b\n1,x\n2,\n"
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(content))
    (tmp_path / "a.csv").write_bytes(content)
    packed, plain = (open_source(str(tmp_path / name), tmp_path, contract="none") for name in ("a.csv.gz", "a.csv"))
    assert packed.name == plain.name == "a"
    assert packed.table.collect().equals(plain.table.collect())
    assert packed.table.collect_schema()["a"] == pl.Int64


def test_a_large_file_is_described_and_kept_in_pieces_as_it_is_whole(tmp_path, monkeypatch):
    from within_wf.data import description
    from within_wf.store import pieces as module

    rows = [f"{n % 50},{n / 7:.3f},{['true', 'false'][n % 2]},2024-01-{n % 28 + 1:02d},x {n % 9}" for n in range(300)]
    (tmp_path / "a.csv").write_text("\n".join(["k,n,f,d,t", *rows, rows[0], rows[7]]))

    def look(folder):
        folder.mkdir()
        source = open_source(str(tmp_path / "a.csv"), folder, contract="none")
        table = write_rows(folder / "rows.parquet", canonical_pieces(source.table, "a"))
        return rows_digest(table), description.describe("a", table)

    whole = look(tmp_path / "whole")
    for function in (module.pieces, module.take):
        monkeypatch.setattr(function, "__defaults__", (7,))
    assert look(tmp_path / "pieces") == whole
    assert whole[1].repeated == 2
    schema = pl.scan_parquet(tmp_path / "whole/rows.parquet").collect_schema()
    assert list(schema.values()) == [pl.Int64, pl.Float64, pl.Boolean, pl.Date, pl.String]
