"""Features of a series' past beside polars' rolling functions, and what they may not know."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from within_wf.config.dataset import SeriesTable
from within_wf.config.features import HistoryConfig, WindowConfig
from within_wf.errors import DatasetError
from within_wf.features import WindowBuilder
from within_wf.features.calendar import calendar_features, calendar_names, days_of
from within_wf.features.history import history_features, history_names

ALL = ["mean", "std", "min", "max"]
VALUES = np.random.default_rng(1).normal(3, 2, size=(60, 2))
ROLES = SeriesTable(series="account", time="day", channels=["clicks", "spend"], label="bad")
CONFIG = WindowConfig(
    length=4,
    history=HistoryConfig(lags=[1, 9], rolling=[3, 12], expanding=True, functions=ALL),
    calendar=["weekday", "month", "day_of_year"],
)


def plain(values, width):
    """Each function over the last values of each moment, by polars."""
    column = pl.Series(values)
    of = {"window_size": width, "min_samples": 1}
    means, lows, highs = column.rolling_mean(**of), column.rolling_min(**of), column.rolling_max(**of)
    return np.stack([means, column.rolling_std(**of, ddof=0), lows, highs], axis=1)


@pytest.mark.parametrize("include_now", [True, False])
def test_features_are_those_of_polars(include_now):
    config = HistoryConfig(lags=[1, 7], rolling=[3, 14], expanding=True, functions=ALL, include_now=include_now)
    found = history_features(VALUES, config)
    assert found.shape == (60, 2, len(history_names(config)))
    for channel in range(2):
        values = VALUES[:, channel]
        np.testing.assert_array_equal(found[:, channel, 0], pl.Series(values).shift(1).to_numpy())
        np.testing.assert_array_equal(found[:, channel, 1], pl.Series(values).shift(7).to_numpy())
        for start, width in ((2, 3), (6, 14), (10, 60)):
            wanted = plain(values, width)
            if not include_now:
                wanted = np.concatenate([np.full((1, 4), np.nan), wanted[:-1]])
            np.testing.assert_allclose(found[:, channel, start : start + 4], wanted, rtol=1e-9, atol=1e-9)


def test_names_say_how_far_features_reach():
    config = HistoryConfig(lags=[7], rolling=[3], expanding=True)
    assert history_names(config) == ["7 back", "mean of 3", "std of 3", "mean so far", "std so far"]
    before = HistoryConfig(rolling=[3], functions=["max"], include_now=False)
    assert history_names(before) == ["max of 3 before"]
    assert history_names(HistoryConfig()) == []
    assert history_features(VALUES, HistoryConfig()).shape == (60, 2, 0)


@given(
    length=st.integers(0, 12),
    lags=st.lists(st.integers(1, 15), unique=True, max_size=2),
    rolling=st.lists(st.integers(1, 15), unique=True, max_size=2),
    include_now=st.booleans(),
    cut=st.integers(0, 12),
)
def test_no_feature_changes_when_later_moments_do(length, lags, rolling, include_now, cut):
    config = HistoryConfig(lags=lags, rolling=rolling, expanding=True, functions=ALL, include_now=include_now)
    values = VALUES[:length]
    other = np.where(np.arange(length)[:, None] < cut, values, 1e9)
    before, after = history_features(values, config), history_features(other, config)
    np.testing.assert_array_equal(before[:cut], after[:cut])
    np.testing.assert_array_equal(before[:cut], history_features(values[:cut], config))
    if not include_now:
        np.testing.assert_array_equal(before[: cut + 1, :, len(lags) :], after[: cut + 1, :, len(lags) :])


def days(name, count, seed):
    draws = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "account": [name] * count,
            "day": [date(2024, 2, 20) + timedelta(days=day) for day in range(count)],
            "clicks": draws.integers(0, 50, count).astype(float),
            "spend": draws.gamma(2, 2, count),
        }
    )


TABLE = pl.concat([days("a", 30, 1), days("b", 25, 2)])
BUILDER = WindowBuilder(ROLES, CONFIG).fit(TABLE)


def features_of(table):
    """Account and day to the features of the window that ends there."""
    moments = BUILDER.prepare(table)
    made = {}
    for windows in BUILDER.build(moments):
        ends = moments[windows.rows].select("account", "day").rows()
        made |= dict(zip(ends, windows.features, strict=True))
    return made


def test_windows_hold_the_past_and_the_calendar_of_their_last_moment():
    names = BUILDER.feature_names
    assert names[27:30] == ["clicks: 1 back", "clicks: 9 back", "clicks: mean of 3"]
    assert names[-6:] == calendar_names("day", CONFIG.calendar)
    found = features_of(TABLE)
    assert all(row.size == len(names) and np.isfinite(row).all() for row in found.values())
    channel = BUILDER._channels[0].transform(TABLE.filter(account="b")["clicks"].to_numpy())
    last = found["b", date(2024, 2, 20) + timedelta(days=24)]
    assert last[names.index("clicks: 9 back")] == np.float32(channel[15])
    np.testing.assert_allclose(last[names.index("clicks: mean of 12")], channel[13:].mean(), rtol=1e-6)
    np.testing.assert_allclose(last[names.index("clicks: std so far")], channel.std(), rtol=1e-6)
    assert found["a", date(2024, 2, 23)][names.index("clicks: 9 back")] == 0


def test_scoring_sees_what_training_saw_in_any_order_and_alone():
    found = features_of(TABLE)
    for other in (TABLE.sample(fraction=1, shuffle=True, seed=3), TABLE.reverse()):
        again = features_of(other)
        assert again.keys() == found.keys()
        assert all(np.array_equal(again[end], row) for end, row in found.items())
    alone = features_of(TABLE.filter(account="b"))
    assert all(np.array_equal(found[end], row) for end, row in alone.items())


@settings(max_examples=15)
@given(cut=st.integers(4, 24), replaced=st.booleans(), value=st.floats(-1e6, 1e6))
def test_no_window_changes_when_later_days_do(cut, replaced, value):
    first = date(2024, 2, 20) + timedelta(days=cut)
    later = pl.col("day") >= first
    changed = TABLE.with_columns(clicks=pl.when(later).then(value).otherwise("clicks")) if replaced else TABLE.filter(~later)
    found, again = features_of(TABLE), features_of(changed)
    earlier = [end for end in found if end[1] < first]
    assert earlier
    assert all(np.array_equal(found[end], again[end]) for end in earlier)


def test_what_is_saved_builds_alike(tmp_path):
    BUILDER.save(tmp_path)
    again = WindowBuilder.load(tmp_path)
    assert again.config == CONFIG
    moments = again.prepare(TABLE)
    for one, two in zip(again.build(moments), BUILDER.build(moments), strict=True):
        np.testing.assert_array_equal(one.features, two.features)


def test_times_are_points_on_a_circle():
    times = pl.Series("day", [date(2024, 1, 1), date(2024, 12, 31), date(2025, 7, 2), None])
    found = calendar_features(times, ["weekday", "month", "day_of_year"])
    assert found.shape == (4, 6)
    angles = 2 * np.pi * np.array([[0 / 7, 0, 0], [1 / 7, 11 / 12, 365 / 366], [2 / 7, 6 / 12, 182 / 366]])
    np.testing.assert_allclose(found[:3, ::2], np.sin(angles), atol=1e-15)
    np.testing.assert_allclose(found[:3, 1::2], np.cos(angles), atol=1e-15)
    assert not found[3].any()
    assert calendar_features(times, []).shape == (4, 0)


def test_texts_of_times_are_times():
    texts = pl.Series("t", ["2024-05-31", "2024-05-31 18:30", "2024-05-31T18:30:15.25", None])
    found = calendar_features(texts, ["hour", "weekday"])
    hours = 2 * np.pi * np.array([0, 18, 18]) / 24
    np.testing.assert_allclose(found[:3, 0], np.sin(hours), atol=1e-15)
    assert len(set(found[:3, 2])) == 1
    zoned = pl.Series("t", ["2024-05-31 18:30"]).str.to_datetime().dt.replace_time_zone("Asia/Tokyo")
    np.testing.assert_array_equal(calendar_features(zoned, ["hour", "weekday"]), found[1:2])


@pytest.mark.parametrize(("values", "found"), [(["2024-05-31", "31.5."], r"31\.5\."), ([1.5], "Float64 values")])
def test_what_is_no_time_is_refused(values, found):
    with pytest.raises(DatasetError, match=f"column t: found .*{found}"):
        calendar_features(pl.Series("t", values), ["month"])
    with pytest.raises(DatasetError, match="holds no times"):
        days_of(pl.Series("t", values))


def test_whole_numbers_count_days():
    assert days_of(pl.Series("t", [3, None, 5])).tolist()[::2] == [3, 5]
    assert days_of(pl.Series("t", [date(1970, 1, 3)])).tolist() == [2]
