import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as sk

from within_wf.evaluation.metrics import metrics_of
from within_wf.evaluation.regression import RegressionScores

NAMES = [m.name for m in metrics_of("regression")]


def score(truth, prediction, weight=None):
    truth, prediction = np.asarray(truth, float), np.asarray(prediction, float)
    weight = np.ones(truth.size) if weight is None else np.asarray(weight, float)
    return {k: v[0] for k, v in RegressionScores(truth, prediction)(weight[:, None], NAMES).items()}


columns = st.integers(2, 30).flatmap(
    lambda n: st.tuples(
        st.lists(st.integers(-20, 20).map(lambda i: i / 4), min_size=n, max_size=n),
        st.lists(st.integers(-20, 20).map(lambda i: i / 4), min_size=n, max_size=n),
        st.lists(st.integers(0, 8).map(lambda i: i / 2), min_size=n, max_size=n).filter(any),
    )
)


@settings(max_examples=60, derandomize=True)
@given(columns)
def test_equals_scikit_learn_with_weights(rows):
    truth, prediction, weight = (np.array(column) for column in rows)
    got = score(truth, prediction, weight)
    close = {"rel": 1e-12, "abs": 1e-12}
    assert got["rmse"] == pytest.approx(sk.root_mean_squared_error(truth, prediction, sample_weight=weight), **close)
    assert got["mae"] == pytest.approx(sk.mean_absolute_error(truth, prediction, sample_weight=weight), **close)
    counted = weight > 0
    truth, prediction, weight = truth[counted], prediction[counted], weight[counted]
    if truth.size > 1:
        assert got["r2"] == pytest.approx(sk.r2_score(truth, prediction, sample_weight=weight), **close)
        want = sk.explained_variance_score(truth, prediction, sample_weight=weight)
        assert got["explained_variance"] == pytest.approx(want, **close)
    kept = truth != 0
    if kept.any():
        want = 100 * sk.mean_absolute_percentage_error(truth[kept], prediction[kept], sample_weight=weight[kept])
        assert got["mape"] == pytest.approx(want, **close)
    else:
        assert math.isnan(got["mape"])


@settings(max_examples=60, derandomize=True)
@given(columns)
def test_correlations_equal_scipy_and_a_weight_counts_rows(rows):
    truth, prediction, weight = (np.array(column) for column in rows)
    counts = weight.astype(int)
    if counts.sum() < 2:
        counts += 1
    got = score(truth, prediction, counts)
    truth, prediction = np.repeat(truth, counts), np.repeat(prediction, counts)
    if np.ptp(truth) == 0 or np.ptp(prediction) == 0:
        assert math.isnan(got["pearson_correlation"])
        assert math.isnan(got["spearman_correlation"])
        return
    assert got["pearson_correlation"] == pytest.approx(stats.pearsonr(truth, prediction).statistic, abs=1e-12)
    assert got["spearman_correlation"] == pytest.approx(stats.spearmanr(truth, prediction).statistic, abs=1e-12)


def test_keeps_its_digits_far_from_zero():
    truth = 1e6 + np.arange(50.0)
    prediction = truth + np.tile([0.5, -0.5], 25)
    got = score(truth, prediction)
    assert got["r2"] == pytest.approx(1 - 12.5 / np.sum((truth - truth.mean()) ** 2), rel=1e-14)
    assert got["pearson_correlation"] == pytest.approx(stats.pearsonr(truth - 1e6, prediction - 1e6).statistic, rel=1e-12)


@pytest.mark.parametrize(
    ("truth", "prediction", "r2", "explained"),
    [([3, 3, 3], [3, 3, 3], 1, 1), ([3, 3, 3], [4, 4, 4], 0, 1), ([3, 3, 3], [1, 3, 4], 0, 0), ([1, 2, 3], [1, 2, 3], 1, 1)],
)
def test_constant_truth_is_as_scikit_learn_says(truth, prediction, r2, explained):
    got = score(truth, prediction)
    assert (got["r2"], got["explained_variance"]) == (r2, explained)
    assert sk.r2_score(truth, prediction) == r2
    assert sk.explained_variance_score(truth, prediction) == explained


def test_many_weightings_are_each_what_one_is_alone():
    rng = np.random.default_rng(0)
    truth, prediction = rng.normal(size=40), rng.normal(size=40)
    weight = rng.integers(0, 4, size=(40, 7)).astype(float)
    together = RegressionScores(truth, prediction)(weight, NAMES)
    for r in range(7):
        alone = score(truth, prediction, weight[:, r])
        assert {k: v[r] for k, v in together.items()} == alone


def test_no_weight_at_all_is_undefined():
    got = score([1, 2], [2, 3], [0, 0])
    assert all(math.isnan(value) for value in got.values())
