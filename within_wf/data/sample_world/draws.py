"""Numbers drawn from distributions, by operations whose bits are the same everywhere."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

EXACT_BELOW = 8.0
"""Means below it are drawn by inversion, the rest by a transformed normal."""


def counts(mean: Floats, uniform: Floats) -> Ints:
    """Poisson draws, one for each mean.

    Small means walk along the distribution function; larger ones take ``floor((sqrt(m + 1/4) + z/2)**2)``, the inverse
    of the square root that makes a Poisson count nearly normal (Bartlett, 1936), whose mean is ``m`` and whose variance
    is about ``m + 0.46``.

    Args:
        mean: Not negative.
        uniform: In (0, 1), the same shape.
    """
    root = np.maximum(np.sqrt(mean + 0.25) + 0.5 * ndtri(uniform), 0.0)
    drawn: Ints = np.floor(root * root).astype(np.int64)
    small = np.flatnonzero(mean < EXACT_BELOW)
    drawn[small] = _inverse_poisson(mean[small], uniform[small])
    return drawn


def _inverse_poisson(mean: Floats, uniform: Floats) -> Ints:
    chance = np.exp(-mean)
    below = chance.copy()
    drawn = np.zeros(mean.size, np.int64)
    for value in range(1, 40):
        beyond = uniform > below
        if not beyond.any():
            break
        drawn += beyond
        chance = chance * mean / value
        below = below + chance
    return drawn


def rounded(values: Floats, decimals: int) -> Floats:
    """Halves up; what differs in the last bit alone becomes equal."""
    scale = 10.0**decimals
    result: Floats = np.floor(values * scale + 0.5) / scale
    return result


def wave(phase: Floats) -> Floats:
    """A wave of period 1 between -1 and 1, made of two parabolas, so that no processor's sine is asked."""
    turn = phase - np.floor(phase)
    half = np.where(turn < 0.5, turn, turn - 0.5)
    hump = 16.0 * half * (0.5 - half)
    return np.where(turn < 0.5, hump, -hump)


def smooth_noise(shocks: Floats, memory: float, std: float) -> Floats:
    """A first-order autoregression along the last axis with this standard deviation.

    Args:
        shocks: Standard normal, shape [series, days].
        memory: Correlation of neighbouring days.
        std: Standard deviation of a day.
    """
    result = np.empty_like(shocks)
    step = float(np.sqrt(1.0 - memory * memory))
    state = shocks[:, 0]
    result[:, 0] = state
    for day in range(1, shocks.shape[1]):
        state = memory * state + step * shocks[:, day]
        result[:, day] = state
    result *= std
    return result
