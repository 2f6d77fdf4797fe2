"""Outliers against closed forms, plain loops and the sample world's planted ones."""

import numpy as np
import pytest

from within_wf.data.quality.outliers import conditional_z, is_skewed, isolation_scores, robust_z, seasonal_z


def test_robust_z_is_the_closed_form():
    x = np.array([1.0, 2.0, 4.0, 7.0, 100.0, np.nan])
    found = robust_z(x, log=False)
    np.testing.assert_allclose(found.score[:5], np.abs(x[:5] - 4) / (1.4826 * 3))
    assert np.isnan(found.score[5])
    assert found.outliers.tolist() == [4]


def test_where_more_than_half_are_equal_the_mean_deviation_scales():
    x = np.array([5.0] * 7 + [6.0, 105.0])
    expected = np.abs(x - 5) / (np.sqrt(np.pi / 2) * 101 / 9)
    np.testing.assert_allclose(robust_z(x, log=False).score, expected)
    assert robust_z(np.full(4, 2.0)).score.tolist() == [0.0] * 4
    assert np.isnan(robust_z([np.nan, np.inf]).score).all()


def test_skewed_numbers_are_judged_by_their_logarithms():
    x = np.exp(np.random.default_rng(0).normal(0, 1.5, 500))
    assert is_skewed(x)
    assert robust_z(x, 4.0).outliers.size <= 2
    assert robust_z(x, 4.0, log=False).outliers.size > 20
    assert not is_skewed(-x)


def test_a_pair_that_does_not_go_together_is_found_though_neither_number_is_strange():
    draws = np.random.default_rng(1)
    clicks = np.exp(draws.normal(5, 1.5, 300))
    spend = 2 * clicks * np.exp(draws.normal(0, 0.1, 300))
    spend[7] *= 5
    columns = np.stack([clicks, spend], 1)
    assert robust_z(spend, 3.0).score[7] < 3
    assert conditional_z(columns, 1, 5.0).outliers.tolist() == [7]
    columns[3, 0] = np.nan
    assert np.isnan(conditional_z(columns, 1).score[3])
    assert np.isnan(conditional_z(columns[:4], 1).score).all()


def test_a_weekly_habit_is_no_outlier_and_a_break_of_it_is():
    day = np.arange(140)
    week = np.tile([10.0, 10, 10, 10, 10, 300, 300], 20) * (1 + 0.02 * np.sin(day * 1.7))
    week[75] = 10.0  # a Saturday like a Tuesday
    both = np.concatenate([week, 5 * week])
    found = seasonal_z(both, ["a"] * 140 + ["b"] * 140, np.tile(day % 7, 2), np.tile(day, 2), 8.0)
    assert found.outliers.tolist() == [75, 215]
    order = np.random.default_rng(0).permutation(280)
    mixed = seasonal_z(
        both[order], np.array(["a"] * 140 + ["b"] * 140)[order], np.tile(day % 7, 2)[order], np.tile(day, 2)[order]
    )
    assert (mixed.score == found.score[order]).all()


def test_the_forest_finds_what_is_far_and_knows_no_order():
    x = np.random.default_rng(2).normal(size=(200, 3))
    x[11] = 8.0
    found = isolation_scores(x, 3.0)
    assert found.score.argmax() == 11
    order = np.random.default_rng(0).permutation(200)
    assert (isolation_scores(x[order]).score == found.score[order]).all()


@pytest.mark.parametrize("scores", [lambda x: robust_z(x), lambda x: conditional_z(np.stack([x, x + 1], 1), 0)])
def test_the_order_of_rows_means_nothing(scores):
    x = np.random.default_rng(3).lognormal(size=101)
    order = np.random.default_rng(4).permutation(101)
    assert (scores(x).score[order] == scores(x[order]).score).all()
