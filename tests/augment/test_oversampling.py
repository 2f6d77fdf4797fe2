"""Rows of rare classes lie between rows of their class."""

import numpy as np
import pytest

from within_wf.augment import oversample
from within_wf.errors import DatasetError

DRAWS = np.random.default_rng(3)
X = np.concatenate([DRAWS.normal(0, 1, (60, 3)), DRAWS.normal(4, 1, (12, 3)), DRAWS.normal(-4, 1, (3, 3))])
Y = np.repeat([0, 1, 2], [60, 12, 3])
IDS = DRAWS.permutation(75)


def lies_between(row, one, other):
    """Whether a row is on the line from one to the other."""
    along = other - one
    step = (row - one) @ along / (along @ along)
    return -1e-9 <= step <= 1 + 1e-9 and np.allclose(one + step * along, row)


def test_a_new_row_lies_between_a_row_and_one_of_its_nearest():
    made, classes = oversample(X, Y, IDS, neighbours=4)
    assert np.bincount(classes, minlength=3).tolist() == [0, 48, 57]
    for row, number in zip(made, classes, strict=True):
        rows = X[number == Y]
        nearest = [np.argsort(((rows - one) ** 2).sum(axis=1))[1:5] for one in rows]
        assert any(lies_between(row, one, rows[near]) for one, all_near in zip(rows, nearest, strict=True) for near in all_near)
    assert len(np.unique(made, axis=0)) == len(made)


def test_classes_come_to_the_share_that_was_asked():
    _, classes = oversample(X, Y, IDS, balance=0.5)
    assert np.bincount(classes, minlength=3).tolist() == [0, 18, 27]
    made, classes = oversample(X, Y, IDS, balance=0.01)
    assert made.shape == (0, 3)
    assert classes.size == 0
    assert oversample(X[:0], Y[:0], IDS[:0])[0].shape == (0, 3)


def test_the_order_of_rows_and_other_classes_change_nothing():
    made, classes = oversample(X, Y, IDS)
    order = DRAWS.permutation(75)
    again, same = oversample(X[order], Y[order], IDS[order])
    np.testing.assert_array_equal(again, made)
    np.testing.assert_array_equal(same, classes)
    without, _ = oversample(X[Y != 2], Y[Y != 2], IDS[Y != 2])
    np.testing.assert_array_equal(without, made[classes == 1])
    assert not np.array_equal(oversample(X, Y, IDS, seed=1)[0], made)


def test_everything_wrong_is_named_at_once():
    with pytest.raises(
        DatasetError,
        match=r"x, y and ids: found shapes \[75, 3\], \[74\] and 75 ids[\s\S]*balance: found 2[\s\S]*neighbours: found 0",
    ):
        oversample(X, Y[1:], IDS, balance=2, neighbours=0)
    with pytest.raises(DatasetError, match="x: found numbers that are not finite"):
        oversample(np.where(X > 2, np.nan, X), Y, IDS)
    with pytest.raises(DatasetError, match="class 9: found 1 row, expected two rows or more, to lie between"):
        oversample(X, np.where(np.arange(75) == 70, 9, Y), IDS)
