"""Treatments of columns beside scikit-learn and plain formulas."""

import tempfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import median_abs_deviation
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, OrdinalEncoder

from within_wf.config.features import ColumnTreatment, FeatureConfig
from within_wf.errors import DatasetError
from within_wf.features import Preprocessor
from within_wf.features.numeric import NumericColumn
from within_wf.features.target_encoding import Answers
from within_wf.runtime.streams import ids_of

DRAWS = np.random.default_rng(5)
VALUES = DRAWS.standard_t(3, size=300)
VALUES[::11] = np.nan
PRESENT = VALUES[~np.isnan(VALUES)]
PLAIN = {"outliers": "none", "scaling": "none", "logarithm": "never"}
WORDS = pl.DataFrame({"c": DRAWS.choice(list("aaaaabbbbcccdde"), 200).tolist() + ["f"] * 9})


def test_a_constant_fills_as_scikit_learn_does():
    column = NumericColumn.fit(VALUES, ColumnTreatment(imputation="constant", fill_value=-7.5, **PLAIN))
    wanted = SimpleImputer(strategy="constant", fill_value=-7.5).fit_transform(VALUES[:, None])[:, 0]
    np.testing.assert_array_equal(column.transform(VALUES), wanted)


def test_a_constant_is_filled_in_before_the_logarithm():
    treatment = ColumnTreatment(imputation="constant", fill_value=9.0, logarithm="always", outliers="none", scaling="none")
    column = NumericColumn.fit(np.array([0.0, 1.0, np.nan]), treatment)
    np.testing.assert_array_equal(column.transform(np.array([np.nan, 9.0])), np.log1p([9.0, 9.0]))


def test_outliers_beyond_robust_deviations_are_clipped():
    column = NumericColumn.fit(VALUES, ColumnTreatment(**{**PLAIN, "outliers": "robust_z"}, outlier_z=2.5))
    reach = 2.5 * 1.4826 * median_abs_deviation(PRESENT)
    low, high = np.median(PRESENT) - reach, np.median(PRESENT) + reach
    assert (high < PRESENT).any()
    np.testing.assert_allclose(column.transform(PRESENT), np.clip(PRESENT, low, high), rtol=1e-12)


def test_a_column_that_is_mostly_one_number_is_not_clipped_to_it():
    column = NumericColumn.fit(np.array([1.0] * 9 + [5.0]), ColumnTreatment(**{**PLAIN, "outliers": "robust_z"}))
    assert column.transform(np.array([5.0, 1e9])).tolist() == [5.0, 1e9]


def test_scaling_to_the_range_is_that_of_scikit_learn():
    column = NumericColumn.fit(PRESENT, ColumnTreatment(**{**PLAIN, "scaling": "min_max"}))
    np.testing.assert_allclose(
        column.transform(PRESENT), MinMaxScaler().fit_transform(PRESENT[:, None])[:, 0], rtol=1e-12, atol=1e-15
    )


@pytest.mark.parametrize(
    ("choice", "gaps", "wanted"),
    [("where_missing", True, True), ("where_missing", False, False), ("always", False, True), ("never", True, False)],
)
def test_indicators_are_where_they_are_asked_for(choice, gaps, wanted):
    values = [1.0, None if gaps else 2.0, 3.0]
    made = Preprocessor(["x"], [], FeatureConfig(missing_indicator=choice)).fit(pl.DataFrame({"x": values}))
    assert (made.feature_names == ["x", "x is missing"]) is wanted


def test_the_logarithm_can_be_asked_for_and_refused():
    wide = np.array([0.0, 1.0, 1000.0])
    assert NumericColumn.fit(wide, ColumnTreatment()).is_log
    assert not NumericColumn.fit(wide, ColumnTreatment(logarithm="never")).is_log
    assert NumericColumn.fit(np.array([10.0, 11.0]), ColumnTreatment(logarithm="always")).is_log


