"""Smaller types, the same values."""

import logging
import math

import pandas as pd
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from within_wf.data import optimize_memory_usage


def test_types_are_the_smallest_that_hold_the_values(caplog):
    table = pl.DataFrame(
        {
            "tiny": [-128, 127, None],
            "small": [-129, 0, 1],
            "whole": [2**31, 0, 1],
            "half": [2**15, 0, 1],
            "low": [2**32, -1, 0],
            "huge": pl.Series([2**63, 0, None], dtype=pl.UInt64),
            "short": pl.Series([127, 0, None], dtype=pl.UInt64),
            "unsigned": pl.Series([0, 255, 1], dtype=pl.UInt64),
            "exact": [0.5, math.nan, math.inf],
            "fine": [0.1, 1.0, None],
            "nothing": pl.Series([None] * 3, dtype=pl.Int64),
            "word": ["a" * 50, "b" * 50, "c" * 50],
            "day": pl.Series(["2024-01-01"] * 3).str.to_date(),
        }
    )
    table = pl.concat([table] * 100)
    with caplog.at_level(logging.INFO):
        smaller = optimize_memory_usage(table)
    small = [
        pl.Int8,
        pl.Int16,
        pl.UInt32,
        pl.UInt16,
        pl.Int64,
        pl.UInt64,
        pl.Int8,
        pl.UInt8,
        pl.Float32,
        pl.Float64,
        pl.Int8,
        pl.Categorical,
        pl.Date,
    ]
    assert smaller.columns == table.columns
    assert smaller.dtypes == small
    assert smaller.cast(dict(table.schema)).equals(table)
    saved = 1 - smaller.estimated_size() / table.estimated_size()
    assert f"{smaller.estimated_size():,} bytes instead of {table.estimated_size():,}: {100 * saved:.0f}% saved" in caplog.text


def test_distinct_texts_and_empty_tables_stay():
    table = pl.DataFrame({"word": ["a", "b", "c"]})
    assert optimize_memory_usage(table).equals(table)
    assert optimize_memory_usage(pl.DataFrame()).is_empty()
    assert optimize_memory_usage(table.clear()).schema == table.schema


def test_pandas_tables_are_taken_too():
    assert optimize_memory_usage(pd.DataFrame({"a": [1, 2]})).schema == {"a": pl.Int8}


@settings(max_examples=100)
@given(
    whole=st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1), st.integers(0, 300)), max_size=5),
    count=st.lists(st.one_of(st.none(), st.integers(0, 2**64 - 1), st.integers(0, 300)), max_size=5),
    real=st.lists(st.one_of(st.none(), st.floats()), max_size=5),
    text=st.lists(st.one_of(st.none(), st.sampled_from(["", "a", "ä" * 20])), max_size=9),
)
def test_nothing_is_lost(whole, count, real, text):
    columns = {"whole": (whole, pl.Int64), "count": (count, pl.UInt64), "real": (real, pl.Float64), "text": (text, pl.String)}
    for name, (values, dtype) in columns.items():
        table = pl.DataFrame({name: pl.Series(values, dtype=dtype)})
        assert optimize_memory_usage(table).cast({name: dtype}).equals(table)
