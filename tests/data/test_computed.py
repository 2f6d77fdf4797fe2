"""Columns made by expressions, against Python's own arithmetic on each row."""

import ast
import math

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from within_wf.config.dataset import AdTable, FileSource
from within_wf.config.expressions import FUNCTIONS, LONGEST, parse
from within_wf.data import functions
from within_wf.data.computed import computed_pieces, evaluate, with_computed
from within_wf.data.readers.files import read_files
from within_wf.errors import DatasetError

TABLE = pl.DataFrame({"a": [3, 1, 0, None], "b": [4.0, 0.0, -2.0, 1.0], "t": ["A b", "c", None, ""]})


def column(text, table=TABLE):
    return evaluate(parse(text), table).to_list()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", [3.0, 1.0, 0.0, None]),
        ("7", [7.0, 7.0, 7.0, 7.0]),
        ("-a + 2 * b - 1", [4.0, -2.0, -5.0, None]),
        ("a / b", [0.75, None, 0.0, None]),
        ("a / 0", [None] * 4),
        ("1 / a", [1 / 3, 1.0, None, None]),
        ("1 / 0", [None] * 4),
        ("a / 2 if b > 0 else -1", [1.5, -1.0, -1.0, None]),
        ("b if a > 0 else 9", [4.0, 0.0, 9.0, None]),
        ("abs(b)", [4.0, 0.0, 2.0, 1.0]),
        ("sqrt(b)", [2.0, 0.0, None, 1.0]),
        ("log(b)", [pytest.approx(math.log(4), rel=1e-15), None, None, 0.0]),
        ("log1p(b)", [pytest.approx(math.log1p(4), rel=1e-15), 0.0, None, pytest.approx(math.log1p(1), rel=1e-15)]),
        ("exp(b)", [pytest.approx(math.exp(x), rel=1e-15) for x in (4, 0, -2, 1)]),
        ("min(a, b)", [3.0, 0.0, -2.0, None]),
        ("max(a, 2)", [3.0, 2.0, 2.0, None]),
        ("total(a)", [4.0] * 4),
        ("mean(a)", [4 / 3] * 4),
        ("known(a) and b > 0", [True, False, False, False]),
        ("not known(a) or a == 0", [False, False, True, True]),
        ("given(t)", [True, True, False, True]),
        ("t == 'c'", [False, True, None, False]),
        ("'c' != t", [True, False, None, True]),
        ("contains(lower(t), 'a')", [True, False, None, False]),
        ("join(t, 'x')", ["A b x", "c x", None, " x"]),
        ("'x'", ["x"] * 4),
        ("row_number()", ["1", "2", "3", "4"]),
    ],
)
def test_values(text, expected):
    assert column(text) == expected


def test_every_function_is_computed_and_tried_above():
    assert set(FUNCTIONS) == set(functions.FUNCTIONS) | set(functions.WHOLES) | {"row_number"}
    calls = (part for case in test_values.pytestmark[0].args[1] for part in ast.walk(ast.parse(case[0])))
    tried = {part.func.id for part in calls if isinstance(part, ast.Call)}
    assert set(FUNCTIONS) - tried == {"smoothed_rate"}


def test_sums_are_exact():
    table = pl.DataFrame({"a": [1e16, 1.0, -1e16, 3.0, math.inf, None]})
    assert column("total(a)", table)[0] == 4.0
    assert column("mean(a)", pl.DataFrame({"a": [None]}, schema={"a": pl.Float64})) == [None]


def test_smoothed_rate():
    table = pl.DataFrame({"s": [3, 1, 0, 5, -1], "t": [1000, 3000, 10, 0, 7]})
    rate = 4 / 4010
    expected = [4 / (1000 + 1 / rate), 2 / (3000 + 1 / rate), 1 / (10 + 1 / rate), 6 * rate]
    assert column("smoothed_rate(s, t)", table)[:4] == pytest.approx(expected)
    assert column("smoothed_rate(0 * s, t)", table) == [None] * 5


PARTS = st.recursive(
    st.sampled_from(["a", "b", "2", "0.5"]),
    lambda part: st.tuples(part, st.sampled_from("+-*/"), part).map(lambda three: f"({' '.join(three)})"),
    max_leaves=12,
)
ROWS = st.lists(st.tuples(st.none() | st.integers(-9, 9), st.none() | st.floats(-9, 9)), min_size=1, max_size=4)