@pytest.mark.parametrize(
    "limits", [{"max_categories": 3}, {"min_category_rows": 20}, {"max_categories": 4, "min_category_rows": 5}]
)
def test_rare_and_unknown_categories_are_those_of_scikit_learn(limits):
    made = Preprocessor([], ["c"], FeatureConfig(**limits)).fit(WORDS)
    # scikit-learn counts the indicator of the rest among max_categories, and takes a bound of 1 for all
    reference = OneHotEncoder(
        sparse_output=False,
        handle_unknown="infrequent_if_exist",
        max_categories=limits["max_categories"] + 1 if "max_categories" in limits else None,
        min_frequency=limits.get("min_category_rows"),
    ).fit(WORDS["c"].to_numpy()[:, None])
    probe = pl.DataFrame({"c": [*"abcdef", "new"]})
    np.testing.assert_array_equal(made.transform(probe), reference.transform(probe["c"].to_numpy()[:, None]))
    assert made.feature_names[-1] == "c=(other)"


def test_ordinals_are_those_of_scikit_learn():
    config = FeatureConfig(encoding="ordinal", scaling="none")
    made = Preprocessor([], ["c"], config).fit(WORDS)
    reference = OrdinalEncoder().fit(WORDS["c"].to_numpy()[:, None])
    np.testing.assert_array_equal(made.transform(WORDS), reference.transform(WORDS["c"].to_numpy()[:, None]))
    assert made.feature_names == ["c"]


def test_ordinals_take_the_order_that_is_given_and_unknown_ones_are_missing():
    sizes = pl.DataFrame({"size": ["small", "large", "middle", None, "middle"]})
    config = FeatureConfig(
        columns={"size": ColumnTreatment(encoding="ordinal", order=["small", "middle", "large"], scaling="none")}
    )
    made = Preprocessor([], ["size"], config).fit(sizes)
    assert made.feature_names == ["size", "size is missing"]
    found = made.transform(pl.DataFrame({"size": ["large", "small", "new", None]}))
    np.testing.assert_array_equal(found, [[2, 0], [0, 0], [1, 1], [1, 1]])


def test_hashed_categories_stand_where_their_hash_says():
    made = Preprocessor([], ["c"], FeatureConfig(encoding="hashed", hash_features=5)).fit(WORDS)
    found = made.transform(pl.DataFrame({"c": ["a", None, "never seen"]}))
    wanted = np.zeros((3, 5))
    for row, name in enumerate(["a", "(missing)", "never seen"]):
        number = int(ids_of([f"c\0{name}"])[0]) % 2**64
        wanted[row, number % 5] = -1.0 if number >> 63 else 1.0
    np.testing.assert_array_equal(found, wanted)
    assert made.transform(WORDS.clear()).shape == (0, 5)
    assert made.feature_names == ["c #0", "c #1", "c #2", "c #3", "c #4"]


def test_products_of_hashed_categories_are_those_of_indicators_in_expectation():
    names = [f"n{number}" for number in range(400)]
    made = Preprocessor([], ["c"], FeatureConfig(encoding="hashed", hash_features=8)).fit(pl.DataFrame({"c": names}))
    x = made.transform(pl.DataFrame({"c": names})).astype(float)
    products = x @ x.T
    np.testing.assert_array_equal(np.diag(products), 1.0)
    different = products[~np.eye(400, dtype=bool)]
    assert abs(different.mean()) < 0.01  # without signs it would be 1/8
    assert different.std() == pytest.approx(np.sqrt(1 / 8), rel=0.1)


