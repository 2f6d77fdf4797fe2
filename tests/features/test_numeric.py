"""A column of numbers beside scikit-learn."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import RobustScaler, StandardScaler

from within_wf.config.features import FeatureConfig
from within_wf.features.numeric import NumericColumn, takes_log

VALUES = np.random.default_rng(0).normal(5, 2, 400)
VALUES[::17] = np.nan


@pytest.mark.parametrize("imputation", ["median", "mean"])
@pytest.mark.parametrize(("scaling", "scaler"), [("standard", StandardScaler()), ("robust", RobustScaler())])
def test_filling_and_scaling_are_those_of_scikit_learn(imputation, scaling, scaler):
    config = FeatureConfig(imputation=imputation, scaling=scaling, outlier_quantile=0)
    found = NumericColumn.fit(VALUES, config).transform(VALUES)
    filled = SimpleImputer(strategy=imputation).fit_transform(VALUES[:, None])
    np.testing.assert_allclose(found, scaler.fit_transform(filled)[:, 0], rtol=1e-12, atol=1e-12)


def test_values_beyond_the_quantiles_become_the_quantiles():
    column = NumericColumn.fit(VALUES, FeatureConfig(outlier_quantile=0.1, scaling="none"))
    present = VALUES[~np.isnan(VALUES)]
    low, high = np.quantile(present, [0.1, 0.9])
    np.testing.assert_array_equal(column.transform(np.array([-1e9, 1e9])), [low, high])
    np.testing.assert_array_equal(column.transform(present), np.clip(present, low, high))


def test_wide_columns_without_negative_numbers_are_logarithms():
    wide = np.exp(np.random.default_rng(1).normal(3, 2, 500))
    assert takes_log(wide)
    assert not takes_log(-wide)
    assert not takes_log(np.linspace(10, 20, 50))
    column = NumericColumn.fit(wide, FeatureConfig(scaling="none", outlier_quantile=0))
    np.testing.assert_array_equal(column.transform(wide), np.log1p(wide))
    assert np.isfinite(column.transform(np.array([-5.0]))).all()


@pytest.mark.parametrize("values", [[], [np.nan, np.nan], [3.0], [3.0, 3.0, np.nan]])
def test_columns_with_nothing_to_learn_give_zeros(values):
    column = NumericColumn.fit(np.array(values), FeatureConfig())
    np.testing.assert_array_equal(column.transform(np.array([np.nan, *values])), np.zeros(len(values) + 1))


@given(arrays(np.float64, st.integers(1, 30), elements=st.floats(-1e6, 1e6) | st.just(float("nan"))))
def test_features_are_finite_and_what_was_learned_survives_json(values):
    column = NumericColumn.fit(values, FeatureConfig())
    again = NumericColumn.from_json(json.loads(json.dumps(column.to_json())))
    assert again == column
    probe = np.array([np.nan, -1e6, 0.0, 1e6])
    assert np.isfinite(column.transform(probe)).all()
    assert column.has_gaps == np.isnan(values).any()
