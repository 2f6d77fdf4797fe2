"""CSV and Parquet files as one typed table."""

import csv
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from io import StringIO

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from within_wf.data.findings import Findings
from within_wf.data.readers import csv_file, kinds, parquet_file
from within_wf.data.readers.kinds import TextFormat
from within_wf.data.readers.open import open_raw
from within_wf.data.readers.table import read_table
from within_wf.errors import DatasetError

KINDS = {"id": "text", "count": "whole", "price": "number", "day": "moment"}


def read(tmp_path, content, kinds=KINDS, **options):
    path = tmp_path / "x.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_table({"x.csv": path}, kinds, **options)


def column(tmp_path, kind, *cells):
    table = read(tmp_path, "\n".join(["id,x", *(f'r,"{cell}"' for cell in cells), ""]), {"x": kind})
    return table["x"]


def arrow(tmp_path, values, kind):
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"x": values}), path)
    return read_table({"x.parquet": path}, {"x": kind})["x"]


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["2024-01-31", "2024-2-1", ""], [date(2024, 1, 31), date(2024, 2, 1), None]),
        (["31.01.2024", "1.2.2024"], [date(2024, 1, 31), date(2024, 2, 1)]),
        (["31/01/2024", "01/02/2024"], [date(2024, 1, 31), date(2024, 2, 1)]),
        (["01/31/2024", "02/01/2024"], [date(2024, 1, 31), date(2024, 2, 1)]),
        (["31-01-2024", "01-02-2024"], [date(2024, 1, 31), date(2024, 2, 1)]),
        (["2024/01/31", "NA"], [date(2024, 1, 31), None]),
        (["2024-01-31 10:00", "2024-01-31T10:00:30Z"], [datetime(2024, 1, 31, 10), datetime(2024, 1, 31, 10, 0, 30)]),
        (["2024-01-31 10:00:30.25"], [datetime(2024, 1, 31, 10, 0, 30, 250_000)]),
        (["2024-01-31T10:00:00+02:00", "2024-01-31 10:00 UTC"], [datetime(2024, 1, 31, 8), datetime(2024, 1, 31, 10)]),
        (["2024-01-31T00:30:00-0130", "2024-01-31 23:30+05"], [datetime(2024, 1, 31, 2), datetime(2024, 1, 31, 18, 30)]),
        (["31.01.2024 10:00", "01.02.2024 7:05:09"], [datetime(2024, 1, 31, 10), datetime(2024, 2, 1, 7, 5, 9)]),
        (["1/31/2024 12:05 AM", "1/31/2024, 1:05:06 pm"], [datetime(2024, 1, 31, 0, 5), datetime(2024, 1, 31, 13, 5, 6)]),
        (["Jan 31, 2024", "January 1, 2024", "Sept. 2,2024"], [date(2024, 1, 31), date(2024, 1, 1), date(2024, 9, 2)]),
        (["31 Jan 2024", "01-February-2024"], [date(2024, 1, 31), date(2024, 2, 1)]),
        (["201446", "7"], [201446, 7]),
        (["", "null"], [None, None]),
    ],
)
def test_moments(tmp_path, cells, values):
    assert column(tmp_path, "moment", *cells).to_list() == values


@pytest.mark.parametrize(
    ("kind", "cells", "values"),
    [
        ("whole", ["7", "-7", "7.0", "1e3", " 7 ", "N/A"], [7, -7, 7, 1000, 7, None]),
        ("whole", ["9223372036854775807", "-9223372036854775808"], [2**63 - 1, -(2**63)]),
        ("number", ["0.1", "1e-3", ".5", "NULL", "-0"], [0.1, 0.001, 0.5, None, 0.0]),
        ("number", ["$1,234.50", "--", "($2)"], [1234.5, None, -2.0]),
        ("whole", ["1,234", "12", "?"], [1234, 12, None]),
        ("text", ["NA", " 007 ", "a,b", ""], ["NA", " 007 ", "a,b", None]),
    ],
)
def test_cells(tmp_path, kind, cells, values):
    assert column(tmp_path, kind, *cells).to_list() == values


