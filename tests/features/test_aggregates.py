"""Group aggregates beside plain loops, and what they may not know."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from within_wf.config.features import AggregateConfig, FeatureConfig
from within_wf.errors import DatasetError
from within_wf.features import Preprocessor
from within_wf.features.aggregates import GroupAggregates

ALL = ["mean", "sum", "min", "max", "count"]
START = date(2024, 3, 1)


def ads(rows, seed=0):
    draws = np.random.default_rng(seed)
    spend = draws.normal(10, 4, rows)
    return pl.DataFrame(
        {
            "campaign": [[*"abc", None][code] for code in draws.choice(4, rows, p=[0.5, 0.3, 0.1, 0.1])],
            "day": [START + timedelta(days=int(day)) if day else None for day in draws.integers(0, 15, rows)],
            "spend": [None if draws.random() < 0.1 else value for value in spend],
        },
        schema={"campaign": pl.String, "day": pl.Date, "spend": pl.Float64},
    )


TRAIN, OTHER = ads(120), ads(40, 1)


def plain(row, config, train=TRAIN):
    """What training rows say of one row, in a loop: count, mean, sum, min, max."""
    if row["campaign"] is None or (config.rows == "earlier" and row["day"] is None):
        return [0, np.nan, 0, np.nan, np.nan]
    rows = train.filter(pl.col("campaign") == row["campaign"])
    if config.rows == "earlier":
        last = row["day"] - timedelta(days=config.lag)
        rows = rows.filter(pl.col("day") <= last)
        if config.days is not None:
            rows = rows.filter(pl.col("day") > last - timedelta(days=config.days))
    known = rows["spend"].drop_nulls().to_numpy()
    some = [known.mean(), known.sum(), known.min(), known.max()] if known.size else [np.nan, 0, np.nan, np.nan]
    return [rows.height, *some]


SETTINGS = [
    {"rows": "all"},
    {"rows": "earlier"},
    {"rows": "earlier", "lag": 3},
    {"rows": "earlier", "days": 1},
    {"rows": "earlier", "lag": 2, "days": 5},
]


@pytest.mark.parametrize("setting", SETTINGS)
def test_aggregates_are_those_of_a_loop(setting):
    config = AggregateConfig(by="campaign", columns=["spend"], functions=["count", "mean", "sum", "min", "max"], **setting)
    made = GroupAggregates.fit(TRAIN, config, "day")
    for table in (TRAIN, OTHER, OTHER.with_columns(campaign=pl.lit("new"))):
        found = np.stack(list(made.transform(table).values()), axis=1)
        np.testing.assert_allclose(found, [plain(row, config) for row in table.rows(named=True)], rtol=1e-12)


@pytest.mark.parametrize("setting", SETTINGS)
def test_any_order_of_rows_and_a_row_alone_give_the_same_bits(setting):
    config = AggregateConfig(by="campaign", columns=["spend"], functions=ALL, **setting)
    made = GroupAggregates.fit(TRAIN, config, "day")
    shuffled = GroupAggregates.fit(TRAIN.sample(fraction=1, shuffle=True, seed=2), config, "day")
    assert made.cells.equals(shuffled.cells)
    found = made.transform(OTHER)
    for row in range(OTHER.height):
        alone = shuffled.transform(OTHER[row])
        for name, values in found.items():
            np.testing.assert_array_equal(alone[name], values[row : row + 1])


def test_as_many_days_as_there_are_say_what_all_of_them_say():
    by = {"by": "campaign", "columns": ["spend"], "functions": ALL, "rows": "earlier"}
    some, every = (GroupAggregates.fit(TRAIN, AggregateConfig(**by, days=days), "day") for days in (99, None))
    for one, two in zip(some.transform(OTHER).values(), every.transform(OTHER).values(), strict=True):
        np.testing.assert_array_equal(one, two)


@settings(max_examples=30)
@given(cut=st.integers(0, 15), seed=st.integers(0, 9), lag=st.integers(1, 3), days=st.sampled_from([None, 2]))
def test_no_feature_of_a_day_changes_when_later_days_do(cut, seed, lag, days):
    config = AggregateConfig(by="campaign", columns=["spend"], functions=ALL, rows="earlier", lag=lag, days=days)
    first = START + timedelta(days=cut)
    later = pl.col("day") >= first
    changed = pl.concat([TRAIN.filter(~later), ads(60, seed).filter(later).with_columns(pl.col("spend") * 1e9)])
    upto = OTHER.filter(pl.col("day") <= first)
    before, after = (GroupAggregates.fit(train, config, "day").transform(upto) for train in (TRAIN, changed))
    for name, values in before.items():
        np.testing.assert_array_equal(values, after[name])


def test_names_say_what_is_summed_up():
    def names(**setting):
        config = AggregateConfig(by="campaign", columns=["spend"], **setting)
        return list(GroupAggregates.fit(TRAIN, config, "day").transform(OTHER))

    assert names() == ["spend mean by campaign", "ads by campaign"]
    assert names(functions=["max"], rows="earlier") == ["spend max by campaign, earlier"]
    assert names(functions=["max"], rows="earlier", lag=2, days=7) == ["spend max by campaign, 2 days earlier, 7 days"]


def test_groups_without_rows_say_nothing():
    empty = TRAIN.with_columns(campaign=pl.lit(None, pl.String))
    made = GroupAggregates.fit(empty, AggregateConfig(by="campaign", columns=["spend"], functions=["sum", "min"]), None)
    found = made.transform(OTHER)
    assert not found["spend sum by campaign"].any()
    assert np.isnan(found["spend min by campaign"]).all()


def test_a_preprocessor_makes_them_features_and_keeps_them(tmp_path):
    parts = [
        AggregateConfig(by="campaign", columns=["spend"]),
        AggregateConfig(by="campaign", functions=["count"], rows="earlier"),
    ]
    made = Preprocessor(["spend"], [], FeatureConfig(aggregates=parts, calendar=["weekday"]), time="day")
    train = made.fit_transform(TRAIN)
    np.testing.assert_array_equal(train, made.transform(TRAIN))
    made.save(tmp_path / "one")
    again = Preprocessor.load(tmp_path / "one")
    again.save(tmp_path / "two")
    for file in ("preprocessor.json", "aggregates_0.parquet", "aggregates_1.parquet"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    np.testing.assert_array_equal(again.transform(OTHER), made.transform(OTHER))
    assert again.feature_names[2:] == [
        "day: weekday sine",
        "day: weekday cosine",
        "spend mean by campaign",
        "spend mean by campaign is missing",
        "ads by campaign",
        "ads by campaign, earlier",
    ]
    assert np.isfinite(again.transform(OTHER)).all()


def test_earlier_rows_need_a_time():
    config = FeatureConfig(aggregates=[AggregateConfig(by="campaign", functions=["count"], rows="earlier")])
    with pytest.raises(DatasetError, match="the column of times: found none"):
        Preprocessor([], [], config).fit(TRAIN)
    with pytest.raises(DatasetError, match="column campaign: found no such column"):
        Preprocessor([], [], config, time="day").fit(TRAIN.drop("campaign"))
