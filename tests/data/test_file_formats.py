"""One table in every format it may come in, against polars' and Python's own writers."""

import bz2
import gzip
import io
import json
from datetime import date

import polars as pl
import pyarrow as pa
import pyarrow.dataset as pa_dataset
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from within_wf.data.readers import arrow_file, json_lines
from within_wf.data.readers.kinds import file_kind
from within_wf.data.readers.open import open_raw
from within_wf.data.readers.table import read_table
from within_wf.errors import DatasetError

KINDS = {"id": "text", "count": "whole", "share": "number", "day": "moment"}
TABLE = pl.DataFrame(
    {
        "id": ["a", "b;c", 'd"e\nf', None],
        "count": [1, 2, None, -4],
        "share": [0.5, None, 1e-300, -2.0],
        "day": [date(2024, 1, 31), date(2024, 2, 29), None, date(1999, 12, 31)],
    }
)


def compressed_by_arrow(content, how, path):
    with pa.CompressedOutputStream(pa.OSFile(str(path), "wb"), how) as stream:
        stream.write(content)
    return path.read_bytes()


def packed(content):
    """By gzip, without the clock."""
    return gzip.compress(content, mtime=0)


def csv(table, **options):
    return table.write_csv(**options).encode()


def lines(table):
    return "".join(json.dumps(row, default=str) + "\n" for row in table.iter_rows(named=True)).encode()


def arrow(table, how):
    out = io.BytesIO()
    with how(out, table.to_arrow().schema) as writer:
        writer.write_table(table.to_arrow(), max_chunksize=2)
    return out.getvalue()


def parquet(table):
    out = io.BytesIO()
    table.write_parquet(out)
    return out.getvalue()


def read(path, content, kinds=KINDS):
    path.write_bytes(content)
    return read_table({path.name: path}, kinds)


@pytest.mark.parametrize(
    "write",
    [
        csv,
        lambda table: csv(table, separator="\t", quote_style="always"),
        lambda table: packed(csv(table)),
        lambda table: packed(csv(table)[:20]) + packed(csv(table)[20:]),
        lambda table: bz2.compress(csv(table)),
        lines,
        lambda table: b"\xef\xbb\xbf" + lines(table).replace(b"\n", b"\r\n\n"),
        lambda table: packed(lines(table)[:-1]),
        lambda table: arrow(table, pa.ipc.new_file),
        lambda table: arrow(table, pa.ipc.new_stream),
        parquet,
    ],
    ids=["csv", "tabs", "gzip", "gzip members", "bz2", "lines", "lines, mark", "lines, gzip", "arrow", "stream", "parquet"],
)
def test_one_table_in_every_format(tmp_path, write):
    assert read(tmp_path / "x", write(TABLE)).equals(TABLE)


@pytest.mark.parametrize("write", [csv, lines])
def test_zstd(tmp_path, write):
    content = compressed_by_arrow(write(TABLE), "zstd", tmp_path / "y")
    assert file_kind(tmp_path / "y", "y").compression == "zstd"
    assert read(tmp_path / "x", content).equals(TABLE)