def test_columns_have_treatments_of_their_own_on_top_of_the_common_one():
    config = FeatureConfig(
        scaling="robust",
        columns={"x": ColumnTreatment(imputation="mean"), "c": ColumnTreatment(encoding="ordinal", scaling="none")},
    )
    assert (config.of("x").scaling, config.of("x").imputation) == ("robust", "mean")
    assert config.of("c").scaling == "none"
    assert config.of("other") is config
    assert FeatureConfig.model_validate_json(config.model_dump_json()) == config
    table = pl.DataFrame({"x": [1.0, 2.0, None, 9.0], "c": list("abba"), "y": [1.0, 2.0, 3.0, 4.0]})
    made = Preprocessor(["x", "y"], ["c"], config).fit(table)
    assert made._numbers["x"] == NumericColumn.fit(np.array([1, 2, np.nan, 9]), config.of("x"))
    assert made._numbers["y"] == NumericColumn.fit(np.array([1.0, 2, 3, 4]), config)
    np.testing.assert_array_equal(made.transform(table)[:, -1], [0, 1, 1, 0])


def test_a_spread_near_nothing_leaves_no_infinity():
    config = FeatureConfig(outliers="none", logarithm="never", scaling="min_max")
    made = Preprocessor(["x"], [], config).fit(pl.DataFrame({"x": [0.0, 1e-310]}))
    found = made.transform(pl.DataFrame({"x": [-1e300, 1e9]}))
    assert found[:, 0].tolist() == [np.finfo(np.float32).min, np.finfo(np.float32).max]


CHOSEN = st.builds(
    ColumnTreatment,
    imputation=st.sampled_from(["median", "mean", "constant"]),
    fill_value=st.floats(-10, 10),
    missing_indicator=st.sampled_from(["where_missing", "always", "never"]),
    logarithm=st.sampled_from(["auto", "always", "never"]),
    outliers=st.sampled_from(["quantile", "robust_z", "none"]),
    outlier_quantile=st.floats(0, 0.49),
    scaling=st.sampled_from(["standard", "robust", "min_max", "none"]),
    encoding=st.sampled_from(["one_hot", "ordinal", "hashed", "target"]),
    max_categories=st.integers(2, 4),
    min_category_rows=st.integers(1, 3),
    hash_features=st.integers(1, 4),
    target_folds=st.integers(2, 4),
)
NUMBERS = st.lists(st.one_of(st.none(), st.floats(-1e9, 1e9), st.just(np.inf), st.just(np.nan)), min_size=7, max_size=7)
TEXTS = st.lists(st.one_of(st.none(), st.sampled_from(["a", "b", "ä", "(other)", ""])), min_size=7, max_size=7)


@settings(max_examples=60)
@given(numbers=NUMBERS, texts=TEXTS, x=CHOSEN, c=CHOSEN, learned=st.integers(1, 7))
def test_whatever_is_chosen_features_are_finite_and_a_row_alone_has_the_same(numbers, texts, x, c, learned):
    table = pl.DataFrame({"x": numbers, "c": texts}, schema={"x": pl.Float64, "c": pl.String}, strict=False)
    answers = Answers(np.arange(float(learned)), np.ones(learned), pl.Series([str(row) for row in range(learned)]), 1)
    made = Preprocessor(["x"], ["c"], FeatureConfig(columns={"x": x, "c": c}))
    first = made.fit_transform(table[:learned], answers)
    found = made.transform(table)
    assert found.shape == (7, len(made.feature_names))
    assert np.isfinite(found).all()
    if c.encoding != "target":
        np.testing.assert_array_equal(first, found[:learned])
    with tempfile.TemporaryDirectory() as folder:
        made.save(Path(folder))
        again = Preprocessor.load(Path(folder))
    for row in range(7):
        np.testing.assert_array_equal(again.transform(table[row]), found[row : row + 1])


def test_an_order_that_knows_no_category_is_refused():
    config = FeatureConfig(columns={"c": ColumnTreatment(encoding="ordinal", order=["low", "high"])})
    table = pl.DataFrame({"c": ["a", "b", None]})
    with pytest.raises(DatasetError, match="is in the order that is given\n  column c: found a, b, expected some"):
        Preprocessor([], ["c"], config).fit(table)
    assert Preprocessor([], ["c"], config).fit(pl.DataFrame({"c": ["a", "low"]})).feature_names
