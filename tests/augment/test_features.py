"""Numbers, varied: by as much as was asked."""

import numpy as np
import pytest

from within_wf.augment import FeatureAugmenter
from within_wf.augment.chosen import chosen_copies
from within_wf.config.data import FeatureAugmentationConfig
from within_wf.errors import DatasetError
from within_wf.ops.sums import column_means, column_stds

ROWS = 4000
X = np.random.default_rng(0).normal([3, -1], [2, 5], size=(ROWS, 2)).astype(np.float32)
IDS = np.arange(ROWS)


def test_noise_has_the_standard_deviation_that_was_asked_for():
    config = FeatureAugmentationConfig(noise_std=0.1, dropout=0)
    noise = FeatureAugmenter(config).fit(X).augment(X, IDS) - X
    np.testing.assert_allclose(noise.std(axis=0), 0.1 * X.std(axis=0), rtol=0.05)
    np.testing.assert_allclose(noise.mean(axis=0), 0, atol=0.02)


def test_dropped_features_take_their_mean():
    config = FeatureAugmentationConfig(noise_std=0, dropout=0.25)
    varied = FeatureAugmenter(config).fit(X).augment(X, IDS)
    is_dropped = varied != X
    assert is_dropped.mean() == pytest.approx(0.25, abs=0.02)
    for column in range(2):
        dropped = np.unique(varied[is_dropped[:, column], column])
        np.testing.assert_allclose(dropped, X[:, column].mean(dtype=np.float64), rtol=1e-5)


def test_flags_get_no_noise():
    flags = (X > 0).astype(np.float32)
    np.testing.assert_array_equal(FeatureAugmenter(FeatureAugmentationConfig(dropout=0)).fit(flags).augment(flags, IDS), flags)


def test_windows_keep_their_shape_and_a_rows_draws_its_own():
    windows = X[:30].reshape(5, 3, 4)
    augmenter = FeatureAugmenter().fit(windows)
    varied = augmenter.augment(windows, IDS[:5])
    assert varied.shape == windows.shape
    np.testing.assert_array_equal(augmenter.augment(windows[2:3], IDS[2:3]), varied[2:3])
    assert not np.array_equal(augmenter.augment(windows, IDS[:5], copy=2), varied)


@pytest.mark.parametrize("shape", [(0, 3), (4, 0), (0, 5, 2)])
def test_nothing_is_varied_into_nothing(shape):
    empty = np.zeros(shape, np.float32)
    assert FeatureAugmenter().fit(empty).augment(empty, np.arange(shape[0])).shape == shape


def test_a_row_is_chosen_by_its_id_alone():
    one, two = chosen_copies(IDS, 0.3, 2, seed=1)
    assert one.size / ROWS == pytest.approx(0.3, abs=0.03)
    assert not np.array_equal(one, two)
    (half,) = chosen_copies(IDS[: ROWS // 2], 0.3, 1, seed=1)
    np.testing.assert_array_equal(half, one[one < ROWS // 2])
    assert [rows.size for rows in chosen_copies(IDS, 0.0, 2, seed=1)] == [0, 0]
    assert chosen_copies(IDS, 1.0, 1, seed=1)[0].size == ROWS


def test_features_it_was_not_fitted_on_are_refused():
    x, ids = np.ones((3, 2), np.float32), np.arange(3)
    with pytest.raises(DatasetError, match="found 2 features, expected the 0 it was fitted on"):
        FeatureAugmenter().augment(x, ids)
    with pytest.raises(DatasetError, match="ids: found 2 ids, expected one a row, 3"):
        FeatureAugmenter().fit(x).augment(x, ids[:2])


@pytest.mark.parametrize("size", [1, 7, 999, ROWS])
def test_spreads_of_pieces_are_those_of_the_whole(size):
    pieces = [X[begin : begin + size] for begin in range(0, ROWS, size)]
    found = FeatureAugmenter().fit_pieces(lambda: pieces, 2)
    np.testing.assert_array_equal(found.augment(X, IDS), FeatureAugmenter().fit(X).augment(X, IDS))
    np.testing.assert_array_equal(found._mean, column_means(X))
    np.testing.assert_array_equal(found._std, column_stds(X))
