"""Draws have the distributions they are named after."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from within_wf.data.sample_world.draws import counts, rounded, smooth_noise, wave


@pytest.mark.parametrize("mean", [0.0, 0.02, 0.7, 3.0, 7.99, 8.0, 20.0, 400.0, 1e5])
def test_counts_have_the_mean_and_variance_of_poisson(mean: float) -> None:
    u = (np.arange(40_000) + 0.5) / 40_000
    drawn = counts(np.full(u.size, mean), u)
    assert drawn.min() >= 0
    assert drawn.mean() == pytest.approx(mean, rel=0.002, abs=0.02)
    assert drawn.var() == pytest.approx(mean, rel=0.02, abs=0.02 + 0.47 * (mean >= 8))


@pytest.mark.parametrize("mean", [0.3, 2.5, 7.5])
def test_small_counts_are_the_quantiles_of_scipy(mean: float) -> None:
    u = (np.arange(5000) + 0.5) / 5000
    assert (counts(np.full(u.size, mean), u) == stats.poisson.ppf(u, mean)).all()


def test_wave_has_period_one_and_height_one() -> None:
    phase = np.linspace(-1, 2, 3001)
    assert np.allclose(wave(phase), wave(phase + 1))
    assert wave(phase).max() == pytest.approx(1)
    assert np.abs(wave(phase) - np.sin(2 * np.pi * phase)).max() < 0.06


def test_smooth_noise_is_a_stationary_autoregression() -> None:
    shocks = np.random.default_rng(0).standard_normal((2000, 60))
    noise = smooth_noise(shocks, 0.8, 0.5)
    assert np.allclose(noise.std(axis=0), 0.5, atol=0.04)
    assert np.corrcoef(noise[:, 30], noise[:, 31])[0, 1] == pytest.approx(0.8, abs=0.03)


def test_halves_are_rounded_up() -> None:
    assert rounded(np.array([0.125, -0.125, 2.344, 1.0]), 2).tolist() == [0.13, -0.12, 2.34, 1.0]