@pytest.mark.parametrize(
    ("kind", "cell"), [("whole", "7.5"), ("whole", "1e30"), ("whole", "inf"), ("number", "1,5"), ("number", "0x1")]
)
def test_cells_that_are_refused(tmp_path, kind, cell):
    with pytest.raises(DatasetError, match="column x, row 1: found"):
        column(tmp_path, kind, cell)


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        (pa.array(["a", "b", "a"]).dictionary_encode(), "text", ["a", "b", "a"]),
        (pa.array([7, None], pa.uint64()), "text", ["7", None]),
        (pa.array([True, None]), "text", ["true", None]),
        (pa.array([True, False]), "whole", [1, 0]),
        (pa.array([7.0, None]), "whole", [7, None]),
        (pa.array([Decimal("1.25")]), "number", [1.25]),
        (pa.array([1.5], pa.float32()), "number", [1.5]),
        (pa.array([None, None]), "number", [None, None]),
        (pa.array([7], pa.int16()), "moment", [7]),
        (pa.array([date(2024, 1, 31)]), "moment", [date(2024, 1, 31)]),
        (
            pa.array([datetime(2024, 1, 31, 10, tzinfo=UTC)], pa.timestamp("ns", "Europe/Berlin")),
            "moment",
            [datetime(2024, 1, 31, 10)],
        ),
        (pa.array(["31.01.2024"]), "moment", [date(2024, 1, 31)]),
    ],
)
def test_columns_of_parquet(tmp_path, values, kind, expected):
    assert arrow(tmp_path, values, kind).to_list() == expected


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (pa.array([1.5]), "text"),
        (pa.array([date(2024, 1, 31)]), "number"),
        (pa.array([2**64 - 1], pa.uint64()), "whole"),
        (pa.array([2.0**54]), "whole"),
        (pa.array([1.5]), "moment"),
    ],
)
def test_columns_of_parquet_that_are_refused(tmp_path, values, kind):
    with pytest.raises(DatasetError, match="column x, row 1: found"):
        arrow(tmp_path, values, kind)


@pytest.mark.parametrize("content", ["a,1\nb,2\n", "a;1\nb;2\n", "a\t1\nb\t2", "a|1\r\nb|2\r\n", "\ufeff\n\na,1\n\nb,2\n"])
def test_separators_line_ends_and_marks(tmp_path, content):
    mark = content[:1].replace("a", "")
    lines = content.removeprefix(mark).lstrip("\n")
    header = f"id{lines[1]}count\n"
    table = read(tmp_path, f"{mark}{header}{lines}", {"id": "text", "count": "whole"})
    assert table.rows() == [("a", 1), ("b", 2)]


def test_rows_keep_their_numbers_over_batches_blank_lines_and_ragged_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_file, "_BLOCK_BYTES", 64)
    draw = np.random.default_rng(1)
    lines, ragged, bad = [], [], []
    for row in range(1, 201):
        what = draw.random()
        if what < 0.05:
            lines.append("one,two,three")
            ragged.append(row)
        elif what < 0.1:
            lines.append('"a\nb",many')
            bad.append(row)
        else:
            lines += [f"id{row},{row}", ""][: int(draw.integers(1, 3))]
    with pytest.raises(DatasetError) as error:
        read(tmp_path, "\n".join(["id,count", *lines, ""]), {"id": "text", "count": "whole"})
    first, second = error.value.problems
    assert first.where == f"x.csv, rows {', '.join(map(str, ragged[:5]))} and {len(ragged) - 5} more"
    assert second.where == f"x.csv, column count, rows {', '.join(map(str, bad[:5]))} and {len(bad) - 5} more"


def test_batches_do_not_show(tmp_path, monkeypatch):
    rows = [[f"id{row}", str(row), repr(row / 7), f"2024-01-{row % 28 + 1:02}"] for row in range(500)]
    text = StringIO()
    csv.writer(text).writerows([list(KINDS), *rows])
    whole = read(tmp_path, text.getvalue())
    monkeypatch.setattr(csv_file, "_BLOCK_BYTES", 100)
    monkeypatch.setattr(parquet_file, "BATCH_ROWS", 7)
    assert read(tmp_path, text.getvalue()).equals(whole)
    whole.write_parquet(tmp_path / "y")
    assert read_table({"y": tmp_path / "y"}, KINDS).equals(whole)
    want = [(name, int(count), float(price), date.fromisoformat(day)) for name, count, price, day in rows]
    assert whole.rows() == want


def test_too_many_ragged_rows_end_the_reading(tmp_path):
    with pytest.raises(DatasetError) as error:
        read(tmp_path, "id,count\n" + "a\n" * 5000, {"id": "text"})
    assert "rows 1, 2, 3, 4, 5 and 995 more" in str(error.value)
    assert "damaged content" in str(error.value)


