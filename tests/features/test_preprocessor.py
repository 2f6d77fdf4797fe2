"""A table of ads as a matrix, beside scikit-learn."""

import numpy as np
import polars as pl
import pytest
from sklearn.preprocessing import OneHotEncoder

from within_wf.config.features import FeatureConfig
from within_wf.errors import DatasetError
from within_wf.features import Preprocessor
from within_wf.features.texts import joined_text

TABLE = pl.DataFrame(
    {
        "spend": [1.0, None, 3.0, 4.0, float("inf"), 2.0],
        "clicks": [1, 2, 3, 4, 5, 6],
        "platform": ["a", "b", "a", None, "c", "a"],
    }
)


def test_indicators_are_those_of_scikit_learn():
    made = Preprocessor([], ["platform"]).fit(TABLE)
    reference = OneHotEncoder(sparse_output=False).fit_transform(TABLE["platform"].fill_null("(missing)").to_numpy()[:, None])
    np.testing.assert_array_equal(made.transform(TABLE), reference)
    assert made.feature_names == ["platform=(missing)", "platform=a", "platform=b", "platform=c"]


def test_an_indicator_says_where_numbers_are_missing():
    made = Preprocessor(["spend", "clicks"], []).fit(TABLE)
    assert made.feature_names == ["spend", "spend is missing", "clicks"]
    np.testing.assert_array_equal(made.transform(TABLE)[:, 1], [0, 1, 0, 0, 1, 0])


def test_rare_categories_share_an_indicator_and_unseen_ones_join_them():
    table = pl.DataFrame({"c": ["x"] * 3 + ["y"] * 2 + ["z", "w"]})
    made = Preprocessor([], ["c"], FeatureConfig(max_categories=2)).fit(table)
    assert made.feature_names == ["c=x", "c=y", "c=(other)"]
    np.testing.assert_array_equal(made.transform(pl.DataFrame({"c": ["y", "z", "new"]})), [[0, 1, 0], [0, 0, 1], [0, 0, 1]])


def test_without_a_rest_in_training_an_unseen_category_is_zeros():
    made = Preprocessor([], ["platform"]).fit(TABLE)
    np.testing.assert_array_equal(made.transform(pl.DataFrame({"platform": ["new"]})), np.zeros((1, 4)))


def test_only_training_rows_are_learned_from():
    made = Preprocessor(["clicks"], ["platform"]).fit(TABLE[:3])
    before = made.transform(TABLE)
    np.testing.assert_array_equal(before[:3], made.transform(TABLE[:3]))
    assert made.feature_names == ["clicks", "platform=a", "platform=b"]


def test_what_is_saved_is_the_same_bytes_and_transforms_alike(tmp_path):
    made = Preprocessor(["spend", "clicks"], ["platform"]).fit(TABLE)
    made.save(tmp_path / "one")
    Preprocessor.load(tmp_path / "one").save(tmp_path / "two")
    one, two = ((tmp_path / name / "preprocessor.json").read_bytes() for name in ("one", "two"))
    assert one == two
    np.testing.assert_array_equal(Preprocessor.load(tmp_path / "two").transform(TABLE), made.transform(TABLE))
    assert made.transform(TABLE).dtype == np.float32


def test_no_columns_make_no_features():
    assert Preprocessor([], []).fit(TABLE).transform(TABLE).shape == (6, 0)


def test_missing_columns_are_named_together():
    with pytest.raises(DatasetError, match=r"(?s)column cost.*column shape"):
        Preprocessor(["cost"], ["shape"]).fit(TABLE)
    with pytest.raises(DatasetError, match="nothing to learn from"):
        Preprocessor(["clicks"], []).fit(TABLE.clear())


def test_what_is_no_number_is_named_by_column():
    made = Preprocessor(["spend", "clicks"], []).fit(TABLE)
    texts = TABLE.with_columns(spend=pl.lit("1,5"), clicks=pl.lit("7"))
    with pytest.raises(DatasetError, match="column spend: found '1,5' among String values, expected numbers") as raised:
        made.transform(texts)
    assert len(raised.value.problems) == 1
    as_texts = TABLE.with_columns(pl.col("clicks").cast(pl.String))
    np.testing.assert_array_equal(made.transform(as_texts), made.transform(TABLE))


def test_a_folder_that_holds_no_preprocessor_is_refused(tmp_path):
    with pytest.raises(DatasetError, match=r"preprocessor\.json"):
        Preprocessor.load(tmp_path)


def test_texts_are_joined_and_gaps_left_out():
    table = pl.DataFrame({"a": ["Save now", None, " "], "b": ["today", "only", None]})
    assert joined_text(table, ["a", "b"]).to_list() == ["Save now\ntoday", "only", ""]
    assert joined_text(table, []).to_list() == ["", "", ""]
