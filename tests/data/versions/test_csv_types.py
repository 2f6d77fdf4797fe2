"""Types of CSV columns that no contract names."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from within_wf.data.versions.csv_types import as_type, type_of


def typed(cells, before=None):
    return as_type(cells, type_of(cells, before))


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "-20", None], pl.Int64),
        (["0", "007"], pl.String),
        (["+1", "2"], pl.String),
        (["1", "2.5"], pl.Float64),
        (["1e3", "-2.5E-3"], pl.Float64),
        (["1e999"], pl.String),
        (["NaN", "1.5"], pl.String),
        (["1234567890123456789"], pl.String),
        (["1.5", "12345678901234567"], pl.String),
        (["true", "false", None], pl.Boolean),
        (["True", "false"], pl.String),
        (["2024-01-31", None], pl.Date),
        (["2024-02-31"], pl.String),
        (["2024-01-31 10:00:00", "2024-01-31T10:00:00.25"], pl.Datetime("us")),
        (["2024-01-31 25:00:00"], pl.String),
        (["2024-01-31", "2024-01-31 10:00:00"], pl.String),
        (["31.01.2024"], pl.String),
        ([" 1"], pl.String),
        (["1\n", "2"], pl.String),
    ],
)
def test_a_type_is_what_every_value_says(cells, kind):
    column = typed(pl.Series("x", cells, pl.String))
    assert column.dtype == kind
    assert column.is_null().to_list() == [cell is None for cell in cells]


@given(st.lists(st.none() | st.integers(-(10**18) + 1, 10**18 - 1), min_size=1))
def test_whole_numbers_come_back(values):
    cells = pl.Series("x", [None if value is None else str(value) for value in values], pl.String)
    assert typed(cells).to_list() == values


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_numbers_come_back(values):
    column = typed(pl.Series("x", [repr(value) for value in values]))
    assert column.dtype == pl.Float64
    assert column.to_list() == values


def test_types_follow_the_version_before_where_they_can():
    assert typed(pl.Series("x", ["1", "2"]), "text").dtype == pl.String
    assert typed(pl.Series("x", ["1", None]), "number").dtype == pl.Float64
    assert typed(pl.Series("x", ["1", "a"]), "number").dtype == pl.String
    assert typed(pl.Series("x", ["1", "2"]), "day").dtype == pl.Int64


def test_a_column_without_values_stays_text():
    assert typed(pl.Series("x", [None, None], pl.String)).dtype == pl.String


def test_thousands_are_not_taken_for_decimals():
    cells = pl.Series("x", ["147.511", "970", "1.080"])
    assert typed(cells).dtype == pl.String
    assert as_type(cells, type_of(cells, decimal="."), ".").to_list() == [147.511, 970.0, 1.08]
    commas = pl.Series("x", ["1.234,5", "970", None])
    assert as_type(commas, type_of(commas, decimal=","), ",").to_list() == [1234.5, 970.0, None]
    assert typed(pl.Series("x", ["0.125", "970"])).dtype == pl.Float64