@given(
    st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "id": st.none() | st.text('aé"\\\n,; {}[]0😀', max_size=5),
                "count": st.none() | st.integers(-(2**63), 2**63 - 1),
                "share": st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(-1000, 1000),
            },
        ),
        min_size=1,
        max_size=8,
    ),
    st.integers(1, 200),
)
def test_lines_are_what_json_says(tmp_path_factory, rows, block):
    kinds = {name: kind for name, kind in KINDS.items() if any(name in row for row in rows)}
    assume(kinds)
    path = tmp_path_factory.mktemp("lines") / "x"
    path.write_text("".join(json.dumps(row, ensure_ascii=len(rows) % 2 == 0) + "\n" for row in rows))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_lines, "_BLOCK_BYTES", block)
        table = read_table({"x": path}, kinds)
    for name in kinds:
        values = [row.get(name) for row in rows]
        assert table[name].to_list() == [
            None if value is None else {"share": float}.get(name, type(value))(value) for value in values
        ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"id": "a"}\n{"id": \n[1]\n{"id": "b"}\n', r"x, rows 2, 3: found '\{\"id\":', '\[1\]', expected a JSON object"),
        (
            b'{"id": "a"}\n{"id": NaN}\n',
            r"x, row 2: found '\{\"id\": NaN\}', expected a JSON object; NaN is no JSON: write null",
        ),
        (b'{"id": [1]}\n{"id": 2}\n', "column id: found objects or lists, expected numbers, text"),
        (b'{"id": {"a": 1}}\n', "column id: found objects or lists"),
        (b'{"id": 1.5}\n', "column id, row 1: found 1.5, expected text"),
        (b"{\n", "x: found no row below the header"),
        (b'[{"id": 1}]\n', "x: found a JSON list, not an object a line"),
        (packed(csv(TABLE))[:-9], "x: found damaged content, compressed by gzip"),
        (packed(b""), "x: found an empty file, compressed by gzip"),
        (packed(parquet(TABLE)), "x: found a Parquet or Arrow file compressed by gzip, .*Decompress it"),
        (packed(b"\x89PNG" + b"\0" * 40), "x: found a PNG image"),
        (packed("id\nZürich\n".encode("latin-1")), "x, line 2: found the byte 0xfc"),
        (arrow(TABLE, pa.ipc.new_file)[:-30], "x: found an Arrow file that is cut short"),
        (arrow(TABLE, pa.ipc.new_stream)[:-200], "x: found damaged content"),
    ],
)
def test_what_is_refused(tmp_path, content, said):
    with pytest.raises(DatasetError, match=said):
        read(tmp_path / "x", content, {"id": "text"})


def test_many_lines_that_are_no_objects(tmp_path):
    with pytest.raises(DatasetError, match="more than 1,000 lines that hold no JSON object"):
        read(tmp_path / "x", b'{"id": "a"}\n' + b"no\n" * 1002, {"id": "text"})


def test_values_of_several_types_are_judged_one_by_one(tmp_path):
    content = b'{"count": 1}\n{"count": "2"}\n{"count": true}\n{"count": "x"}\n{"count": 100000000000000000000}\n'
    with pytest.raises(
        DatasetError, match="column count, rows 3, 4, 5: found 'true', 'x', '100000000000000000000', expected a whole"
    ):
        read(tmp_path / "x", content, {"count": "whole"})
    assert read(tmp_path / "y", content, {"count": "text"})["count"].to_list()[:4] == ["1", "2", "true", "x"]


def test_large_batches_of_arrow_are_cut(tmp_path, monkeypatch):
    monkeypatch.setattr(arrow_file, "BATCH_ROWS", 3)
    table = pl.DataFrame({"id": [str(row) for row in range(10)]})
    path = tmp_path / "x"
    table.write_ipc(path)
    assert read_table({"x": path}, {"id": "text"}).equals(table)


def test_folders_that_say_a_column(tmp_path):
    table = pl.DataFrame({"id": ["a", "b", "c"], "country": ["DE", "F R", None], "year": ["2023", "2024", "2024"]})
    how = pa_dataset.partitioning(pa.schema([("country", pa.string()), ("year", pa.string())]), flavor="hive")
    pa_dataset.write_dataset(table.to_arrow(), tmp_path, format="parquet", partitioning=how)
    files = {str(path.relative_to(tmp_path)): path for path in sorted(tmp_path.rglob("*.parquet"))}
    assert len(files) == 3
    found = read_table(files, {"id": "text", "country": "text", "year": "whole"})
    assert found.sort("id").rows() == [("a", "DE", 2023), ("b", "F R", 2024), ("c", None, 2024)]
    assert read_table(files, {"country": "text"}).sort("country").rows() == [(None,), ("DE",), ("F R",)]


def test_a_column_of_the_file_is_none_of_the_folder(tmp_path):
    path = tmp_path / "x"
    pl.DataFrame({"country": ["FR"]}).write_parquet(path)
    assert open_raw(path, "country=DE/x").partition == ()
    assert read_table({"country=DE/x": path}, {"country": "text"}).item() == "FR"
