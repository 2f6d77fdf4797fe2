"""Synthetic windows are windows: what is computed from their moments is."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from scipy import stats

from within_wf.augment import WindowSynthesizer
from within_wf.config.dataset import SeriesTable
from within_wf.config.features import HistoryConfig, WindowConfig
from within_wf.config.synthetic import SyntheticWindowsConfig
from within_wf.errors import DatasetError
from within_wf.features import WindowBuilder
from within_wf.features.statistics import window_statistics
from within_wf.features.windows import with_rows

ROLES = SeriesTable(series="account", time="day", channels=["clicks", "spend"], label="bad")
CONFIG = WindowConfig(length=6, train_stride=1, history=HistoryConfig(lags=[9]), calendar=["weekday"])
IDS = np.arange(200)


def windows():
    draws = np.random.default_rng(0)
    days = [date(2024, 1, 1) + timedelta(days=day) for day in range(90)]
    table = pl.DataFrame(
        {
            "account": [name for name in ("a", "b") for _ in days],
            "day": days * 2,
            "clicks": np.cumsum(draws.normal(size=180)),
            "spend": draws.normal(size=180),
            "bad": draws.integers(0, 2, 180),
        }
    )
    builder = WindowBuilder(ROLES, CONFIG).fit(table)
    found = list(builder.build(with_rows([table, table[:0], table[:0]], ROLES)))
    x, features = (np.concatenate([getattr(part, name) for part in found]) for name in ("x", "features"))
    return builder, x, features


@pytest.mark.parametrize("method", ["smote", "copula"])
def test_what_is_computed_from_moments_is_that_of_the_moments(method):
    builder, x, features = windows()
    made = WindowSynthesizer(builder, SyntheticWindowsConfig(method=method)).fit(x, features)
    new, told = made.sample(IDS)
    assert new.shape == (200, 6, 4)
    assert told.shape == (200, len(builder.feature_names))
    assert {new.dtype, told.dtype} == {np.dtype(np.float32)}
    np.testing.assert_allclose(new[..., 2:], new[..., :2] - np.median(new[..., :2], axis=1, keepdims=True), atol=1e-5)
    for at, channel in enumerate([new[..., 0], new[..., 1], new[..., 0] - new[..., 1]]):
        np.testing.assert_allclose(
            told[:, 9 * at : 9 * (at + 1)], window_statistics(channel.astype(float)), rtol=1e-3, atol=1e-3
        )
    assert builder.statistics == 27
    again, same = made.sample(IDS[50:60])
    np.testing.assert_array_equal(again, new[50:60])
    np.testing.assert_array_equal(same, told[50:60])
    assert [len(part) for part in made.sample(IDS[:0])] == [0, 0]


def test_smote_draws_between_neighbours_moments_and_what_came_before_alike():
    builder, x, features = windows()
    pair = WindowSynthesizer(builder, SyntheticWindowsConfig(method="smote")).fit(x[:2], features[:2])
    new, told = pair.sample(IDS)
    step = (new[:, 0, 0] - x[0, 0, 0]) / (x[1, 0, 0] - x[0, 0, 0])
    assert ((step > 0) & (step < 1)).all()
    np.testing.assert_allclose(new[..., :2], x[0, :, :2] + step[:, None, None] * (x[1] - x[0])[:, :2], atol=1e-5)
    np.testing.assert_allclose(told[:, 27:], features[0, 27:] + step[:, None] * (features[1] - features[0])[27:], atol=1e-5)


def test_a_copula_keeps_that_a_moment_goes_with_the_next():
    builder, x, features = windows()
    new, _ = WindowSynthesizer(builder, SyntheticWindowsConfig(method="copula")).fit(x, features).sample(np.arange(2000))
    for channel in range(2):
        was, now = (stats.spearmanr(of[:, :, channel]).statistic for of in (x, new))
        np.testing.assert_allclose(now, was, atol=0.1)


def test_one_window_is_too_few():
    builder, x, features = windows()
    for method, message in {"smote": "two rows or more, to lie between", "copula": "two rows or more"}.items():
        with pytest.raises(DatasetError, match=message):
            WindowSynthesizer(builder, SyntheticWindowsConfig(method=method)).fit(x[:1], features[:1])