@given(PARTS, ROWS)
def test_arithmetic_is_pythons(text, rows):
    table = pl.DataFrame(rows, schema={"a": pl.Int64, "b": pl.Float64}, orient="row")
    code = compile(text, "", "eval")
    for found, (a, b) in zip(column(text, table), rows, strict=True):
        try:
            expected = eval(code, {}, {"a": a, "b": b})  # noqa: S307 - the reference
        except (TypeError, ZeroDivisionError):
            expected = None
        assert found == expected or (expected is not None and math.isnan(expected) and math.isnan(found))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("__import__('os')", "there is no function __import__; there are abs, contains"),
        ("a.real", r"a\.real is nothing an expression can have"),
        ("[x for x in a]", "is nothing an expression can have"),
        ("lambda: 1", "is nothing an expression can have"),
        ("a ** 2", r"a \*\* 2 is nothing an expression can have"),
        ("1 < a < 2", "1 < a < 2 is nothing"),
        ("log(a, base=2)", "is nothing"),
        ("a if b else", "is no expression: invalid syntax"),
        ("a; b", "is no expression: invalid syntax"),
        ("", "is no expression"),
        ("\0", "null bytes"),
        ("log('a')", "'a' is text, expected a number"),
        ("1 and a", "1 is a number, expected true or false"),
        ("known(t) + 1", r"known\(t\) is true or false, expected a number"),
        ("log(a, b)", "log takes 1 arguments, not 2"),
        ("a if 1 else 2", "1 is a number, expected true or false"),
        ("t == 'x' and t > 1", "t is text, expected a number"),
        ("a + " * 400 + "a", f"1,601 characters; {LONGEST:,} are the most"),
        ("-" * 999 + "a", "nested too deeply|nothing|no expression"),
    ],
)  # fmt: skip
def test_what_is_no_expression(text, said):
    with pytest.raises(ValueError, match=said):
        parse(text)
    with pytest.raises(ValueError, match=said):
        FileSource(kind="files", reader="table", folder="x", files=["x"], computed={"c": text})


def test_columns_are_computed_in_order():
    table = with_computed(TABLE, {"c": "a + 1", "d": "2 * c"})
    assert table["d"].to_list() == [8.0, 4.0, 2.0, None]
    with pytest.raises(DatasetError) as error:
        with_computed(TABLE, {"d": "2 * c", "c": "a + x", "e": "log(t)"})
    assert [problem.where for problem in error.value.problems] == [
        "dataset.source.computed.d, column c",
        "dataset.source.computed.c, column x",
        "dataset.source.computed.e, column t",
    ]
    assert error.value.problems[2].expected == "numbers in 'log(t)'"


def source(**more):
    return FileSource(kind="files", reader="table", folder="", files=["x.csv"], **more)


def test_a_table_with_its_own_names(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("Ad ID,Shown,Hits,Kind,rest\n7,100,5,web,1\n8,300,1,app,2\n")
    said = []
    table = read_files(
        source(columns={"ad_id": "Ad ID", "impressions": "Shown", "hits": "Hits"}, computed={"rate": "hits / impressions"}),
        {"x.csv": path},
        AdTable(target="rate", categorical=["Kind"]),
        say=said.append,
    )["ads"]
    assert table.sort("ad_id").select("ad_id", "impressions", "Kind", "rate").rows() == [
        ("7", 100, "web", 0.05),
        ("8", 300, "app", 1 / 300),
    ]
    assert said == ["x.csv: left out the columns rest, which the dataset gives no meaning"]


def test_a_column_that_an_expression_needs_is_required(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("ad_id,shown\n7,100\n")
    with pytest.raises(DatasetError, match=r"x.csv, column Hits: found no such column"):
        read_files(source(columns={"hits": "Hits"}, computed={"rate": "hits / shown"}), {"x.csv": path}, AdTable(target="rate"))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            {"reader": "upworthy", "computed": {"a": "1"}},
            "computed: for the reader table alone; upworthy knows",
        ),
        ({"columns": {"a": "b"}, "computed": {"a": "1"}}, "a is in columns and in computed"),
        ({"columns": {"a": "x", "b": "x"}}, "x has two names in columns"),
    ],
)
def test_sources_that_contradict_themselves(more, said):
    with pytest.raises(ValueError, match=said):
        FileSource(**({"kind": "files", "reader": "table", "folder": "", "files": ["x"]} | more))


@given(
    st.lists(st.tuples(st.none() | st.integers(0, 9), st.none() | st.floats(-1e6, 1e6)), min_size=1, max_size=30),
    st.integers(1, 12),
)
def test_any_pieces_give_the_same_columns(rows, size):
    table = pl.DataFrame(rows, schema={"a": pl.Int64, "b": pl.Float64}, orient="row")
    computed = {
        "rate": "smoothed_rate(a, a + 3)",
        "centred": "b - mean(b)",
        "share": "abs(centred) / total(abs(centred - mean(rate)))",
        "number": "row_number()",
        "rows": "total(1)",
    }
    whole = with_computed(table, computed)
    assert pl.concat(computed_pieces(table.lazy(), computed, size)).equals(whole)
    known = [b for _, b in rows if b is not None]
    mean = math.fsum(known) / len(known) if known else None
    assert whole["centred"].to_list() == [None if b is None else b - mean for _, b in rows]
    assert whole["number"].to_list() == [str(number + 1) for number in range(len(rows))]
    assert whole["rows"].to_list() == [len(rows)] * len(rows)
