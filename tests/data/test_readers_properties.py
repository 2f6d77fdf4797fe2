"""Whatever stands in a file, reading it gives a table or one DatasetError."""

from io import BytesIO
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from within_wf.config.dataset import AdTable, FileSource
from within_wf.data.readers.files import read_files
from within_wf.errors import DatasetError

ROLES = AdTable(target="score", categorical=["platform"])
TYPES = {
    "ad_id": [pl.String],
    "score": [pl.Float64],
    "clicks": [pl.Int64],
    "start_date": [pl.Date, pl.Datetime("us"), pl.Int64],
}
CSV = b"""ad_id,score,platform,clicks,start_date
a1,1.5,web,3,2024-01-01
"a,2",2,app,4,2024-01-02
a3,-3e2,"x ""y""\",5,2024-01-03
"""
PARQUET = BytesIO()
pl.read_csv(CSV, try_parse_dates=True).write_parquet(PARQUET)
PIECES = [
    b",",
    b'"',
    b"\n",
    b"\r",
    b"\0",
    b"\xff",
    b"NaN",
    b"inf",
    b"-",
    b"99999999999999999999",
    b"2024-02-30",
    b"01/02/2024",
    b";",
    b"",
]
EDIT = st.tuples(st.floats(0, 1), st.integers(0, 12), st.one_of(st.sampled_from(PIECES), st.binary(max_size=6)))


def edited(content, edits):
    """Pieces of the content replaced by others."""
    for place, length, piece in edits:
        begin = round(place * len(content))
        content = content[:begin] + piece + content[begin + length :]
    return content


def read(path: Path, content, reader="table", roles=ROLES):
    path.write_bytes(content)
    source = FileSource(kind="files", reader=reader, folder="", files=["x"])
    files = {"x.csv": path, "w.json": path} if reader == "ad_exchange" else {"x.csv": path}
    try:
        tables = read_files(source, files, ads=roles)
    except DatasetError as error:
        return None if error.problems else pytest.fail("an error says what is wrong")
    return next(iter(tables.values()))


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("read") / "x.csv"


@settings(max_examples=300)
@given(edits=st.lists(EDIT, min_size=1, max_size=6))
def test_edited_csv(path, edits):
    table = read(path, edited(CSV, edits))
    if table is not None:
        assert table.height
        for name, types in TYPES.items():
            assert name not in table.columns or table[name].dtype in types


@settings(max_examples=200)
@given(edits=st.lists(EDIT, min_size=1, max_size=3))
def test_edited_parquet(path, edits):
    content = edited(PARQUET.getvalue()[4:-4], edits)
    table = read(path, b"PAR1" + content + b"PAR1")
    assert table is None or table.height


@settings(max_examples=200)
@given(content=st.binary(max_size=200), head=st.sampled_from([b"", b"PAR1", b"ad_id,score,platform\n", b"\xef\xbb\xbf"]))
@pytest.mark.parametrize("reader", ["table", "upworthy", "ad_exchange"])
def test_random_bytes(path, reader, content, head):
    table = read(path, head + content, reader)
    assert table is None or table.height


CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8)


@settings(max_examples=200)
@given(rows=st.lists(st.tuples(CELL, st.floats(allow_nan=False), st.integers(0, 2**62)), min_size=1, max_size=8))
def test_what_is_written_is_read_back(path, rows):
    lines = [
        "ad_id,score,clicks",
        *(f'"{name.replace(chr(34), chr(34) * 2)}",{score!r},{clicks}' for name, score, clicks in rows),
    ]
    table = read(path, "\n".join(lines).encode(), roles=AdTable(target="score"))
    assert table is not None
    assert table.select("ad_id", "score", "clicks").rows() == rows
