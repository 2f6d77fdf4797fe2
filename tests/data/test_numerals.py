"""Numbers in text, against Python's own formatting of them."""

import math
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from within_wf.data.findings import Findings
from within_wf.data.readers.numerals import parse_numbers, with_units

AMOUNTS = st.decimals(-(10**12), 10**12, places=2)
UNITS = [("", ""), ("$", ""), ("€ ", ""), ("", " €"), ("USD ", ""), ("", "%"), ("A$", "")]
PARTS = {".": [",", "", " ", "\u00a0", "\u202f", "'", "’"], ",": [".", "", " ", "'"]}


def parsed(*cells, decimal="."):
    return parse_numbers(pl.Series(cells, dtype=pl.String), decimal).to_list()


@given(st.lists(AMOUNTS, min_size=1, max_size=20), st.data())
def test_amounts_of_any_country_are_read_back(amounts, data):
    decimal = data.draw(st.sampled_from(".,"))
    part = data.draw(st.sampled_from(PARTS[decimal]))
    before, after = data.draw(
        st.sampled_from([("", ""), ("$", ""), ("€ ", ""), ("", " €"), ("USD ", ""), ("", "%"), ("A$", "")])
    )

    def written(amount):
        figures = f"{abs(amount):,.2f}".replace(",", "_").replace(".", decimal).replace("_", part)
        sign = "-" if amount < 0 else ""
        return data.draw(st.sampled_from([f"{sign}{before}{figures}{after}", f"{before}{sign}{figures}{after}"]))

    assert parsed(*map(written, amounts), decimal=decimal) == [float(amount) for amount in amounts]


@given(st.lists(st.floats(width=64), min_size=1))
def test_floats_as_programs_write_them_stay(values):
    for read, value in zip(parsed(*map(repr, values)), values, strict=True):
        assert read == value or (math.isnan(read) and math.isnan(value))


@pytest.mark.parametrize(
    ("cell", "value"),
    [("(1,234.50)", -1234.5), ("($3)", -3.0), ("−7", -7.0), ("12,34,567.5", 1234567.5), (".5", 0.5), ("5.", 5.0), ("+2%", 2.0)],
)
def test_other_ways_to_write_a_number(cell, value):
    assert parsed(cell) == [value]


@pytest.mark.parametrize(
    "cell",
    [
        "1,5",
        "12,34",
        "0,123",
        "1,2345",
        "1.2.3",
        "1,234,56",
        "1,234'567",
        "$",
        "%",
        "5 kg",
        "",
        "1 2",
        "--5",
        "(5",
        "5)",
        "12٣",
    ],
)
def test_what_is_no_number_stays_none(cell):
    assert parsed(cell) == [None]


@pytest.mark.parametrize("cell", ["1.5", "12.34", "0.123", "1.2345", "1.234.56"])
def test_a_point_is_none_where_the_comma_is_decimal(cell):
    assert parsed(cell, decimal=",") == [None]


def test_the_other_mark_alone_parts_thousands():
    assert parsed("1,234", "1.234") == [1234.0, 1.234]
    assert parsed("1,234", "1.234", decimal=",") == [1.234, 1234.0]


@given(st.lists(st.sampled_from(["1", "0", "2%", "0 %", "$3", "€4", "5 USD", "0 EUR", "x"]), max_size=8))
def test_a_column_counts_one_unit(cells):
    units = {"2%": "%", "$3": "$", "€4": "€", "5 USD": "USD", "1": ""}
    expected = {units[cell] for cell in cells if cell in units}
    numbers, found = with_units(pl.Series(cells, dtype=pl.String))
    assert found == expected
    assert numbers.null_count() == cells.count("x")
    findings = Findings("a.csv")
    for cell in cells:  # in any batches
        findings.add_units("spend", with_units(pl.Series([cell]))[1])
    mixed = len(expected - {""}) > 1 or {"", "%"} <= expected
    assert bool(findings.problems()) == mixed


def test_thousands_of_decimals_are_exact():
    amounts = [Decimal(number) / 100 for number in range(99_950, 100_050)]
    assert parsed(*(f"{amount:,.2f}" for amount in amounts)) == [float(amount) for amount in amounts]
