import math
from datetime import date, datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from within_wf.data.description import BINS, describe, moment
from within_wf.data.versions.canonical import canonical


def described(**columns):
    return describe("table", canonical(pl.DataFrame(columns, strict=False), "table"))


def column_of(values):
    (column,) = described(x=values).columns
    return column


@settings(max_examples=60)
@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=2, max_size=200))
def test_a_histogram_is_numpys(values):
    drawn = column_of(values).histogram
    if len(set(values)) < 2:
        assert drawn is None
        return
    if drawn is None:  # too close for so many bars
        assert max(values) - min(values) <= BINS * np.spacing(max(map(abs, values)))
        return
    inner = [value for value in values if drawn.edges[0] <= value <= drawn.edges[-1]]
    assert sum(drawn.counts) == len(inner)
    if not drawn.cut:
        assert (drawn.edges[0], drawn.edges[-1], len(inner)) == (min(values), max(values), len(values))
    middle = [
        value for value in inner if all(not math.isclose(value, edge, rel_tol=1e-9, abs_tol=1e-9) for edge in drawn.edges)
    ]
    ours, theirs = np.searchsorted(drawn.edges, middle) - 1, np.histogram(middle, drawn.edges)[0]
    assert np.array_equal(np.bincount(ours, minlength=BINS), theirs)
    assert np.all(np.array(drawn.counts) >= theirs)


def test_a_few_far_values_do_not_flatten_the_rest():
    values = [*np.linspace(0, 1, 500).tolist(), 1e9]
    drawn = column_of(values).histogram
    assert drawn.cut
    assert drawn.edges[-1] < 1
    assert min(drawn.counts) > 10


def test_moments_are_drawn_by_their_time():
    drawn = column_of([datetime(2024, 1, 1), datetime(2024, 1, 2), datetime(2024, 1, 3)]).histogram
    assert drawn.moments
    assert [moment(edge) for edge in (drawn.edges[0], drawn.edges[-1])] == [datetime(2024, 1, 1), datetime(2024, 1, 3)]
    assert (drawn.counts[0], drawn.counts[BINS // 2], drawn.counts[-1]) == (1, 1, 1)
    assert [moment(edge) for edge in column_of([date(1950, 1, 1), date(1951, 1, 1)]).histogram.edges[:1]] == [
        datetime(1950, 1, 1)
    ]


@pytest.mark.parametrize(
    ("values", "doubts"),
    [
        ([None, None], ["it has no value"]),
        ([1, None, None], ["66.7% of its values are missing", "every row has the same value"]),
        ([0] * 499 + [1], ["99.8% of its values are 0"]),
        ([1.0, math.inf, math.nan], ["2 values are NaN or infinite"]),
        (["a", "b"], []),
        (["Shoes", "shoes ", "  "], ["1 values are blank", "1 values begin or end with a space"]),
        (["a b", "A B", "A b"], ["2 values differ from another by case or spaces alone"]),
    ],
)
def test_doubts(values, doubts):
    found = column_of(values).doubts
    for doubt in doubts:
        assert doubt in found
    if not doubts:
        assert found == ()


def test_repeated_rows_words_and_order():
    found = described(b=["two words", "two words", "one"], a=[1, 1, 2])
    assert (found.rows, found.repeated) == (3, 1)
    assert [column.name for column in found.columns] == ["b", "a"]
    assert found.columns[0].words == pytest.approx(5 / 3)
    assert found.columns[1].words is None


def test_no_rows():
    found = described(x=pl.Series([], dtype=pl.Float64))
    assert (found.rows, found.repeated, found.doubts) == (0, 0, [])
