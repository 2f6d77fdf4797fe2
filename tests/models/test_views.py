import numpy as np
import pytest

from within_wf.models.views import Centring

ROWS = np.random.default_rng(0).normal(3, [1, 5, 0.1], size=(200, 3)).astype(np.float32)


def test_training_rows_get_mean_0_and_a_mean_squared_length_of_1():
    weight = np.random.default_rng(1).uniform(size=200)
    centred = Centring.fit(ROWS, weight).apply(ROWS).astype(np.float64)
    assert np.allclose(np.average(centred, axis=0, weights=weight), 0, atol=1e-6)
    assert np.average((centred**2).sum(axis=1), weights=weight) == pytest.approx(1, abs=1e-6)


def test_one_scale_for_all_columns_keeps_their_proportions():
    spread = Centring.fit(ROWS, np.ones(200)).apply(ROWS).std(axis=0)
    assert np.allclose(spread / spread[0], ROWS.std(axis=0) / ROWS[:, 0].std(), rtol=1e-4)


def test_a_missing_view_is_not_learned_from_and_becomes_the_mean():
    holes = ROWS.copy()
    holes[::3] = np.nan
    fitted = Centring.fit(holes, np.ones(200))
    kept = np.delete(ROWS, np.arange(0, 200, 3), axis=0)
    assert np.allclose(fitted.mean, kept.mean(axis=0, dtype=np.float64))
    assert not fitted.apply(holes)[::3].any()


def test_rows_without_weight_count_for_nothing():
    weight = np.r_[np.ones(100), np.zeros(100)]
    assert np.array_equal(Centring.fit(ROWS, weight).mean, Centring.fit(ROWS[:100], np.ones(100)).mean)


@pytest.mark.parametrize("value", [0.0, 1e-30, 7.1, 1e6])
def test_equal_rows_say_nothing(value):
    same = np.full((5, 2), value, np.float32)
    assert not Centring.fit(same, np.ones(5)).apply(same + 1).any()


def test_no_rows_say_nothing():
    fitted = Centring.fit(np.empty((0, 4), np.float32), np.empty(0))
    assert np.array_equal(fitted.apply(np.ones((2, 4), np.float32)), np.zeros((2, 4)))