def test_files_follow_each_other_and_share_the_form_of_their_dates(tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_text("id,day,memo\nx,01/02/2024,m\n")
    second.write_text("day;id;note\n31/01/2024;y;n\n")
    table = read_table({"a": first, "b": second}, {"id": "text", "day": "moment"})
    assert table.rows() == [("x", date(2024, 2, 1)), ("y", date(2024, 1, 31))]


def test_columns_that_may_be_missing_and_others(tmp_path):
    content = 'id,"two\nlines",memo\na,1,2\n'
    assert read(tmp_path, content, {"id": "text", "count": "whole"}, required={"id"}).columns == ["id"]
    assert read(tmp_path, content, {"id": "text"}, others=True).rows() == [("a", "1", "2")]
    with pytest.raises(DatasetError, match="column 2: found no name, expected a name in the header"):
        read(tmp_path, "id,,\na,1,2\n", {"id": "text"}, others=True)
    assert read(tmp_path, "id,,\na,1,2\n", {"id": "text"}).rows() == [("a",)]


def test_quotes_that_end_the_file(tmp_path):
    closed = 'id,count\na,1\n"b\n""c""",2\n'
    assert read(tmp_path, closed, {"id": "text"})["id"].to_list() == ["a", 'b\n"c"']
    assert read(tmp_path, 'count,id\n1,"b\n""c"""\n\n', {"id": "text"})["id"].to_list() == ['b\n"c"']
    with pytest.raises(DatasetError, match="a double quote that is never closed"):
        read(tmp_path, 'count,id\n1,"b\n""c""', {"id": "text"})


def test_header_longer_than_what_is_looked_at(tmp_path):
    with pytest.raises(DatasetError, match="cannot be read"):
        read(tmp_path, ",".join(["id", *(f"c{i}" for i in range(20_000))]) + "\na\n", {"id": "text"})
    with pytest.raises(DatasetError, match="no row below the header"):
        read(tmp_path, "id\n" + "\n" * 100_000, {"id": "text"})


def test_a_file_that_the_system_refuses(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    path = tmp_path / "x.csv"
    path.write_text("id\na\n")
    monkeypatch.setattr("pathlib.Path.open", refuse)
    with pytest.raises(DatasetError, match=r"x\.csv: found Permission denied, expected a file that can be read"):
        read_table({"x.csv": path}, {"id": "text"})


def test_zero_bytes_far_below_the_header(tmp_path):
    with pytest.raises(DatasetError, match=r"x\.csv, line 1002: found binary data"):
        read(tmp_path, "id\n" + "a\n" * 1000 + "\0\n", {"id": "text"})


def test_a_parquet_file_without_rows(tmp_path):
    pl.DataFrame({"id": []}, schema={"id": pl.String}).write_parquet(tmp_path / "x")
    with pytest.raises(DatasetError, match="x: found no row below the header"):
        read_table({"x": tmp_path / "x"}, {"id": "text"})


def test_a_parquet_file_that_lost_rows(tmp_path):
    pl.DataFrame({"id": ["a", "b"]}).write_parquet(tmp_path / "x")
    promising = replace(open_raw(tmp_path / "x", "x"), rows=9)
    with pytest.raises(DatasetError, match="2 rows of 9"):
        list(promising.batches(["id"], Findings("x")))


def test_metadata_that_is_no_text_does_not_matter(tmp_path):
    field = pa.field("id", pa.string(), metadata={"note": b"\xff"})
    pq.write_table(pa.table([["a"]], schema=pa.schema([field], metadata={"note": b"\xff"})), tmp_path / "x")
    assert read_table({"x": tmp_path / "x"}, {"id": "text"}).rows() == [("a",)]


def test_lines_are_counted_over_pieces_of_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(kinds, "_CHUNK", 3)
    with pytest.raises(DatasetError, match=r"x\.csv, line 12: found the byte 0xfc"):
        read(tmp_path, b"id\n" + b"a\n" * 10 + "Zürich\n".encode("latin-1"), {"id": "text"})


@pytest.mark.parametrize(
    ("contents", "kind", "found"),
    [
        (["x\n$1\n", "x\n€2\n"], "number", "numbers in \\$ and numbers in €"),
        (["x\n45.6%\n", "x\n0.456\n"], "number", "numbers without a unit and numbers in %"),
        (["x\n3/14/2024 1:05 PM\n3/15/2024 1:05 AM\n", "x\n3/14/2024 1:05\n"], "moment", "'3/14/2024 1:05'"),
    ],
)
def test_a_column_has_one_unit_and_one_form_in_all_files(tmp_path, contents, kind, found):
    files = {f"{number}.csv": tmp_path / f"{number}.csv" for number in range(len(contents))}
    for path, content in zip(files.values(), contents, strict=True):
        path.write_text(content)
    with pytest.raises(DatasetError, match=found):
        read_table(files, {"x": kind})


@pytest.mark.parametrize(("day_first", "month"), [(True, 4), (False, 3)])
def test_days_or_months_first_where_both_can_be_meant(tmp_path, day_first, month):
    (tmp_path / "x.csv").write_text("x\n03/04/2024\n")
    table = read_table({"x.csv": tmp_path / "x.csv"}, {"x": "moment"}, text=TextFormat(day_first=day_first))
    assert table["x"][0].month == month
    (tmp_path / "x.csv").write_text("x\n03/14/2024\n")
    table = read_table({"x.csv": tmp_path / "x.csv"}, {"x": "moment"}, text=TextFormat(day_first=day_first))
    assert table["x"].to_list() == [date(2024, 3, 14)]  # a date that says it itself
