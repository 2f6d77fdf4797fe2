"""Features made of features."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import PolynomialFeatures

from within_wf.augment import FeatureCrosser, polynomial_features
from within_wf.errors import DatasetError


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


def test_combinations_are_those_of_a_plain_loop():
    crosser = FeatureCrosser(["a", "b"]).fit(TABLE)
    assert crosser.name == "a x b"
    want = [f"{a or '(missing)'} | {b}" for a, b, _ in TABLE.iter_rows()]
    assert crosser.transform(TABLE).to_list() == want
    assert crosser.levels == sorted(set(want))
    new = pl.DataFrame({"a": ["z", "y"], "b": ["1", "2"], "n": [0, 0]})
    assert crosser.transform(new).to_list() == ["(other)", "y | 2"]


def test_rare_combinations_are_put_together():
    assert FeatureCrosser(["a", "b"], least=2).fit(TABLE).transform(TABLE).to_list() == ["x | 1", "x | 1", *["(other)"] * 4]
    assert FeatureCrosser(["a", "b"], most=2).fit(TABLE).levels == ["(missing) | 2", "x | 1"]
    assert FeatureCrosser(["b", "a", "n"]).fit(TABLE).levels[0] == r"1 | x | 0"


@given(st.lists(st.tuples(st.text("a|\\ ", max_size=3), st.text("a|\\ ", max_size=3)), min_size=1, max_size=8))
def test_different_pairs_are_different_combinations(pairs):
    table = pl.DataFrame({"a": [a for a, _ in pairs], "b": [b for _, b in pairs]})
    assert FeatureCrosser(["a", "b"]).fit(table).transform(table).n_unique() == len(set(pairs))


def test_what_cannot_be_made_is_told():
    with pytest.raises(DatasetError, match=r"x: found shape \[2, 3\], expected \[rows, 2\][\s\S]*degree: found 0"):
        polynomial_features(np.ones((2, 3)), ["a", "b"], 0)
    with pytest.raises(DatasetError, match="degree: found 176,850 products, expected at most 10,000"):
        polynomial_features(np.ones((2, 100)), [str(n) for n in range(100)], 3)
    with pytest.raises(
        DatasetError, match=r"columns: found \['a'\], expected two different columns[\s\S]*least: found 0[\s\S]*most: found 0"
    ):
        FeatureCrosser(["a"], 0, 0)
    with pytest.raises(DatasetError, match="table: found no column c, expected the columns that are crossed"):
        FeatureCrosser(["a", "c"]).fit(TABLE)
