"""Synthetic rows keep distributions and what goes together."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from within_wf.augment import GaussianCopula
from within_wf.augment.copula import _cholesky, _correlation
from within_wf.errors import DatasetError

ROWS = 4000
R = np.array([[1.0, 0.8, -0.5], [0.8, 1.0, -0.2], [-0.5, -0.2, 1.0]])
NORMAL = np.random.default_rng(0).multivariate_normal(np.zeros(3), R, size=ROWS)
SKEWED = np.stack([np.exp(NORMAL[:, 0]), 100 + 3 * NORMAL[:, 1], NORMAL[:, 2] ** 3], axis=1)
"""Each column a rising function of a normal one, so that the copula is that of the normal ones."""
IDS = np.arange(ROWS)


def test_what_goes_together_is_that_of_the_normal_distribution_behind():
    copula = GaussianCopula().fit(SKEWED)
    np.testing.assert_allclose(copula.correlation, R, atol=0.04)
    made = copula.sample(IDS)
    rank = stats.spearmanr(made).statistic
    np.testing.assert_allclose(rank, 6 / np.pi * np.arcsin(R / 2), atol=0.05)  # Kruskal, JASA 1958
    kendall = stats.kendalltau(made[:, 0], made[:, 1]).statistic
    assert kendall == pytest.approx(2 / np.pi * np.arcsin(0.8), abs=0.04)


def test_each_column_is_distributed_as_before():
    made = GaussianCopula().fit(SKEWED).sample(IDS)
    for column in range(3):
        assert stats.ks_2samp(made[:, column], SKEWED[:, column]).pvalue > 0.01
        assert made[:, column].min() >= SKEWED[:, column].min()
        assert made[:, column].max() <= SKEWED[:, column].max()
    assert stats.kstest(np.log(made[:, 0]), "norm").pvalue > 0.01


def test_flags_and_counts_take_the_values_that_were_seen_as_often():
    draws = np.random.default_rng(1)
    flags = (NORMAL[:, 0] > 1).astype(float)
    counts = draws.poisson(np.exp(NORMAL[:, 0] / 2))
    made = GaussianCopula().fit(np.stack([flags, counts, np.full(ROWS, 7.0)], axis=1)).sample(IDS)
    assert set(made[:, 0]) == {0.0, 1.0}
    assert made[:, 0].mean() == pytest.approx(flags.mean(), abs=0.02)
    assert set(made[:, 1]) <= set(counts)
    assert made[:, 1].mean() == pytest.approx(counts.mean(), abs=0.08)
    assert set(made[:, 2]) == {7.0}
    # Ties say less of what goes together than the numbers behind them do.
    assert 0.2 < np.corrcoef(made[:, 0], made[:, 1])[0, 1] < np.corrcoef(flags, counts)[0, 1] + 0.03


def test_gaps_are_left_out_pair_by_pair():
    rows = SKEWED.copy()
    draws = np.random.default_rng(4)
    rows[draws.random(ROWS) < 0.5, 0] = np.nan
    rows[draws.random(ROWS) < 0.3, 2] = np.nan
    copula = GaussianCopula().fit(rows)
    np.testing.assert_allclose(copula.correlation, R, atol=0.05)
    made = copula.sample(IDS)
    assert stats.ks_2samp(made[:, 0], SKEWED[:, 0]).pvalue > 0.01
    assert np.isfinite(made).all()
    nothing = np.stack([np.full(9, np.nan), np.arange(9.0), [7.0, *[np.nan] * 8]], axis=1)
    made = GaussianCopula().fit(nothing).sample(IDS[:5])
    assert np.isnan(made[:, 0]).all()
    assert made[:, 2].tolist() == [7.0] * 5


def test_neither_the_order_of_rows_nor_company_changes_a_bit():
    shuffled = np.random.default_rng(2).permutation(ROWS)
    made = GaussianCopula().fit(SKEWED).sample(IDS[:50], seed=7)
    other = GaussianCopula().fit(SKEWED[shuffled])
    np.testing.assert_array_equal(other.sample(IDS[:50], seed=7), made)
    np.testing.assert_array_equal(other.sample(IDS[20:30], seed=7), made[20:30])
    assert not np.array_equal(other.sample(IDS[:50], seed=8), made)


def test_the_bytes_are_these():
    x = np.arange(12.0).reshape(6, 2)
    x = x * np.sqrt(x)  # powers are others where NumPy finds AVX-512
    made = GaussianCopula().fit(x).sample(np.arange(5))
    assert hashlib.sha256(made.tobytes()).hexdigest()[:16] == "edc4a94bc48e6ce2"


def test_columns_that_say_the_same_still_go_together():
    x = np.stack([NORMAL[:, 0], 2 * NORMAL[:, 0], -NORMAL[:, 0]], axis=1)
    made = GaussianCopula().fit(x).sample(IDS[:500])
    np.testing.assert_allclose(np.corrcoef(made.T), [[1, 1, -1], [1, 1, -1], [-1, -1, 1]], atol=1e-3)


@given(st.integers(1, 6), st.integers(0, 10**6))
def test_the_factor_is_that_of_cholesky(size, seed):
    draws = np.random.default_rng(seed).normal(size=(size + 3, size))
    matrix = draws.T @ draws + 0.1 * np.eye(size)
    np.testing.assert_allclose(_cholesky(matrix), np.linalg.cholesky(matrix), rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(_correlation(draws), np.atleast_2d(np.corrcoef(draws.T)), atol=1e-12)


def test_what_cannot_be_fitted_or_drawn_is_told():
    with pytest.raises(DatasetError, match=r"x: found shape \[1, 2\], expected \[rows, features\], two rows or more"):
        GaussianCopula().fit([[1.0, 2.0]])
    with pytest.raises(DatasetError, match=r"row 1, column 0: found -inf[\s\S]*row 2, column 1: found inf"):
        GaussianCopula().fit([[1.0, 2.0], [-np.inf, 3.0], [2.0, np.inf]])
    with pytest.raises(DatasetError, match="copula: found no rows, expected one that was fitted"):
        GaussianCopula().sample(IDS)
    assert GaussianCopula().fit(np.zeros((3, 0))).sample(IDS[:4]).shape == (4, 0)
