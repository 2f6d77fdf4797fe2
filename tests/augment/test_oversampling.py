"""Rows of rare classes lie between rows of their class, as imbalanced-learn's do."""

import numpy as np
import pytest
from imblearn.over_sampling import SMOTE
from scipy import stats

from within_wf.augment import Smote, oversample
from within_wf.errors import DatasetError
from within_wf.runtime.streams import ids_of

DRAWS = np.random.default_rng(3)
X = np.concatenate([DRAWS.normal(0, 1, (60, 3)), DRAWS.normal(4, 1, (12, 3)), DRAWS.normal(-4, 1, (3, 3))])
Y = np.repeat([0, 1, 2], [60, 12, 3])


def lies_between(row, one, other):
    """Whether a row is on the line from one to the other."""
    along = other - one
    step = (row - one) @ along / (along @ along)
    return -1e-9 <= step <= 1 + 1e-9 and np.allclose(one + step * along, row)


def test_a_new_row_lies_between_a_row_and_one_of_its_nearest():
    made, classes = oversample(X, Y, neighbours=4)
    assert np.bincount(classes, minlength=3).tolist() == [0, 48, 57]
    for row, number in zip(made, classes, strict=True):
        rows = X[number == Y]
        nearest = [np.argsort(((rows - one) ** 2).sum(axis=1))[1:5] for one in rows]
        assert any(lies_between(row, one, rows[near]) for one, all_near in zip(rows, nearest, strict=True) for near in all_near)
    assert len(np.unique(made, axis=0)) == len(made)


def test_new_rows_are_distributed_as_those_of_imbalanced_learn():
    rows = DRAWS.gamma(2, 1, (40, 2))
    ours = Smote(3).fit(rows).sample(np.arange(4000))
    both, labels = np.concatenate([rows, np.zeros((4040, 2))]), np.repeat([1, 0], [40, 4040])
    theirs = SMOTE(sampling_strategy={1: 4040}, k_neighbors=3, random_state=0).fit_resample(both, labels)[0][len(both) :]
    assert theirs.shape == ours.shape
    for column in range(2):
        assert stats.ks_2samp(ours[:, column], theirs[:, column]).pvalue > 0.01
    np.testing.assert_allclose(np.cov(ours.T), np.cov(theirs.T), atol=0.1)


def test_every_row_neighbour_and_step_is_drawn():
    corners = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    made = Smote(5).fit(corners).sample(np.arange(6000))  # of three rows each has two neighbours
    sides = {"below": made[:, 1] == 0, "left": made[:, 0] == 0, "across": np.isclose(made.sum(axis=1), 1)}
    for name, on_side in sides.items():
        assert on_side.mean() == pytest.approx(1 / 3, abs=0.03), name
    assert stats.kstest(made[sides["below"], 0], "uniform").pvalue > 0.01


def test_classes_come_to_the_share_that_was_asked():
    _, classes = oversample(X, Y, balance=0.5)
    assert np.bincount(classes, minlength=3).tolist() == [0, 18, 27]
    made, classes = oversample(X, Y, balance=0.01)
    assert made.shape == (0, 3)
    assert classes.size == 0
    assert oversample(X[:0], Y[:0])[0].shape == (0, 3)


def test_the_order_of_rows_and_other_classes_change_nothing():
    made, classes = oversample(X, Y)
    order = DRAWS.permutation(75)
    again, same = oversample(X[order], Y[order])
    np.testing.assert_array_equal(again, made)
    np.testing.assert_array_equal(same, classes)
    without, _ = oversample(X[Y != 2], Y[Y != 2])
    np.testing.assert_array_equal(without, made[classes == 1])
    fewer, labels = oversample(X, Y, balance=0.5)
    np.testing.assert_array_equal(fewer[labels == 1], made[classes == 1][:18])
    assert not np.array_equal(oversample(X, Y, seed=1)[0], made)


def test_a_row_is_drawn_by_its_id_alone():
    smote, ids = Smote().fit(X), ids_of(["a", "b", "c", "d"])
    np.testing.assert_array_equal(smote.sample(ids[[2, 0]]), smote.sample(ids)[[2, 0]])
    assert smote.sample(ids[:0]).shape == (0, 3)


def test_everything_wrong_is_named_at_once():
    with pytest.raises(
        DatasetError, match=r"x and y: found shapes \[75, 3\] and \[74\][\s\S]*balance: found 2[\s\S]*neighbours: found 0"
    ):
        oversample(X, Y[1:], balance=2, neighbours=0)
    with pytest.raises(DatasetError, match="x: found numbers that are not finite"):
        oversample(np.where(X > 2, np.nan, X), Y)
    with pytest.raises(DatasetError, match="class 9: found 1 row, expected two rows or more, to lie between"):
        oversample(X, np.where(np.arange(75) == 70, 9, Y))
    with pytest.raises(DatasetError, match=r"neighbours: found 0[\s\S]*x: found shape \[1, 3\], expected \[rows, features\]"):
        Smote(0).fit(X[:1])
    with pytest.raises(DatasetError, match="x: found numbers that are not finite"):
        Smote().fit(np.where(X > 2, np.inf, X))
    with pytest.raises(DatasetError, match="SMOTE: found no rows, expected rows it was fitted on"):
        Smote().sample(np.arange(2))
