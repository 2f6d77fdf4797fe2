"""Target encodings beside scikit-learn's and a plain loop."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import TargetEncoder

from within_wf.config.features import ColumnTreatment, FeatureConfig
from within_wf.errors import DatasetError
from within_wf.features import Preprocessor
from within_wf.features.target_encoding import Answers, TargetColumn

DRAWS = np.random.default_rng(3)
ROWS = 400
CODES = DRAWS.integers(0, 12, ROWS)
TARGET = np.sin(CODES) + DRAWS.normal(size=ROWS)
CATEGORIES = pl.Series("c", [f"k{code:02}" for code in CODES])
UNITS = pl.Series([f"ad{row}" for row in range(ROWS)])
ANSWERS = Answers(TARGET, np.ones(ROWS), UNITS, seed=42)
PLAIN = {"encoding": "target", "scaling": "none"}


@pytest.mark.parametrize("smoothing", ["auto", 0.0, 5.0])
def test_rows_that_are_not_learned_from_are_encoded_as_scikit_learn_does(smoothing):
    made, _ = TargetColumn.fit(CATEGORIES, ANSWERS, ColumnTreatment(target_smoothing=smoothing, **PLAIN))
    reference = TargetEncoder(smooth=smoothing, target_type="continuous").fit(CATEGORIES.to_numpy()[:, None], TARGET)
    probe = pl.Series("c", [*CATEGORIES.unique().sort(), "new"])
    np.testing.assert_allclose(made.transform(probe), reference.transform(probe.to_numpy()[:, None]), rtol=1e-10)


@pytest.mark.parametrize("smoothing", ["auto", 3.0])
def test_training_rows_are_encoded_by_the_other_folds(smoothing):
    treatment = ColumnTreatment(target_smoothing=smoothing, target_folds=4, **PLAIN)
    _, found = TargetColumn.fit(CATEGORIES, ANSWERS, treatment)
    folds = ANSWERS.folds(4)
    assert set(folds) == {0, 1, 2, 3}
    for fold in range(4):
        others = TargetEncoder(smooth=smoothing, target_type="continuous")
        others.fit(CATEGORIES.to_numpy()[folds != fold, None], TARGET[folds != fold])
        wanted = others.transform(CATEGORIES.to_numpy()[folds == fold, None])
        np.testing.assert_allclose(found[folds == fold], wanted, rtol=1e-10)


def test_folds_depend_on_the_seed_and_the_name_alone_and_keep_groups_whole():
    shuffled = DRAWS.permutation(ROWS)
    np.testing.assert_array_equal(Answers(TARGET, TARGET, UNITS.gather(shuffled), 42).folds(5), ANSWERS.folds(5)[shuffled])
    np.testing.assert_array_equal(Answers(TARGET, TARGET, UNITS[:50], 42).folds(5), ANSWERS.folds(5)[:50])
    assert (Answers(TARGET, TARGET, UNITS, 43).folds(5) != ANSWERS.folds(5)).any()
    groups = pl.Series([f"g{row % 30}" for row in range(ROWS)])
    of_groups = Answers(TARGET, TARGET, groups, 42).folds(5)
    assert all(len(set(of_groups[row::30])) == 1 for row in range(30))


def test_a_rows_own_target_is_not_in_its_feature():
    other = TARGET.copy()
    other[7] = 1e3
    treatment = ColumnTreatment(**PLAIN)
    _, before = TargetColumn.fit(CATEGORIES, ANSWERS, treatment)
    _, after = TargetColumn.fit(CATEGORIES, Answers(other, np.ones(ROWS), UNITS, 42), treatment)
    same_fold = ANSWERS.folds(5) == ANSWERS.folds(5)[7]
    np.testing.assert_array_equal(before[same_fold], after[same_fold])
    assert (before[~same_fold] != after[~same_fold]).all()


def test_a_category_that_says_nothing_of_the_target_gives_the_model_nothing():
    """With a category a row, the plain mean would be the target itself."""
    names = pl.Series("c", UNITS)
    _, found = TargetColumn.fit(names, ANSWERS, ColumnTreatment(target_smoothing=0.0, **PLAIN))
    folds = ANSWERS.folds(5)
    for fold in range(5):
        np.testing.assert_allclose(found[folds == fold], TARGET[folds != fold].mean(), rtol=1e-12)


def test_weights_count_as_rows_do():
    weight = DRAWS.integers(0, 4, ROWS)
    many = np.repeat(np.arange(ROWS), weight)
    treatment = ColumnTreatment(target_smoothing=0.0, **PLAIN)
    weighted, _ = TargetColumn.fit(CATEGORIES, Answers(TARGET, weight.astype(float), UNITS, 42), treatment)
    repeated, _ = TargetColumn.fit(
        CATEGORIES.gather(many), Answers(TARGET[many], np.ones(many.size), UNITS.gather(many), 42), treatment
    )
    probe = CATEGORIES.unique().sort()
    np.testing.assert_allclose(weighted.transform(probe), repeated.transform(probe), rtol=1e-12)
    tenfold, _ = TargetColumn.fit(CATEGORIES, Answers(TARGET, 10.0 * weight, UNITS, 42), ColumnTreatment(**PLAIN))
    once, _ = TargetColumn.fit(CATEGORIES, Answers(TARGET, 1.0 * weight, UNITS, 42), ColumnTreatment(**PLAIN))
    np.testing.assert_allclose(tenfold.transform(probe), once.transform(probe), rtol=1e-12)


@given(
    rows=st.lists(
        st.tuples(st.sampled_from(["a", "b", None]), st.floats(-1e3, 1e3), st.sampled_from([0.0, 1.0])), min_size=1, max_size=9
    )
)
def test_encodings_are_between_the_targets_whatever_the_rows(rows):
    names, target, weight = zip(*rows, strict=True)
    answers = Answers(np.array(target), np.array(weight), pl.Series([str(row) for row in range(len(rows))]), 0)
    made, found = TargetColumn.fit(pl.Series("c", names, pl.String), answers, ColumnTreatment(**PLAIN))
    for values in (found[:, 0], made.transform(pl.Series("c", ["a", "b", None, "new"]))[:, 0]):
        assert (values >= min(target) - 1e-9).all()
        assert (values <= max(target) + 1e-9).all()


def test_any_order_of_rows_gives_the_same_bytes(tmp_path):
    table = pl.DataFrame({"c": CATEGORIES, "x": DRAWS.normal(size=ROWS)})
    order = DRAWS.permutation(ROWS)
    config = FeatureConfig(encoding="target")
    one, two = Preprocessor(["x"], ["c"], config), Preprocessor(["x"], ["c"], config)
    found = one.fit_transform(table, ANSWERS)
    shuffled = two.fit_transform(table[order], Answers(TARGET[order], np.ones(ROWS), UNITS.gather(order), 42))
    np.testing.assert_array_equal(found[order], shuffled)
    one.save(tmp_path / "one")
    two.save(tmp_path / "two")
    assert (tmp_path / "one/preprocessor.json").read_bytes() == (tmp_path / "two/preprocessor.json").read_bytes()
    again = Preprocessor.load(tmp_path / "one")
    np.testing.assert_array_equal(again.transform(table), one.transform(table))
    assert again.feature_names == ["x", "target by c"]
    np.testing.assert_allclose(found.std(axis=0), 1, rtol=1e-2)


def test_without_a_target_there_is_nothing_to_learn_from():
    with pytest.raises(DatasetError, match="column c: found no target"):
        Preprocessor([], ["c"], FeatureConfig(encoding="target")).fit(pl.DataFrame({"c": ["a"]}))
