"""Windows beside plain loops over moments."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from scipy.stats import linregress, median_abs_deviation

from within_wf.config.dataset import SeriesTable
from within_wf.config.features import WindowConfig
from within_wf.errors import DatasetError
from within_wf.features import WindowBuilder
from within_wf.features.statistics import STATISTICS, window_statistics
from within_wf.features.windows import with_rows

ROLES = SeriesTable(series="account", time="day", channels=["clicks", "spend"], label="bad")
START = date(2024, 1, 1)


def account(name, days, seed=0):
    draws = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "account": [name] * len(days),
            "day": [START + timedelta(days=day) for day in days],
            "clicks": draws.integers(0, 50, len(days)),
            "spend": draws.normal(size=len(days)),
            "bad": draws.integers(0, 2, len(days)),
        }
    )


def split(table, first=20, second=30):
    days = (pl.col("day") - START).dt.total_days()
    return [
        table.filter(days < first),
        table.filter(days.is_between(first, second, closed="left")),
        table.filter(days >= second),
    ]


def build(table, **config):
    parts = split(table)
    builder = WindowBuilder(ROLES, WindowConfig(**config)).fit(parts[0])
    moments = with_rows(parts, ROLES)
    return builder, moments, list(builder.build(moments))


def test_each_window_holds_the_moments_up_to_its_own():
    table = pl.concat([account("b", range(40), 1), account("a", range(40), 2)])
    builder, moments, found = build(table, length=5, train_stride=3)
    assert len(found) == 2
    for name, windows in zip(("a", "b"), found, strict=True):
        mine = moments.filter(account=name)
        days = (moments["day"][windows.rows.tolist()] - START).dt.total_days().to_list()
        assert days == [4, 7, 10, 13, 16, 19, *range(20, 40)]
        np.testing.assert_array_equal(windows.label, mine["bad"].to_numpy()[days])
        scaled = np.stack([channel.transform(mine[n].cast(float).to_numpy()) for channel, n in builder._pairs()], axis=1)
        for window, day in zip(windows.x, days, strict=True):
            expected = scaled[day - 4 : day + 1]
            np.testing.assert_array_equal(window[:, :2], expected.astype(np.float32))
            np.testing.assert_allclose(window[:, 2:], expected - np.median(expected, axis=0), rtol=1e-6, atol=1e-7)


def test_a_missing_day_takes_the_values_before_it_and_ends_no_window():
    days = [day for day in range(40) if day not in (22, 23)]
    builder, moments, (windows,) = build(account("a", days), length=4, train_stride=1)
    ends = (moments["day"][windows.rows.tolist()] - START).dt.total_days().to_list()
    assert 22 not in ends
    assert 23 not in ends
    window = windows.x[ends.index(24)][:, 1]
    assert window[0] == window[1] == window[2]
    spend = builder._channels[1].transform(moments["spend"].to_numpy())
    assert window[0] == np.float32(spend[21])
    assert window[3] == np.float32(spend[22])


def test_moments_off_the_grid_follow_each_other():
    def windows(times):
        table = account("a", range(40)).with_columns(day=pl.Series(times))
        parts = [table[:20], table[20:30], table[30:]]
        return next(WindowBuilder(ROLES, WindowConfig(length=4)).fit(parts[0]).build(with_rows(parts, ROLES)))

    even = list(range(0, 80, 2))
    shaken = [*even[:10], even[10] + 1, *even[11:]]
    np.testing.assert_array_equal(windows(shaken).x, windows(even).x)
    np.testing.assert_array_equal(windows(shaken).rows, windows(even).rows)


def test_windows_look_back_at_an_embargo_and_none_ends_there():
    table = account("a", range(40), 1)
    train, validation, test = split(table)
    day = (pl.col("day") - START).dt.total_days()
    gaps = [train.filter(day >= 17), validation.filter(day >= 28)]
    kept = [train.filter(day < 17), validation.filter(day < 28), test]
    builder = WindowBuilder(ROLES, WindowConfig(length=5, train_stride=1)).fit(kept[0])
    (found,) = builder.build(with_rows([*kept, pl.concat(gaps)], ROLES))
    (whole,) = builder.build(with_rows([train, validation, test], ROLES))
    ends = np.array([*range(4, 17), *range(20, 28), *range(30, 40)])
    assert found.rows.tolist() == ends.tolist()
    np.testing.assert_array_equal(found.x, whole.x[ends - 4])
    np.testing.assert_array_equal(found.features, whole.features[ends - 4])


def test_a_series_shorter_than_a_window_has_none():
    _, _, found = build(pl.concat([account("a", range(40)), account("b", range(3))]), length=4)
    assert found[1].x.shape == (0, 4, 4)
    assert found[1].features.shape == (0, 27)


def test_the_scale_is_learned_from_training_moments_alone():
    table = account("a", range(40))
    louder = table.with_columns(spend=pl.when((pl.col("day") - START).dt.total_days() >= 20).then(1e6).otherwise("spend"))
    one, two = (build(frame, length=4)[0] for frame in (table, louder))
    assert one._channels == two._channels


def test_statistics_are_what_their_names_say():
    x = np.random.default_rng(0).normal(size=(50, 12)).cumsum(axis=1)
    found = dict(zip(STATISTICS, window_statistics(x).T, strict=True))
    np.testing.assert_allclose(found["mean"], x.mean(axis=1), rtol=1e-12)
    np.testing.assert_allclose(found["std"], x.std(axis=1), rtol=1e-12)
    np.testing.assert_allclose(found["trend"], [linregress(np.arange(12), row).slope for row in x], rtol=1e-9)
    z = (x[:, -1] - np.median(x[:, :-1], axis=1)) / (1.4826 * median_abs_deviation(x[:, :-1], axis=1))
    np.testing.assert_allclose(found["z"], np.clip(z, -10, 10), rtol=1e-9)
    np.testing.assert_allclose(found["recent"], x[:, -3:].mean(axis=1) - x[:, :-3].mean(axis=1), rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(found["last"], x[:, -1])
    np.testing.assert_array_equal(found["min"], x.min(axis=1))
    np.testing.assert_array_equal(found["max"], x.max(axis=1))
    np.testing.assert_allclose(found["lowest recent"], x[:, -3:].min(axis=1) - np.median(x[:, :-1], axis=1))


def test_constant_windows_have_no_statistics_but_their_level():
    found = dict(zip(STATISTICS, window_statistics(np.full((2, 8), 3.0)).T, strict=True))
    assert found["last"].tolist() == found["mean"].tolist() == [3.0, 3.0]
    assert {name: values.tolist() for name, values in found.items() if name in ("std", "trend", "z", "recent")} == {
        "std": [0, 0],
        "trend": [0, 0],
        "z": [0, 0],
        "recent": [0, 0],
    }


def test_what_is_saved_is_the_same_bytes_and_builds_alike(tmp_path):
    builder, moments, (windows,) = build(account("a", range(40)), length=4)
    builder.save(tmp_path / "one")
    again = WindowBuilder.load(tmp_path / "one")
    again.save(tmp_path / "two")
    assert (tmp_path / "one/windows.json").read_bytes() == (tmp_path / "two/windows.json").read_bytes()
    np.testing.assert_array_equal(next(again.build(moments)).x, windows.x)
    assert len(builder.feature_names) == windows.features.shape[1]


def test_nothing_to_learn_from_and_no_builder_are_refused(tmp_path):
    with pytest.raises(DatasetError, match="training moments"):
        WindowBuilder(ROLES).fit(account("a", []))
    with pytest.raises(DatasetError, match=r"windows\.json"):
        WindowBuilder.load(tmp_path)
