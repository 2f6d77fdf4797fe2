"""Statistics of columns, against numpy and Python's fractions."""

import datetime
import math
from fractions import Fraction

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from within_wf.data.versions.statistics import QUANTILES, column_statistics, table_statistics

FINITE = st.floats(-1e12, 1e12)


@given(st.lists(FINITE, min_size=1, max_size=40))
def test_numbers(values):
    said = column_statistics(pl.Series("x", values))
    mean = float(sum(map(Fraction, values))) / len(values)
    assert said["mean"] == mean
    assert said["std"] == pytest.approx(np.std(values), rel=1e-9, abs=1e-9 * max(map(abs, values)))
    assert (said["min"], said["max"]) == (min(values), max(values))
    wanted = np.quantile(values, QUANTILES, method="inverted_cdf")
    assert list(said["quantiles"].values()) == wanted.tolist()


def test_a_mean_knows_no_order_where_a_float_sum_does():
    values = [1e16, 1.0, -1e16, 3.0]
    assert sum(values) != 4.0
    assert {column_statistics(pl.Series("x", order))["mean"] for order in (values, values[::-1])} == {1.0}


def test_texts():
    said = column_statistics(pl.Series("x", ["b", "a", "b", None, "", "c" * 300]))
    assert said == {
        "type": "text",
        "count": 5,
        "nulls": 1,
        "distinct": 4,
        "top": [["b", 2]],
        "min": "",
        "max": "c" * 199 + "…",
    }


def test_the_most_frequent_come_first_and_ties_by_value():
    cells = [f"v{i:02}" for i in range(15) for _ in range(2)] + ["v14"]
    assert column_statistics(pl.Series("x", cells))["top"] == [["v14", 3], *([f"v{i:02}", 2] for i in range(9))]


def test_flags_days_and_moments():
    table = pl.DataFrame(
        {
            "f": [True, False, True],
            "d": [datetime.date(2024, 1, day) for day in (1, 2, 3)],
            "m": [datetime.datetime(2024, 1, 1, 10), None, None],
        }
    )
    said = table_statistics(table)
    assert said["f"]["mean"] == pytest.approx(2 / 3)
    assert said["f"]["top"] == [[True, 2]]
    assert said["d"]["quantiles"]["0.5"] == "2024-01-02"
    assert said["m"] | {"quantiles": 0} == {
        "type": "moment",
        "count": 1,
        "nulls": 2,
        "distinct": 1,
        "top": [],
        "min": "2024-01-01 10:00:00",
        "max": "2024-01-01 10:00:00",
        "quantiles": 0,
    }


def test_what_is_not_finite_is_counted_and_left_out():
    said = column_statistics(pl.Series("x", [1.0, math.nan, math.nan, math.inf, 3.0]))
    assert (said["not_finite"], said["mean"], said["max"], said["distinct"]) == (3, 2.0, 3.0, 4)
    assert said["top"] == [["nan", 2]]
    assert "mean" not in column_statistics(pl.Series("x", [math.inf]))
    assert column_statistics(pl.Series("x", [1.7e308] * 3))["mean"] is None


def test_a_column_without_values_says_so():
    said = column_statistics(pl.Series("x", [None], dtype=pl.Int64))
    assert said == {"type": "whole", "count": 0, "nulls": 1, "distinct": 0, "top": []}
