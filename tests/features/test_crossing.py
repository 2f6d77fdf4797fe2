"""Features made of features, beside scikit-learn."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures

from within_wf.config.features import ColumnTreatment, FeatureConfig, PolynomialConfig
from within_wf.errors import DatasetError
from within_wf.features import Answers, Preprocessor, polynomial_features, with_crossings


@given(st.integers(0, 5), st.integers(1, 4), st.booleans(), st.integers(0, 10**6))
def test_products_are_scikit_learns(width, degree, interaction_only, seed):
    x = np.random.default_rng(seed).normal(size=(4, width))
    names = [f"c{number}" for number in range(width)]
    made, called = polynomial_features(x, names, degree, interaction_only=interaction_only)
    if not width:
        assert made.shape == (4, 0)
        return
    theirs = PolynomialFeatures(degree, interaction_only=interaction_only, include_bias=False).fit(x)
    np.testing.assert_allclose(made, theirs.transform(x), rtol=1e-14)
    assert called == theirs.get_feature_names_out(names).tolist()


TABLE = pl.DataFrame({"a": ["x", "x", "y", "y", None, "x"], "b": ["1", "1", "1", "2", "2", "3"], "n": range(6)})
NUMBERS = pl.DataFrame(
    {
        "spend": [1.0, None, 3.0, 400.0, 5.0, 2.0, 9.0, 1.5],
        "clicks": [1, 2, 3, 4, 5, 6, 7, 90],
        "budget": [-3.0, 2.5, 0.0, 1.0, None, 7.0, -1.0, 4.0],
    }
)


def combinations(table):
    """The combinations of a plain loop."""
    return [f"{a or '(missing)'} | {b}" for a, b in table.select("a", "b").iter_rows()]


def test_combinations_are_those_of_a_plain_loop():
    found = with_crossings(TABLE, [["a", "b"], ["b", "a", "n"]])
    assert found.columns == ["a", "b", "n", "a x b", "b x a x n"]
    assert found["a x b"].to_list() == combinations(TABLE)
    assert found["b x a x n"][0] == "1 | x | 0"
    assert with_crossings(TABLE, []).equals(TABLE)


@given(st.lists(st.tuples(st.text("a|\\ ", max_size=3), st.text("a|\\ ", max_size=3)), min_size=1, max_size=8))
def test_different_pairs_are_different_combinations(pairs):
    table = pl.DataFrame({"a": [a for a, _ in pairs], "b": [b for _, b in pairs]})
    assert with_crossings(table, [["a", "b"]])["a x b"].n_unique() == len(set(pairs))


def test_a_crossing_is_encoded_as_the_same_column_of_categories_would_be():
    crossed = with_crossings(TABLE, [["a", "b"]])
    choices = {
        "one_hot": ColumnTreatment(min_category_rows=2),
        "ordinal": ColumnTreatment(encoding="ordinal"),
        "hashed": ColumnTreatment(encoding="hashed", hash_features=3),
        "target": ColumnTreatment(encoding="target", target_folds=2),
    }
    answers = Answers(np.arange(6.0), np.ones(6), pl.Series(list("abcdef")), 1)
    for treatment in choices.values():
        config = FeatureConfig(crossings=[["a", "b"]], columns={"a x b": treatment})
        made = Preprocessor([], ["a"], config)
        plain = Preprocessor([], ["a", "a x b"], FeatureConfig(columns={"a x b": treatment}))
        np.testing.assert_array_equal(made.fit_transform(TABLE, answers), plain.fit_transform(crossed, answers))
        assert made.feature_names == plain.feature_names
        np.testing.assert_array_equal(made.transform(TABLE), plain.transform(crossed))


def test_indicators_of_combinations_are_those_of_scikit_learn():
    made = Preprocessor([], [], FeatureConfig(crossings=[["a", "b"]])).fit(TABLE)
    reference = OneHotEncoder(sparse_output=False, handle_unknown="ignore").fit(np.array(combinations(TABLE))[:, None])
    new = pl.DataFrame({"a": ["x", "z", None, "y"], "b": ["1", "1", "2", "3"]})
    np.testing.assert_array_equal(made.transform(new), reference.transform(np.array(combinations(new))[:, None]))
    assert made.feature_names == [f"a x b={name}" for name in sorted(set(combinations(TABLE)))]


@pytest.mark.parametrize("interactions_only", [True, False])
@pytest.mark.parametrize("degree", [2, 3])
def test_products_of_scaled_columns_are_those_of_scikit_learn(degree, interactions_only):
    columns = ["clicks", "spend", "budget"]
    config = FeatureConfig(polynomial=PolynomialConfig(columns=columns, degree=degree, interactions_only=interactions_only))
    made = Preprocessor(["spend", "clicks", "budget"], [], config)
    found = made.fit_transform(NUMBERS)
    plain = Preprocessor(["spend", "clicks", "budget"], []).fit(NUMBERS)
    scaled = plain.transform(NUMBERS)[:, [plain.feature_names.index(name) for name in columns]].astype(np.float64)
    reference = PolynomialFeatures(degree, interaction_only=interactions_only, include_bias=False).fit(scaled)
    width = len(plain.feature_names)
    np.testing.assert_array_equal(found[:, :width], plain.transform(NUMBERS))
    np.testing.assert_allclose(found[:, width:], reference.transform(scaled)[:, 3:], rtol=1e-6, atol=1e-7)
    assert made.feature_names[width:] == reference.get_feature_names_out(columns).tolist()[3:]


def test_what_is_saved_makes_the_same_of_a_row_alone(tmp_path):
    config = FeatureConfig(
        crossings=[["a", "b"], ["b", "a", "c"]],
        columns={"b x a x c": ColumnTreatment(encoding="target")},
        polynomial=PolynomialConfig(columns=["spend", "clicks"], interactions_only=False),
    )
    table = pl.concat([NUMBERS[:6], TABLE.select("a", "b"), pl.DataFrame({"c": list("uvuvuv")})], how="horizontal")
    answers = Answers(np.arange(6.0), np.ones(6), pl.Series(list("abcdef")), 1)
    made = Preprocessor(["spend", "clicks"], ["a", "c"], config).fit(table, answers)
    made.save(tmp_path / "one")
    again = Preprocessor.load(tmp_path / "one")
    again.save(tmp_path / "two")
    one, two = ((tmp_path / name / "preprocessor.json").read_bytes() for name in ("one", "two"))
    assert one == two
    assert again.categorical == ("a", "c")
    assert again.feature_names == made.feature_names
    alone = np.concatenate([again.transform(table[row]) for row in range(6)])
    np.testing.assert_array_equal(alone, made.transform(table))
    assert alone.shape == (6, len(made.feature_names))


def test_products_stay_within_what_is_stored():
    config = FeatureConfig(scaling="none", outliers="none", logarithm="never", polynomial=PolynomialConfig(columns=["x", "y"]))
    made = Preprocessor(["x", "y"], [], config).fit(pl.DataFrame({"x": [1.0, 2.0], "y": [1.0, 2.0]}))
    found = made.transform(pl.DataFrame({"x": [1e30, -1e300], "y": [1e30, 1e300]}))
    assert found[:, 2].tolist() == [np.finfo(np.float32).max, np.finfo(np.float32).min]


def test_what_cannot_be_made_is_told():
    with pytest.raises(DatasetError, match=r"x: found shape \[2, 3\], expected \[rows, 2\][\s\S]*degree: found 0"):
        polynomial_features(np.ones((2, 3)), ["a", "b"], 0)
    with pytest.raises(DatasetError, match="degree: found 176,850 products, expected at most 10,000"):
        polynomial_features(np.ones((2, 100)), [str(n) for n in range(100)], 3)
    with pytest.raises(DatasetError, match="column c: found no such column, expected one of a, b, n"):
        with_crossings(TABLE, [["a", "c"]])
    with pytest.raises(DatasetError, match="column a x b: found a crossing of the same name"):
        with_crossings(TABLE.rename({"n": "a x b"}), [["a", "b"]])
    with pytest.raises(DatasetError, match="column c: found no such column"):
        Preprocessor([], ["a"], FeatureConfig(crossings=[["a", "c"]])).fit(TABLE)
    with pytest.raises(DatasetError, match="column cost: found no column of numbers, expected one of n"):
        Preprocessor(["n"], [], FeatureConfig(polynomial=PolynomialConfig(columns=["n", "cost"]))).fit(TABLE)
